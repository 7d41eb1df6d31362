"""The stored form of a resource, and how what a client sends is read into it (RFC 7643 §2).

A resource is a dictionary in schema case: `schemas`, `id`, the attributes, each extension under
its URN, `meta`. What is unassigned is absent: there is no null, "", [] or {} in it (§2.5).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from typing import Any, Final

from scim.protocol.errors import InvalidValue, Mutability, TooMany
from scim.protocol.scalars import COMPLAINTS, kind
from scim.protocol.schema import COMMON, Attribute, Json, Resource, ResourceType

MAX_VALUES: Final = 100_000  # values of one attribute; the largest group that one call may write
MAX_NOTED: Final = 100  # unknown names noted per call; the log keeps fewer

# PUT leaves it as it is when omitted: templates forget it, and nobody is to be enabled by that.
_KEPT_BY_PUT: Final = "active"
# What says something about an entry, but is none without the value (idp-behaviour: Entra removes
# only `phoneNumbers[type eq "mobile"].value`).
_LABELS: Final = frozenset({"type", "primary"})


def read_resource(body: Json, resource_type: ResourceType, ignored: list[str]) -> Resource:
    """Return what the client may write, without `schemas`, `id` and `meta`.

    Values stay exactly as sent. Read-only members are ignored (RFC 7644 §3.3), attributes that
    are never returned are checked and dropped, unknown ones are dropped and noted in `ignored`.
    Raises InvalidValue with the path of what is wrong.
    """
    whole = whole_resource(resource_type)
    content = read_members(whole, body, "", ignored)
    content.pop("schemas", None)
    missing = next(missing_values(whole, content), None)
    if missing is not None:
        raise InvalidValue(f"{missing} must not be empty; it is required.")
    return content


def with_schemas(resource: Resource, resource_type: ResourceType) -> Resource:
    """Return the resource in order, with the schemas whose data it holds (RFC 7643 §3)."""
    extensions = [each.urn for each in resource_type.extensions.values() if resource.get(each.urn)]
    ordered: Resource = {"schemas": [resource_type.schema.urn, *extensions]}
    if "id" in resource:
        ordered["id"] = resource["id"]
    last = (*extensions, "meta")
    ordered.update(
        {name: each for name, each in resource.items() if name not in last and name != "schemas"}
    )
    ordered.update({name: resource[name] for name in last if name in resource})
    return ordered


def replace(stored: Resource, content: Resource, resource_type: ResourceType) -> Resource:
    """Return the stored resource with its content replaced (RFC 7644 §3.5.1).

    `content` comes from `read_resource`; what it omits is cleared, except `active`, what is
    read-only or immutable, and what is shown on request only. Returns `stored` itself when nothing
    changes. Raises Mutability for another value of an immutable attribute.
    """
    whole = whole_resource(resource_type)
    replaced = with_schemas(_replaced(whole, stored, content, ""), resource_type)
    return stored if replaced == stored else replaced


@cache
def whole_resource(resource_type: ResourceType) -> Attribute:
    """Return the resource as one complex attribute, its extensions among the sub-attributes."""
    extensions = {
        urn: Attribute(schema.urn, "complex", sub_attributes=schema.attributes)
        for urn, schema in resource_type.extensions.items()
    }
    members = {**COMMON, **resource_type.schema.attributes, **extensions}
    return Attribute("", "complex", sub_attributes=members)


def holds_attributes(attribute: Attribute) -> bool:
    """Whether it is a whole resource or extension, not an attribute of one."""
    return not attribute.name or ":" in attribute.name


def prefix(where: str, attribute: Attribute) -> str:
    """Return what stands before the name of a sub-attribute: `name.`, `urn:…:User:`."""
    if not where:
        return ""
    return f"{where}:" if holds_attributes(attribute) else f"{where}."


def read_value(attribute: Attribute, value: Json, where: str, ignored: list[str]) -> Json:
    """Return a value of the attribute in stored form; None when it says "unassigned".

    Raises InvalidValue that names `where`, the path of the value.
    """
    if value is None:
        return None
    if not attribute.multi_valued:
        return _read_single(attribute, value, where, ignored)
    if type(value) is not list:
        raise InvalidValue(f"{where} must be a list, not {kind(value)}.")
    check_size(value, where)
    values = [
        each
        for index, item in enumerate(value)
        if (each := read_entry(attribute, item, f"{where}[{index}]", ignored)) is not None
    ]
    check_primary(attribute, values, where)
    return values or None


def read_entry(attribute: Attribute, value: Json, where: str, ignored: list[str]) -> Json:
    """Return one entry in stored form; None when nothing but labels is in it."""
    entry = _read_single(attribute, value, where, ignored)
    return None if attribute.complex and is_blank(entry) else entry


def read_members(
    attribute: Attribute, value: Json, where: str, ignored: list[str]
) -> dict[str, Any]:
    """Return the members of an object in schema case; see `read_resource`."""
    check_object(attribute, value, where)
    subs = attribute.sub_attributes or {}
    start = prefix(where, attribute)
    members: dict[str, Any] = {}
    for name, item in value.items():
        sub = subs.get(name.lower())
        if sub is None:
            note(ignored, start + name)
        elif sub.mutability != "readOnly" and item is not None:
            # Most values are plain and right; a call for each costs more than the reading.
            plain = None if sub.multi_valued else COMPLAINTS.get(sub.type)
            read = item
            if plain is None or plain(item) is not None:
                read = read_value(sub, item, start + sub.name, ignored)
            if read is not None and read != "" and sub.returned != "never":
                members[sub.name] = read
    return members


def is_blank(entry: Collection[str] | None) -> bool:
    """Whether an entry holds nothing but labels: `type` and `primary`."""
    return not entry or _LABELS.issuperset(entry)


def check_object(attribute: Attribute, value: Json, where: str) -> None:
    """Raise InvalidValue for a value that is no object; the error names what may be in it."""
    if type(value) is not dict:
        subs = (attribute.sub_attributes or {}).values()
        names = ", ".join(each.name for each in subs if not each.read_only)
        named = where or "A resource"
        raise InvalidValue(f"{named} must be an object with {names}, not {kind(value)}.")


def check_size(values: Collection[Any], where: str) -> None:
    """Raise TooMany beyond the values that one attribute may have."""
    if len(values) > MAX_VALUES:
        raise TooMany(f"{where} has {len(values)} values; at most {MAX_VALUES} are kept.")


def check_primary(attribute: Attribute, entries: list[Any], where: str) -> None:
    """Raise InvalidValue when several entries are primary (RFC 7643 §2.4)."""
    if attribute.sub("primary") and sum(each.get("primary") is True for each in entries) > 1:
        raise InvalidValue(f"{where} has several entries with primary true; mark one.")


def missing_values(attribute: Attribute, value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths of required values that are not there, in what is there."""
    for sub in _demanding(attribute):
        found = value.get(sub.name)
        if found is None:
            if sub.required and not sub.read_only:
                yield sub.name
        elif sub.complex:
            for entry in found if sub.multi_valued else [found]:
                yield from (prefix(sub.name, sub) + each for each in missing_values(sub, entry))


def note(ignored: list[str], path: str) -> None:
    """Remember the path of something unknown that is passed over; each path once."""
    if len(ignored) < MAX_NOTED and path not in ignored:
        ignored.append(path)


@cache
def _demanding(attribute: Attribute) -> tuple[Attribute, ...]:
    """Return the sub-attributes that are required or have required ones."""
    subs = (attribute.sub_attributes or {}).values()
    return tuple(each for each in subs if each.required or _demanding(each))


def _read_single(attribute: Attribute, value: Json, where: str, ignored: list[str]) -> Json:
    if attribute.type == "complex":
        return read_members(attribute, value, where, ignored) or None
    wrong = COMPLAINTS[attribute.type](value)
    if wrong is not None:
        raise InvalidValue(f"{where} {wrong}.")
    return None if value == "" else value


def _replaced(parent: Attribute, stored: Resource, content: Resource, where: str) -> dict[str, Any]:
    result = dict(content)
    for name, old in stored.items():
        member = parent.sub(name)
        if member is None or name == "schemas":
            continue
        path = prefix(where, parent) + name
        if member.mutability == "immutable":
            if content.get(name, old) != old:
                raise Mutability(f"{path} is immutable; send the value it has, or leave it out.")
            result[name] = old
        elif member.read_only:
            # Within a value they belong to that value, and go with it.
            if holds_attributes(parent):
                result[name] = old
        elif member.complex and not member.multi_valued:
            if kept := _replaced(member, old, content.get(name, {}), path):
                result[name] = kept
        elif path == _KEPT_BY_PUT or member.returned == "request":
            # What a GET does not show, a client that changes and returns it cannot send.
            result.setdefault(name, old)
    return result
