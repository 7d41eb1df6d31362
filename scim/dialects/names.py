"""Names in JSON objects, whose case does not matter (RFC 7643 §2.1), and names that are paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from scim.protocol.errors import InvalidPath
from scim.protocol.filter import Path
from scim.protocol.filter_parser import parse_path
from scim.protocol.schema import Json


def key_of(found: Mapping[str, Any], name: str) -> str | None:
    """Return the key by which an object holds that name in any case."""
    if name in found:
        return name
    lower = name.lower()
    return next((key for key in found if key.lower() == lower), None)


def with_value(found: dict[str, Any], names: Sequence[str], value: Json) -> dict[str, Any] | None:
    """Return the object with a value at nested names; a value that is there already stays.

    None if something that is no object stands in the way.
    """
    name, *deeper = names
    key = key_of(found, name) or name
    present = found.get(key)
    if not deeper:
        return {**found, key: value} if present is None else found
    if present is not None and not isinstance(present, dict):
        return None
    inner = with_value(present or {}, deeper, value)
    return None if inner is None else {**found, key: inner}


def path_in(text: str) -> Path | None:
    """Read a PATCH path; None if it is none, which the protocol refuses with its reasons."""
    try:
        return parse_path(text)
    except InvalidPath:
        return None
