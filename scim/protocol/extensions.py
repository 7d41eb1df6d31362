"""Extension schemas that an admin declares (RFC 7643 §3.3), checked and completed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

import orjson
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from scim.protocol.errors import InvalidPath
from scim.protocol.filter import Path
from scim.protocol.filter_parser import parse_path
from scim.protocol.schema import ENTERPRISE_USER, GROUP, USER, Json, Schema, read_schema

_BUILT_IN: Final = (USER, ENTERPRISE_USER, GROUP)


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, alias_generator=to_camel)


class AttributeDocument(_Document):
    """An attribute as RFC 7643 §7 writes it, with the defaults of that section."""

    name: str = Field(pattern=r"^(?:[A-Za-z][A-Za-z0-9_-]*|\$ref)$", max_length=100)
    type: Literal[
        "string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"
    ] = "string"
    multi_valued: bool = False
    description: str = ""
    required: bool = False
    case_exact: bool | None = None
    mutability: Literal["readWrite", "readOnly", "immutable", "writeOnly"] = "readWrite"
    returned: Literal["default", "always", "request", "never"] | None = None
    uniqueness: Literal["none"] = "none"  # no index keeps other values unique
    canonical_values: list[str] = []
    reference_types: list[str] = []
    sub_attributes: list[AttributeDocument] = []

    @model_validator(mode="after")
    def _consistent(self) -> AttributeDocument:
        if (self.type == "complex") != bool(self.sub_attributes):
            raise ValueError("an attribute has subAttributes if, and only if, its type is complex")
        if any(each.type == "complex" for each in self.sub_attributes):
            raise ValueError("subAttributes cannot be complex themselves (RFC 7643 §2.3.8)")
        if self.mutability == "writeOnly" and self.returned not in (None, "never"):
            raise ValueError("what is writeOnly is returned never")
        _check_distinct([each.name for each in self.sub_attributes])
        return self

    def document(self) -> dict[str, Json]:
        """Return the attribute as /Schemas shows it, complete."""
        document = self.model_dump(by_alias=True)
        exact = self.type in ("reference", "binary")  # RFC 7643 §2.3.6, §2.3.7
        document["caseExact"] = exact if self.case_exact is None else self.case_exact
        default = "never" if self.mutability == "writeOnly" else "default"
        document["returned"] = self.returned or default
        document["subAttributes"] = [each.document() for each in self.sub_attributes]
        optional = ("canonicalValues", "referenceTypes", "subAttributes")
        return {name: each for name, each in document.items() if each or name not in optional}


class SchemaDocument(_Document):
    """A schema as RFC 7643 §7 writes it, and what it extends."""

    id: str = Field(max_length=200)
    name: str = ""
    description: str = ""
    attributes: list[AttributeDocument] = Field(min_length=1)
    resource_type: Literal["User", "Group"] = "User"
    # What a document from a server's /Schemas has beside its content.
    schemas: Any = Field(default=None, exclude=True)
    meta: Any = Field(default=None, exclude=True)

    @field_validator("id")
    @classmethod
    def _urn(cls, urn: str) -> str:
        try:
            readable = parse_path(f"{urn}:name") == Path(urn, "name")
        except InvalidPath:
            readable = False
        if not readable:
            raise ValueError("has to be a URN that ends in a name, such as urn:example:2.0:User")
        if urn.lower() in map(str.lower, _BUILT_IN):
            raise ValueError("is built in")
        return urn

    @model_validator(mode="after")
    def _distinct(self) -> SchemaDocument:
        _check_distinct([each.name for each in self.attributes])
        return self

    def schema_of(self) -> Schema:
        """Return the tables of the extension, and its document as /Schemas shows it."""
        return read_schema(
            {
                "id": self.id,
                "name": self.name or self.id.rpartition(":")[2],
                "description": self.description,
                "attributes": [each.document() for each in self.attributes],
            }
        )


def _check_distinct(names: Sequence[str]) -> None:
    lower = [name.lower() for name in names]
    twice = sorted({name for name in names if lower.count(name.lower()) > 1})
    if twice:
        raise ValueError(f"declares twice: {', '.join(twice)}")


def _distinct_urns(declared: list[SchemaDocument]) -> list[SchemaDocument]:
    _check_distinct([each.id for each in declared])
    return declared


_LIST: Final = TypeAdapter(Annotated[list[SchemaDocument], AfterValidator(_distinct_urns)])


def read_extensions(text: str, problems: list[str]) -> Mapping[str, tuple[Schema, ...]]:
    """Return the extensions in a JSON list of Schema documents, by the name of what they extend.

    A document's `resourceType` tells that: User if it is left out, or Group. What is wrong is
    added to `problems`, each with its place in the list; then nothing is returned.
    """
    try:
        declared = _LIST.validate_python(orjson.loads(text))
    except orjson.JSONDecodeError as error:
        problems.append(f"is not JSON: line {error.lineno}, column {error.colno}")
    except ValidationError as error:
        problems += [_problem(each["loc"], each["msg"]) for each in error.errors()]
    else:
        return {
            kind: tuple(each.schema_of() for each in declared if each.resource_type == kind)
            for kind in ("User", "Group")
        }
    return {}


def _problem(place: tuple[int | str, ...], complaint: str) -> str:
    where = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in place)
    return f"{where} {complaint.removeprefix('Value error, ')}".strip()
