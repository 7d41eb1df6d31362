"""Microsoft Entra ID, in its legacy and its compliant dialect: messages, names and filters."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from scim.dialects.entra_values import BOOLEAN_WORDS
from scim.dialects.names import key_of, path_in, with_value
from scim.protocol.errors import InvalidValue
from scim.protocol.filter import And, Comparison, Filter
from scim.protocol.schema import Attribute, Json, Reference, Resource, ResourceType

Operation = dict[str, Any]

_OPS: Final = frozenset({"add", "remove", "replace"})


def lower_case_op(operation: Operation, _: ResourceType) -> Operation:
    """Read `Add`, `Replace` and `Remove`."""
    op = operation.get("op")
    if not isinstance(op, str) or op in _OPS or op.lower() not in _OPS:
        return operation
    return {**operation, "op": op.lower()}


def drop_foreign_schemas(body: Json, resource_type: ResourceType) -> Json:
    """Drop URNs that the resource type does not have: the 2006 group URI, mistyped ones."""
    key = key_of(body, "schemas")
    urns = body[key] if key else None
    if not isinstance(urns, list):
        return body
    known = {resource_type.schema.urn.lower(), *resource_type.extensions}
    kept = [urn for urn in urns if not isinstance(urn, str) or urn.lower() in known]
    return body if len(kept) == len(urns) else {**body, key: kept}


def add_extension_schemas(body: Json, resource_type: ResourceType) -> Json:
    """Name the extensions in `schemas` whose data the body holds."""
    key = key_of(body, "schemas")
    urns = body[key] if key else None
    if not isinstance(urns, list) or not all(isinstance(urn, str) for urn in urns):
        return body
    named = {urn.lower() for urn in urns}
    missing = [
        extension.urn
        for lower, extension in resource_type.extensions.items()
        if lower not in named and _holds_data(body, extension.urn)
    ]
    return {**body, key: [*urns, *missing]} if missing else body


def _holds_data(body: Resource, urn: str) -> bool:
    data = body.get(key_of(body, urn) or urn)
    return isinstance(data, dict) and any(value is not None for value in data.values())


def lift_extension_attributes(name: str, resource_type: ResourceType) -> str:
    """Qualify `department` or `manager`, which the core schema does not have, by its URN."""
    head = name[: next((at for at, character in enumerate(name) if character in ".["), len(name))]
    if not head or ":" in head or resource_type.attribute(head):
        return name
    lower = head.lower()
    owners = [each.urn for each in resource_type.extensions.values() if lower in each.attributes]
    return f"{owners[0]}:{name}" if len(owners) == 1 else name


def colon_for_legacy_dot(name: str, resource_type: ResourceType) -> str:
    """Read `urn:…:User.department`, the notation of the old template customappsso."""
    lower = name.lower()
    for urn in resource_type.extensions:
        if lower.startswith(f"{urn}."):
            return f"{name[: len(urn)]}:{name[len(urn) + 1 :]}"
    return name


def nest_flat_names(body: Json, resource_type: ResourceType) -> Json:
    """Move values of `name.givenName` and `urn:…:User:department` to their place.

    A value that stands there already wins.
    """
    result = body
    for key in body:
        if "." not in key and ":" not in key:
            continue
        names = _place(key, resource_type)
        if names is not None:
            rest = {name: value for name, value in result.items() if name != key}
            result = with_value(rest, names, body[key]) or result
    return result


def _place(key: str, resource_type: ResourceType) -> list[str] | None:
    reference = _deep_reference(key, resource_type)
    if reference is None or reference.attribute is None:
        return None
    names = [reference.extension.urn] if reference.extension else []
    names.append(reference.attribute.name)
    if reference.sub_attribute:
        if reference.attribute.multi_valued:
            return None
        names.append(reference.sub_attribute.name)
    return names


def _deep_reference(
    key: str, resource_type: ResourceType, *, filtered: bool = False
) -> Reference | None:
    """Resolve a key that is a path; None for a plain name, a whole extension, an unknown one."""
    if not any(character in key for character in ".:[") or key.lower() in resource_type.extensions:
        return None
    path = path_in(key)
    if path is None or (path.entries is not None and not filtered):
        return None
    return resource_type.reference(path.urn, path.name, path.sub)


def split_pathless_value(
    operation: Operation, resource_type: ResourceType
) -> Operation | list[Operation]:
    """Give every key that is a path an operation of its own, in order.

    `name.familyName`, `urn:…:User:department`, `emails[type eq "work"].value`.
    """
    value = operation.get("value")
    if "path" in operation or not isinstance(value, dict):
        return operation
    paths = {key for key in value if _deep_reference(key, resource_type, filtered=True)}
    if not paths:
        return operation
    operations: list[Operation] = []
    for key, each in value.items():
        if key in paths:
            operations.append({**operation, "path": key, "value": each})
        elif operations and "path" not in operations[-1]:
            operations[-1]["value"][key] = each
        else:
            operations.append({**operation, "value": {key: each}})
    return operations


def remove_listed_entries(
    operation: Operation, resource_type: ResourceType
) -> Operation | list[Operation]:
    """Remove the entries that stand in `value`, and only those, each by a filter.

    Raises InvalidValue when an entry says nothing to find it by: the whole attribute must not
    go instead.
    """
    path, value = operation.get("path"), operation.get("value")
    if operation.get("op") != "remove" or not isinstance(path, str) or value is None:
        return operation
    attribute, sub = _list_at(path, resource_type)
    if attribute is None:
        return operation
    if sub is not None:
        raise _unnamed(attribute)
    entries = value if isinstance(value, list) else [value]
    rest = {name: each for name, each in operation.items() if name != "value"}
    conditions = [_condition(attribute, entry) for entry in entries] or [_nothing(attribute)]
    return [{**rest, "path": f"{path}[{condition}]"} for condition in conditions]


def _list_at(path: str, resource_type: ResourceType) -> tuple[Attribute | None, str | None]:
    """Return the multi-valued attribute that a path without a filter names, and sub-attribute."""
    read = path_in(path)
    if read is None or read.entries is not None:
        return None, None
    reference = resource_type.reference(read.urn, read.name, None)
    attribute = reference.attribute if reference else None
    return (attribute, read.sub) if attribute and attribute.multi_valued else (None, None)


def _condition(attribute: Attribute, entry: Json) -> str:
    if isinstance(entry, str):
        return f"value eq {json.dumps(entry)}"
    if isinstance(entry, dict):
        texts = {name.lower(): each for name, each in entry.items() if isinstance(each, str)}
        terms = [f"{name} eq {json.dumps(texts[name])}" for name in _keys(attribute, texts)]
        if terms:
            return " and ".join(terms)
    raise _unnamed(attribute)


def _unnamed(attribute: Attribute) -> InvalidValue:
    return InvalidValue(
        f"{attribute.name}: name each entry to remove, as "
        f'{{"value": "…"}} in a list or by a path such as {attribute.name}[value eq "…"].'
    )


def _keys(attribute: Attribute, texts: dict[str, str]) -> list[str]:
    if "value" not in texts:
        return [name for name in texts if attribute.sub(name)]
    kind = attribute.sub("type")
    # An immutable type, as that of members, is the server's own: it tells no two entries apart.
    typed = "type" in texts and kind is not None and kind.mutability == "readWrite"
    return ["value", "type"] if typed else ["value"]


def _nothing(attribute: Attribute) -> str:
    """Return a filter that no stored entry matches: nothing is listed, so nothing goes."""
    return 'type eq ""' if attribute.complex and not attribute.sub("value") else 'value eq ""'


def drop_value_of_remove(operation: Operation, _: ResourceType) -> Operation:
    """Ignore the value that comes along where the path alone says what goes."""
    if operation.get("op") != "remove" or not isinstance(operation.get("path"), str):
        return operation
    if operation.get("value") is None:
        return operation
    return {name: each for name, each in operation.items() if name != "value"}


def read_boolean_literals(attribute: Attribute, comparison: Comparison) -> Comparison:
    """Read `primary eq "True"` as a comparison with a boolean."""
    value = comparison.value
    if attribute.type != "boolean" or not isinstance(value, str):
        return comparison
    word = BOOLEAN_WORDS.get(value.lower())
    return comparison if word is None else replace(comparison, value=word, literal=value.lower())


def create_missing_entry(entries: Filter, attribute: Attribute) -> dict[str, Any] | None:
    """Return the entry that a conjunction of `eq` describes: `type eq "work"`; else None."""
    entry: dict[str, Any] = {}
    for each in _conjuncts(entries):
        if not isinstance(each, Comparison) or each.operator != "eq" or each.path.sub:
            return None
        sub = None if each.path.urn else attribute.sub(each.path.name)
        if sub is None or each.value is None or sub.name in entry:
            return None
        entry[sub.name] = each.value
    return entry


def _conjuncts(condition: Filter) -> Iterator[Filter]:
    if isinstance(condition, And):
        for branch in condition.branches:
            yield from _conjuncts(branch)
    else:
        yield condition
