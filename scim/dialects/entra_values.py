"""Microsoft Entra ID: the shapes of values."""

from __future__ import annotations

from typing import Any, Final

import orjson

from scim.dialects.names import key_of
from scim.protocol.schema import Attribute, Json

BOOLEAN_WORDS: Final = {"true": True, "false": False}


def read_boolean_words(_: Attribute, value: Json) -> Json:
    """Read `"True"` and `"False"`, in any case and no other word."""
    return BOOLEAN_WORDS.get(value.lower(), value) if isinstance(value, str) else value


def unwrap_single_value(_: Attribute, value: Json) -> Json:
    """Take the one element of a list where the attribute is single-valued: a manager."""
    if not isinstance(value, list) or len(value) != 1 or isinstance(value[0], list):
        return value
    return value[0]


def wrap_bare_value(_: Attribute, value: Json) -> Json:
    """Read a bare string as the `value` of an object: a manager, a role, a member."""
    return {"value": value} if isinstance(value, str) else value


def clear_empty_manager(_: Attribute, value: Json) -> Json:
    """Read `{"value": ""}` as no manager."""
    if isinstance(value, dict) and value.get(key_of(value, "value") or "value") == "":
        return None
    return value


def clear_with_empty_text(_: Attribute, value: Json) -> Json:
    """Read `""` as unassigned where no text can stand."""
    return None if value == "" else value


def unpack_role_document(_: Attribute, value: Json) -> Json:
    """Read a role whose `value` is a JSON document in a string."""
    key = key_of(value, "value") if isinstance(value, dict) else None
    if key is None:
        return value
    document = _document(value[key])
    if document is None:
        return value
    role: dict[str, Any] = {**value, key: document["value"]}
    for name, source in (("display", "displayName"), ("display", "display"), ("type", "type")):
        if isinstance(document.get(source), str) and key_of(role, name) is None:
            role[name] = document[source]
    return role


def _document(text: Json) -> dict[str, Any] | None:
    if not isinstance(text, str) or not text.startswith("{"):
        return None
    try:
        document = orjson.loads(text)
    except ValueError:  # no JSON, or a lone surrogate: a role like any other
        return None
    return document if isinstance(document.get("value"), str) else None


def rename_role_display_name(_: Attribute, value: Json) -> Json:
    """Read `displayName` in a role as `display`."""
    key = key_of(value, "displayName") if isinstance(value, dict) else None
    if not key or key_of(value, "display") is not None:
        return value
    return {("display" if name == key else name): each for name, each in value.items()}
