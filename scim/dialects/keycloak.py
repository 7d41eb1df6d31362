"""The SCIM client that is installed in Keycloak as an extension."""

from __future__ import annotations

from typing import Any

from scim.dialects.names import key_of
from scim.protocol.schema import Attribute, Json, ResourceType


def drop_null_of_remove(operation: dict[str, Any], _: ResourceType) -> dict[str, Any]:
    """Read `remove` of `members` with the value null as one without a value."""
    if operation.get("op") != "remove" or operation.get("value", "") is not None:
        return operation
    return {name: each for name, each in operation.items() if name != "value"}


def drop_relative_ref(_: Attribute, value: Json) -> Json:
    """Drop a relative `$ref` (`Users/<id>`) beside the `value` that says the same."""
    if not isinstance(value, dict) or key_of(value, "value") is None:
        return value
    key = key_of(value, "$ref")
    if not key or not isinstance(value[key], str) or ":" in value[key]:
        return value
    return {name: each for name, each in value.items() if name != key}
