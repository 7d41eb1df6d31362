"""Users as they are read: one range holds a user and, right behind, its memberships."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.ports import SCAN_ROWS, Row, Storage
from scim.provisioning.scans import all_rows, scan_rows


@dataclass(frozen=True, slots=True)
class Membership:
    """A group that a user is in, with the group's name and the number of that name."""

    group: str
    name: str
    number: int


@dataclass(frozen=True, slots=True)
class StoredUser:
    """A user as stored, without what is derived; `etag` guards it and its memberships.

    A user that is `leaving` is gone for clients; its job clears it away. `former` is the id of a
    deleted user that had the name before, if its record is kept. `access` is the JSON text of what
    the rules of the set `rules` grant; `rulings` knows both.
    """

    resource: Resource
    etag: str
    memberships: tuple[Membership, ...] = ()
    leaving: bool = False
    former: str = ""
    rules: int = 0
    access: str = ""


async def load_user(storage: Storage, partition: str, user_id: str) -> StoredUser | None:
    """Return the user with its memberships, also a leaving one; None if there is none."""
    if not is_resource_id(user_id):
        return None
    found = await all_rows(storage, partition, *rows.user_range(user_id, user_id))
    if not found or not rows.is_head(found[0].key):
        return None
    return _stored(found[0], [_membership(row) for row in found[1:]])


async def users_between(
    storage: Storage, partition: str, first: str, last: str, *, page: int = SCAN_ROWS
) -> AsyncIterator[StoredUser]:
    """Yield the users whose rows stand in the range, leaving ones too, with memberships."""
    head: Row | None = None
    memberships: list[Membership] = []
    async for row in scan_rows(storage, partition, first, last, page=page):
        if rows.is_head(row.key):
            if head is not None:
                yield _stored(head, memberships)
            head, memberships = row, []
        elif head is not None and row.key.startswith(head.key):
            memberships.append(_membership(row))
    if head is not None:
        yield _stored(head, memberships)


def _membership(row: Row) -> Membership:
    return Membership(rows.last_part(row.key), str(row.values["name"]), int(row.values["number"]))


def _stored(head: Row, memberships: list[Membership]) -> StoredUser:
    return StoredUser(
        rows.unpack(head.values),
        head.etag,
        tuple(memberships),
        leaving=bool(head.values.get("leaving", 0)),
        former=str(head.values.get("former", "")),
        rules=int(head.values.get("rules", 0)),
        access=rows.gather("access", head.values),
    )
