"""Sorting of results (RFC 7644 §3.4.2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scim.protocol.comparison import comparable
from scim.protocol.errors import InvalidPath, InvalidValue, ScimError
from scim.protocol.filter_parser import parse_path
from scim.protocol.schema import Attribute, Json, Resource, ResourceType

# Absent values sort last (first when descending), so a key begins with whether there is none.
Key = tuple[bool, Any]


@dataclass(frozen=True, slots=True)
class Sort:
    """An order of resources: `key` by what, and in which direction."""

    key: Callable[[Resource], Key]
    descending: bool


def read_sort(sort_by: Json, sort_order: Json, resource_type: ResourceType) -> Sort | None:
    """Read `sortBy` and `sortOrder`; None without sortBy. Raises InvalidPath, InvalidValue."""
    if sort_by is None or sort_by == "":
        return None
    if not isinstance(sort_by, str):
        raise InvalidValue("sortBy has to be the name of one attribute.")
    order = "ascending" if sort_order in (None, "") else str(sort_order).lower()
    if order not in ("ascending", "descending"):
        raise InvalidValue("sortOrder has to be ascending or descending.")
    return Sort(_key(sort_by, resource_type), descending=order == "descending")


def _key(name: str, resource_type: ResourceType) -> Callable[[Resource], Key]:
    try:
        path = parse_path(name)
    except ScimError as error:
        raise InvalidPath(f"sortBy: {error.detail}") from error
    reference = resource_type.reference(path.urn, path.name, path.sub)
    if reference is None or reference.attribute is None or path.entries is not None:
        raise InvalidPath(f"sortBy has to name an attribute of {resource_type.name}.")
    attribute, sub = reference.attribute, reference.sub_attribute
    if attribute.complex and sub is None:
        sub = attribute.sub("value")
        if sub is None:
            raise InvalidPath(f"sortBy: {attribute.name} is complex; name one of its attributes.")
    leaf = sub or attribute
    if leaf.returned == "never":
        raise InvalidPath(f"sortBy: {attribute.name} cannot be sorted by.")
    extension, compare = reference.extension, comparable(leaf)

    def key(resource: Resource) -> Key:
        holder = resource.get(extension.urn, {}) if extension else resource
        value = _one(holder.get(attribute.name), attribute)
        if sub is not None:
            value = value.get(sub.name) if isinstance(value, dict) else None
        found = None if value is None else compare(value)
        return (found is None, found if found is not None else 0)

    return key


def _one(value: Json, attribute: Attribute) -> Json:
    """Return the value that counts: of several the primary one, else the first."""
    if not attribute.multi_valued:
        return value
    entries = value if isinstance(value, list) else []
    primary = [each for each in entries if isinstance(each, dict) and each.get("primary") is True]
    return next(iter(primary or entries), None)
