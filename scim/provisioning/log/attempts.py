"""What a call was meant to do, as far as the request tells before anybody understands it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from scim.protocol.schema import Json
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.log.entries import Did, Target

IDENTIFIER_LENGTH: Final = 200
_TYPES: Final = {"users": ("User", "username"), "groups": ("Group", "displayname")}
_READS: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Attempt:
    """Operations in the words of the log, as far as they can be told; the target as it was named.

    `read`: it was not meant to change anything.
    """

    operations: tuple[Did, ...]
    target: Target
    read: bool = False


def attempted(method: str, path: Sequence[str], body: Json) -> Attempt:
    """Return what a call was meant to do; `path` are the segments behind the directory.

    A body that cannot be read is None.
    """
    endpoint, *rest = path or [""]
    kind, name = _TYPES.get(endpoint.lower(), ("", ""))
    read = method in _READS or (path[-1:] or [""])[0].lower() == ".search"
    if not kind:
        return Attempt((), Target(type="Directory", id="", identifier=""), read)
    named = rest[0] if rest and rest[0].lower() != ".search" else ""
    is_id = is_resource_id(named)
    identifier = _member(body, name) or ("" if is_id else named)
    shown = identifier[:IDENTIFIER_LENGTH] if isinstance(identifier, str) else ""
    target = Target(type=kind, id=named if is_id else "", identifier=shown)
    if read:
        return Attempt((), target, read)
    match method:
        case "POST":
            return Attempt((Did.CREATE,), target)
        case "DELETE":
            return Attempt((Did.DELETE,), target)
        case "PATCH":
            return Attempt(_patched(kind, _member(body, "operations")), target)
        case _:
            return Attempt((Did.UPDATE,), target)


def _patched(kind: str, operations: Json) -> tuple[Did, ...]:
    if not isinstance(operations, list):
        return (Did.UPDATE,)
    found = [_operation(kind, each) for each in operations[:1000] if isinstance(each, dict)]
    return tuple(dict.fromkeys(found)) or (Did.UPDATE,)


def _operation(kind: str, operation: dict[str, Any]) -> Did:
    path, value = _member(operation, "path"), _member(operation, "value")
    if not path and isinstance(value, dict) and len(value) == 1:
        ((path, value),) = value.items()
    name = path.lower() if isinstance(path, str) else ""
    if kind == "User" and name == "active":
        return Did.DISABLE if str(value).lower() == "false" else Did.ENABLE
    if kind == "Group" and name.startswith("members"):
        removes = str(_member(operation, "op")).lower() == "remove"
        return Did.REMOVE_MEMBERS if removes else Did.ADD_MEMBERS
    return Did.UPDATE


def _member(found: Json, name: str) -> Json:
    if not isinstance(found, dict):
        return None
    return next((each for key, each in found.items() if key.lower() == name), None)
