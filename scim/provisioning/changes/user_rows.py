"""The rows of a user: the resource itself and what finds it again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

from scim.protocol.errors import InvalidValue
from scim.protocol.folding import fold
from scim.protocol.schema import ENTERPRISE_USER, Resource
from scim.provisioning import rows
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.ports import Delete, Insert, Operation, Put, Replace, Value
from scim.provisioning.rules.rulings import Ruled, Ruling
from scim.provisioning.stored_users import Membership, StoredUser
from scim.provisioning.versions import touched

# A change of all addresses deletes and writes an index row for each; they must fit one commit.
EMAILS = 30

# What index rows are made of; extensions by their URN.
_INDEXED = ("userName", "emails", "externalId", ENTERPRISE_USER)


def unique_key(user: Resource) -> str:
    """Return the key of the index row that makes the userName unique."""
    return rows.user_name(fold(user["userName"]))


def insert(user: Ruled) -> list[Operation]:
    """Return the rows of a new user."""
    resource = user.resource
    unique = unique_key(resource)
    return [
        Insert(rows.user(resource["id"]), _values(user)),
        *_index(resource, _index_keys(resource, unique), unique),
        Put(rows.user_order(resource["id"]), {"f": rows.FORMAT}),
    ]


def replace(before: StoredUser, after: Ruled) -> list[Operation]:
    """Return the rows that change with a user; the user's own row guards all others."""
    own = Replace(rows.user(after.resource["id"]), _values(after), before.etag)
    if all(after.resource.get(name) == before.resource.get(name) for name in _INDEXED):
        return [own]
    unique = unique_key(after.resource)
    old = _index_keys(before.resource, unique_key(before.resource))
    new = _index_keys(after.resource, unique)
    return [
        own,
        *_index(after.resource, new - old, unique),
        *(Delete(key, None) for key in sorted(old - new)),
    ]


def touch(user: StoredUser, memberships: Sequence[Membership], ruling: Ruling) -> Operation:
    """Return the user's row with a new version, because its memberships are now those given."""
    after = dataclasses.replace(
        user, resource=touched(user.resource), memberships=tuple(memberships)
    )
    return own_row(ruling.on(after))


def own_row(user: Ruled) -> Operation:
    """Return the user's own row alone: nothing has changed that others follow from."""
    return Replace(rows.user(user.resource["id"]), _values(user), user.etag)


def hide(user: StoredUser, job: str) -> list[Operation]:
    """Return the rows that make a user leave: gone for clients, its memberships yet to end."""
    values = rows.pack(user.resource, job=job, leaving=1)
    return [Replace(rows.user(user.resource["id"]), values, user.etag), *_without(user)]


def delete(user: StoredUser) -> list[Operation]:
    """Return the removal of a user that has no memberships any more."""
    own = Delete(rows.user(user.resource["id"]), user.etag)
    return [own] if user.leaving else [own, *_without(user)]


def keys_beside(user: Resource) -> set[str]:
    """Return the keys of all rows that follow from a user, memberships apart."""
    return {*_index_keys(user, unique_key(user)), rows.user_order(user["id"])}


def _values(user: Ruled) -> dict[str, Value]:
    values: dict[str, Value] = {"rules": user.rules, **rows.spread("access", user.access)}
    if user.former:
        values["former"] = user.former
    return rows.pack(user.resource, **values)


def _without(user: StoredUser) -> list[Operation]:
    return [Delete(key, None) for key in sorted(keys_beside(user.resource))]


def manager(user: Resource) -> str | None:
    """Return the id of the user's manager, if it is one that we gave out."""
    value: str | None = user.get(ENTERPRISE_USER, {}).get("manager", {}).get("value")
    return value if value and is_resource_id(value) else None


def _index(user: Resource, keys: set[str], unique: str) -> Iterator[Operation]:
    for key in sorted(keys):
        if key == unique:
            yield Insert(key, {"f": rows.FORMAT, "id": user["id"]})
        else:
            yield Put(key, {"f": rows.FORMAT})


def _index_keys(user: Resource, unique: str) -> set[str]:
    user_id = user["id"]
    addresses = {fold(entry["value"]) for entry in user.get("emails", ()) if "value" in entry}
    if len(addresses) > EMAILS:
        raise InvalidValue(f"emails holds {len(addresses)} addresses; send at most {EMAILS}")
    keys = {unique, *(rows.email(address, user_id) for address in addresses)}
    if "externalId" in user:
        keys.add(rows.external_id(user["externalId"], user_id))
    if chief := manager(user):
        keys.add(rows.report(chief, user_id))
    return keys
