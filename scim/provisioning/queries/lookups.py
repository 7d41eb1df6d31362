"""Index look-ups: from an equality in a filter to the ids that may match."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from scim.protocol.filter import And, Comparison, Filter, Not, Or, ValuePath
from scim.protocol.folding import fold
from scim.protocol.matching import required_equalities
from scim.protocol.schema import GROUP, USER
from scim.provisioning import rows
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.ports import Storage
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_groups import load_group
from scim.provisioning.stored_users import load_user

Equality = Comparison | ValuePath
Lookup = Callable[[Storage, str], Awaitable[list[str]]]  # ids in a partition


def user_lookup(equality: Equality) -> Lookup | None:
    """Return the look-up that finds all users for which the equality holds, if there is one."""
    name, value = _named(equality, USER)
    match name:
        case "id":
            return _by_id(value)
        case "username":
            return _unique(rows.user_name(fold(value)))
        case "externalid":
            return _several(rows.external_id(value))
        case "emails.value":
            return _several(rows.email(fold(value)))
        case "groups.value":
            return _several(rows.member(value)) if is_resource_id(value) else _nobody
    return None


def group_lookup(equality: Equality) -> Lookup | None:
    """Return the look-up that finds all groups for which the equality holds, if there is one."""
    name, value = _named(equality, GROUP)
    match name:
        case "id":
            return _by_id(value)
        case "displayname":
            return _unique(rows.display_name(fold(value)))
        case "externalid":
            return _several(rows.group_external_id(value))
        case "members.value":
            return _groups_of(value)
    return None


def mentions(condition: Filter, name: str) -> bool:
    """Whether a filter asks for an attribute, or for any of an extension, given by its URN."""
    match condition:
        case And(branches) | Or(branches):
            return any(mentions(each, name) for each in branches)
        case Not(branch):
            return mentions(branch, name)
        case Comparison(path) | ValuePath(path):
            return name.lower() in (path.name.lower(), (path.urn or "").lower())


_PLURAL: Final = ("emails", "groups", "members")


def _named(equality: Equality, core: str) -> tuple[str, str]:
    """Return the lower-case name of what is compared, and the value; "" if no index serves it."""
    path = equality.path
    if path.urn is not None and path.urn.lower() != core.lower():
        return "", ""
    name = path.name.lower()
    value: object
    if isinstance(equality, ValuePath):
        sub, value = "value", _value_within(equality.inner)
    else:
        sub, value = (path.sub or "").lower(), equality.value
    if not isinstance(value, str):
        return "", ""
    if name in _PLURAL and sub in ("", "value"):
        return f"{name}.value", value
    return ("" if sub else name), value


def _value_within(inner: Filter) -> object:
    for each in required_equalities(inner):
        if isinstance(each, Comparison) and each.path.name.lower() == "value":
            return each.value
    return None


def _by_id(value: str) -> Lookup:
    async def find(_: Storage, __: str) -> list[str]:
        return [value] if is_resource_id(value) else []

    return find


def _unique(key: str) -> Lookup:
    async def find(storage: Storage, partition: str) -> list[str]:
        row = await storage.get(partition, key)
        return [str(row.values["id"])] if row else []

    return find


def _several(prefix: str) -> Lookup:
    async def find(storage: Storage, partition: str) -> list[str]:
        found = scan_rows(storage, partition, prefix, prefix + rows.END)
        return [rows.last_part(row.key) async for row in found]

    return find


def _groups_of(member: str) -> Lookup:
    async def find(storage: Storage, partition: str) -> list[str]:
        user = await load_user(storage, partition, member)
        if user is not None:
            return [each.group for each in user.memberships]
        group = await load_group(storage, partition, member)
        return list(group.parents) if group else []

    return find


async def _nobody(_: Storage, __: str) -> list[str]:
    return []
