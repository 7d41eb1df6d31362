"""The profile that applications see: names of their own for what stands at SCIM paths."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from scim.protocol.errors import InvalidPath
from scim.protocol.filter import Path
from scim.protocol.filter_parser import parse_path
from scim.protocol.matching import entry_matcher
from scim.protocol.schema import Attribute, Json, Reference, Resource, ResourceType

DEFAULTS: Final[Mapping[str, str]] = {
    "Logon": "userName",
    "First Name": "name.givenName",
    "Last Name": "name.familyName",
    "Email": "emails.value",
    "Time zone": "timezone",
}
_REMEMBERED: Final = 1000  # paths; a directory maps a handful


def profile(user: Resource, mapping: Mapping[str, str], kind: ResourceType) -> dict[str, Json]:
    """Return what stands at each path, null where nothing does.

    Of several values the primary one counts, else the first.
    """
    return {name: _value(user, path, kind) for name, path in mapping.items()}


@lru_cache(_REMEMBERED)
def check_path(text: str, kind: ResourceType) -> tuple[Path, Reference]:
    """Return a path and what it means. Raises InvalidPath, InvalidFilter."""
    path = parse_path(text)
    reference = kind.reference(path.urn, path.name, path.sub)
    if reference is None or reference.attribute is None or reference.leaf is None:
        raise InvalidPath(f"{text[:100]} is no attribute of {kind.name}.")
    if reference.leaf.returned == "never":
        raise InvalidPath(f"{text[:100]} is never kept.")
    if path.entries is not None:
        entry_matcher(path.entries, reference.attribute)
    return path, reference


def _value(user: Resource, text: str, kind: ResourceType) -> Json:
    try:
        path, reference = check_path(text, kind)
    except InvalidPath:
        return None  # its extension schema is declared no more
    assert reference.attribute is not None  # else the path was refused
    holder = user.get(reference.extension.urn, {}) if reference.extension else user
    found = holder.get(reference.attribute.name)
    if isinstance(found, list):
        found = _one(found, path, reference.attribute)
    if reference.sub_attribute is not None and isinstance(found, dict):
        return found.get(reference.sub_attribute.name)
    return found


def _one(entries: list[Any], path: Path, attribute: Attribute) -> Json:
    if path.entries is not None:
        matches = entry_matcher(path.entries, attribute)
        entries = [each for each in entries if matches(each)]
    primary = [each for each in entries if isinstance(each, dict) and each.get("primary") is True]
    return next(iter([*primary, *entries]), None)
