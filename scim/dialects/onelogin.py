"""OneLogin, whose bodies come from a JSON template that an admin edits."""

from __future__ import annotations

from scim.dialects.names import key_of
from scim.protocol.schema import Attribute, Json


def wrap_single_entry(_: Attribute, value: Json) -> Json:
    """Read one object, or one text, as a list of one: `emails`."""
    return [value] if isinstance(value, dict | str) else value


def read_manager_id(_: Attribute, value: Json) -> Json:
    """Read `managerId` in a manager as its `value`."""
    key = key_of(value, "managerId") if isinstance(value, dict) else None
    if not key or key_of(value, "value") is not None:
        return value
    return {("value" if name == key else name): each for name, each in value.items()}
