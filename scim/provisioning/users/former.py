"""Records of deleted users, kept for admins where the policy says so; for SCIM they are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from scim.protocol.folding import fold
from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.ports import Insert, Operation, Put, Row, Storage
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.versions import timestamp


@dataclass(frozen=True, slots=True)
class FormerUser:
    """A deleted user as it was, but inactive; `former` is the record before it, if there is one."""

    resource: Resource
    deleted_at: datetime
    former: str = ""


def keep(user: StoredUser, now: datetime) -> list[Operation]:
    """Return the rows of the record; they belong into the commit that deletes the user."""
    user_id = user.resource["id"]
    record = {"user": {**user.resource, "active": False}, "deletedAt": timestamp(now)}
    if user.former:
        record["former"] = user.former
    return [
        Insert(rows.former_user(user_id), rows.pack(record)),
        Put(name_key(user.resource), {"f": rows.FORMAT}),
    ]


def name_key(user: Resource) -> str:
    """Return the key of the row that finds a record by its userName."""
    return rows.former_name(fold(user["userName"]), user["id"])


async def load_former(storage: Storage, partition: str, user_id: str) -> FormerUser | None:
    """Return the record of a deleted user; None if none is kept."""
    row = await storage.get(partition, rows.former_user(user_id))
    return _former(row) if row else None


async def all_former(storage: Storage, partition: str) -> AsyncIterator[FormerUser]:
    """Yield all records, in the order in which the users were created."""
    first = rows.former_user("")
    async for row in scan_rows(storage, partition, first, first + rows.END):
        yield _former(row)


async def latest_former(storage: Storage, partition: str, user_name: str) -> str:
    """Return the id of the last user that had the name and was kept; empty if there is none."""
    first, latest = rows.former_name(fold(user_name)), ""
    async for row in scan_rows(storage, partition, first, first + rows.END):
        latest = rows.last_part(row.key)  # in the order of their creation
    return latest


def _former(row: Row) -> FormerUser:
    record = rows.unpack(row.values)
    deleted_at = datetime.fromisoformat(record["deletedAt"])
    return FormerUser(record["user"], deleted_at, record.get("former", ""))
