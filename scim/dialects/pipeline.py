"""The order in which a request passes the quirks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from scim.dialects import filters
from scim.dialects.fired import note
from scim.dialects.names import key_of, path_in
from scim.dialects.table import MessageQuirk, Quirks
from scim.dialects.values import Shape, resource_shape
from scim.protocol.filter import Filter
from scim.protocol.schema import Attribute, Json, Resource, ResourceType

_MEMBERS: Final = frozenset({"op", "path", "value"})


class Pipeline:
    """A set of quirks applied. Nothing is changed in place, and junk passes as it came.

    Each method adds the names of the quirks that fired to `fired`.
    """

    def __init__(self, quirks: Quirks) -> None:
        self._quirks = quirks
        self._shapes: dict[ResourceType, Shape] = {}

    def standard_resource(self, body: Json, resource_type: ResourceType, fired: list[str]) -> Json:
        """Return the body of a POST or PUT in the RFC's shape."""
        if not isinstance(body, dict):
            return body
        shape = self._shape(resource_type)
        named = self._standard_keys(body, resource_type, shape, fired)
        standard = _applied(self._quirks.bodies, named, resource_type, fired)
        return shape.standard(standard, fired)

    def standard_patch(self, message: Json, resource_type: ResourceType, fired: list[str]) -> Json:
        """Return a PATCH message in the RFC's shape. Raises InvalidValue.

        The error is for a `remove` with a list whose entries name nothing.
        """
        if not isinstance(message, dict):
            return message
        standard = _applied(self._quirks.messages, message, resource_type, fired)
        key = key_of(standard, "Operations")
        operations = standard[key] if key else None
        if not isinstance(operations, list):
            return standard
        results: list[Json] = []
        for operation in operations:
            if isinstance(operation, dict):
                results += self._operations(operation, resource_type, fired)
            else:
                results.append(operation)
        same = len(results) == len(operations) and all(map(_same, results, operations))
        return standard if same else {**standard, key: results}

    def standard_filter(self, text: str, resource_type: ResourceType, fired: list[str]) -> Filter:
        """Read a filter. Raises InvalidFilter."""
        return filters.read_filter(text, resource_type, self._quirks, fired)

    def new_entry(
        self, entries: Filter, attribute: Attribute, fired: list[str]
    ) -> dict[str, Any] | None:
        """Return the entry that add or replace creates where none matches; None for no entry."""
        for quirk in self._quirks.entries:
            entry = quirk(entries, attribute)
            if entry is not None:
                note(fired, quirk)
                return entry
        return None

    def _shape(self, resource_type: ResourceType) -> Shape:
        shape = self._shapes.get(resource_type)
        if shape is None:
            shape = self._shapes[resource_type] = resource_shape(resource_type, self._quirks.values)
        return shape

    def _standard_keys(
        self, body: Resource, resource_type: ResourceType, shape: Shape, fired: list[str]
    ) -> Resource:
        """Return the object with standard names; a key that stands there already wins."""
        known = shape.parts or {}
        names: dict[str, str] = {}
        for key in body:
            if key not in known:
                name = filters.standard_path(key, resource_type, self._quirks, fired)
                if name is not key:
                    names[key] = name
        if not names:
            return body
        return {
            names.get(key, key): value for key, value in body.items() if names.get(key) not in body
        }

    def _operations(
        self, sent: dict[str, Any], resource_type: ResourceType, fired: list[str]
    ) -> Sequence[dict[str, Any]]:
        operation = self._named(_spelled(sent), resource_type, fired)
        operations = [operation]
        for quirk in self._quirks.operations:
            results: list[dict[str, Any]] = []
            for each in operations:
                result = quirk(each, resource_type)
                if result is not each:
                    note(fired, quirk)
                if isinstance(result, list):
                    results += result
                else:
                    results.append(result)
            operations = results
        return [self._valued(each, resource_type, fired) for each in operations]

    def _named(
        self, operation: dict[str, Any], resource_type: ResourceType, fired: list[str]
    ) -> dict[str, Any]:
        path, value = operation.get("path"), operation.get("value")
        if isinstance(path, str):
            name = filters.standard_path(path, resource_type, self._quirks, fired)
            return operation if name is path else {**operation, "path": name}
        if path is None and isinstance(value, dict):
            keys = self._standard_keys(value, resource_type, self._shape(resource_type), fired)
            return operation if keys is value else {**operation, "value": keys}
        return operation

    def _valued(
        self, operation: dict[str, Any], resource_type: ResourceType, fired: list[str]
    ) -> dict[str, Any]:
        if "value" not in operation:
            return operation
        shape = _shape_at(operation.get("path"), self._shape(resource_type), resource_type)
        if shape is None:
            return operation
        value = operation["value"]
        standard = shape.standard(value, fired)
        return operation if standard is value else {**operation, "value": standard}


def _applied(
    quirks: Sequence[MessageQuirk], message: Json, resource_type: ResourceType, fired: list[str]
) -> Json:
    for quirk in quirks:
        result = quirk(message, resource_type)
        if result is not message:
            note(fired, quirk)
            message = result
    return message


def _spelled(operation: dict[str, Any]) -> dict[str, Any]:
    """Write the names in lower case and leave out a null path: both are standard as they came."""
    if operation.keys() <= _MEMBERS and operation.get("path", "") is not None:
        return operation
    lower = {name: name.lower() for name in operation}
    return {
        (lower[name] if lower[name] in _MEMBERS else name): value
        for name, value in operation.items()
        if not (lower[name] == "path" and value is None)
    }


def _shape_at(path: Json, resource: Shape, resource_type: ResourceType) -> Shape | None:
    if path is None:
        return resource
    read = path_in(path) if isinstance(path, str) else None
    if read is None:
        return None
    if read.name is None or path.lower() in resource_type.extensions:
        return resource.part(path)
    in_core = read.urn is None or read.urn.lower() == resource_type.schema.urn.lower()
    shape = resource if in_core else resource.part(read.urn)
    for name in (read.name, read.sub):
        if name is not None and shape is not None:
            shape = shape.part(name)
    one = shape and shape.entry and read.entries is not None
    return shape.entry if shape and one else shape


def _same(one: Json, other: Json) -> bool:
    return one is other
