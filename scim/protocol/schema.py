"""Schemas as data (RFC 7643 §7) and the tables by which names are looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

Json = Any  # what orjson reads and writes; shapes are checked where they matter
Resource = dict[str, Any]

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE_USER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SCHEMA = "urn:ietf:params:scim:schemas:core:2.0:Schema"


@dataclass(frozen=True, slots=True, eq=False)
class Attribute:
    """An attribute's characteristics (RFC 7643 §2.2); sub-attributes by lower-cased name."""

    name: str
    type: str
    multi_valued: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: str = "readWrite"
    returned: str = "default"
    canonical_values: tuple[str, ...] = ()
    sub_attributes: Mapping[str, Attribute] | None = None

    @property
    def complex(self) -> bool:
        """Whether values are objects of sub-attributes."""
        return self.type == "complex"

    @property
    def read_only(self) -> bool:
        """Whether clients may not set it."""
        return self.mutability == "readOnly"

    def sub(self, name: str) -> Attribute | None:
        """Return the sub-attribute of that name in any case."""
        return self.sub_attributes.get(name.lower()) if self.sub_attributes else None


@dataclass(frozen=True, slots=True, eq=False)
class Schema:
    """A schema: attributes by lower-cased name, and the document that /Schemas serves."""

    urn: str
    name: str
    attributes: Mapping[str, Attribute]
    document: Json


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a name points: `extension` is None for core and common attributes.

    Without `attribute` it is the extension as a whole.
    """

    extension: Schema | None
    attribute: Attribute | None
    sub_attribute: Attribute | None = None

    @property
    def leaf(self) -> Attribute | None:
        """Return the attribute whose values are meant."""
        return self.sub_attribute or self.attribute


# RFC 7643 §3.1: common attributes, in no schema. externalId stands in the documents of User and
# Group, because Entra's schema test looks for it there (E-la).
COMMON: Mapping[str, Attribute] = {
    "schemas": Attribute(
        "schemas", "reference", multi_valued=True, case_exact=True, returned="always"
    ),
    "id": Attribute("id", "string", case_exact=True, mutability="readOnly", returned="always"),
    "meta": Attribute(
        "meta",
        "complex",
        mutability="readOnly",
        sub_attributes={
            "resourcetype": Attribute(
                "resourceType", "string", case_exact=True, mutability="readOnly"
            ),
            "created": Attribute("created", "dateTime", mutability="readOnly"),
            "lastmodified": Attribute("lastModified", "dateTime", mutability="readOnly"),
            "location": Attribute("location", "reference", case_exact=True, mutability="readOnly"),
            "version": Attribute("version", "string", case_exact=True, mutability="readOnly"),
        },
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class ResourceType:
    """A kind of resource (RFC 7643 §6): endpoint, core schema, extensions by lower-cased URN."""

    name: str
    endpoint: str
    schema: Schema
    extensions: Mapping[str, Schema]

    def attribute(self, name: str) -> Attribute | None:
        """Return the core or common attribute of that name in any case."""
        lower = name.lower()
        return self.schema.attributes.get(lower) or COMMON.get(lower)

    def reference(self, urn: str | None, name: str | None, sub: str | None) -> Reference | None:
        """Resolve a name as written, optionally qualified by a schema URN; None if unknown."""
        extension: Schema | None = None
        attribute: Attribute | None
        if urn is None or urn.lower() == self.schema.urn.lower():
            if name is None:
                return None
            attribute = self.attribute(name)
        else:
            extension = self.extensions.get(urn.lower())
            if extension is None and name is not None and sub is None:
                # Names are read without schemas: the last part of a bare URN may look like one.
                extension, name = self.extensions.get(f"{urn}:{name}".lower()), None
            if extension is None:
                return None
            if name is None:
                return Reference(extension, None)
            attribute = extension.attributes.get(name.lower())
        if attribute is None:
            return None
        if sub is None:
            return Reference(extension, attribute)
        sub_attribute = attribute.sub(sub)
        return Reference(extension, attribute, sub_attribute) if sub_attribute else None


def read_schema(document: Json) -> Schema:
    """Build the tables from a schema document (the shape that /Schemas serves)."""
    return Schema(
        urn=document["id"],
        name=document["name"],
        attributes=_attributes(document["attributes"]),
        document=document,
    )


def _attributes(documents: Json) -> Mapping[str, Attribute]:
    return {
        each["name"].lower(): Attribute(
            name=each["name"],
            type=each["type"],
            multi_valued=each["multiValued"],
            required=each["required"],
            case_exact=each.get("caseExact", False),
            mutability=each["mutability"],
            returned=each["returned"],
            canonical_values=tuple(each.get("canonicalValues", ())),
            sub_attributes=_attributes(each["subAttributes"]) if "subAttributes" in each else None,
        )
        for each in documents
    }


def _built_in(name: str) -> Schema:
    return read_schema(orjson.loads((Path(__file__).parent / f"schemas/{name}.json").read_bytes()))


@cache
def user_type(*declared: Schema) -> ResourceType:
    """Return the resource type User with the enterprise extension and those declared."""
    enterprise = _built_in("enterprise_user")
    return ResourceType("User", "/Users", _built_in("user"), _by_urn(enterprise, *declared))


@cache
def group_type(*declared: Schema) -> ResourceType:
    """Return the resource type Group with the extensions declared."""
    return ResourceType("Group", "/Groups", _built_in("group"), _by_urn(*declared))


def _by_urn(*extensions: Schema) -> Mapping[str, Schema]:
    return {each.urn.lower(): each for each in extensions}
