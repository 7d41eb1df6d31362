"""Records of deleted users, kept for admins where the policy says so; for SCIM they are gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from scim.protocol.folding import fold
from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.ports import Insert, Operation, Put, Storage
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
        Put(rows.former_name(fold(user.resource["userName"]), user_id), {"f": rows.FORMAT}),
    ]


async def load_former(storage: Storage, partition: str, user_id: str) -> FormerUser | None:
    """Return the record of a deleted user; None if none is kept."""
    row = await storage.get(partition, rows.former_user(user_id))
    if row is None:
        return None
    record = rows.unpack(row.values)
    deleted_at = datetime.fromisoformat(record["deletedAt"])
    return FormerUser(record["user"], deleted_at, record.get("former", ""))


async def latest_former(storage: Storage, partition: str, user_name: str) -> str:
    """Return the id of the last user that had the name and was kept; empty if there is none."""
    first, latest = rows.former_name(fold(user_name)), ""
    async for row in scan_rows(storage, partition, first, first + rows.END):
        latest = rows.last_part(row.key)  # in the order of their creation
    return latest
