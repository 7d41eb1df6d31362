"""Names that users and groups have or had: hashed, and as long as the log has who had them."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from scim.protocol.folding import fold
from scim.provisioning import rows
from scim.provisioning.ports import COMMIT_ROWS, Conflict, Delete, Operation, Put, Storage
from scim.provisioning.scans import scan_rows

NAME_LENGTH: Final = 200  # characters of a name that the log has


def digest_of(name: str) -> str:
    """Return the hash under which a userName or displayName stands; its case does not matter."""
    return rows.digest(fold(name[:NAME_LENGTH]))


def take_name(holder: str, name: str) -> list[Operation]:
    """Return the rows by which a user or group is found by a name, and a name by its holder."""
    digest = digest_of(name)
    keys = (rows.name_holder(digest, holder), rows.held_name(holder, digest))
    return [Put(key, {"f": rows.FORMAT}) for key in keys]


async def holders_of(storage: Storage, partition: str, name: str) -> list[str]:
    """Return the ids of the users and groups that have or had a name."""
    first = rows.name_holder(digest_of(name))
    found = scan_rows(storage, partition, first, first + rows.END)
    return [rows.last_part(row.key) async for row in found]


async def digests_of(storage: Storage, partition: str, holder: str) -> list[str]:
    """Return the hashes of all names that a user or group has or had."""
    first = rows.held_name(holder)
    found = scan_rows(storage, partition, first, first + rows.END)
    return [rows.last_part(row.key) async for row in found]


async def forget_names(storage: Storage, partition: str, holder: str) -> None:
    """Remove the names of a user or group that is gone; harmless if it is done twice."""
    digests = await digests_of(storage, partition, holder)
    for start in range(0, len(digests), COMMIT_ROWS // 2):
        keys = [
            key
            for each in digests[start : start + COMMIT_ROWS // 2]
            for key in (rows.name_holder(each, holder), rows.held_name(holder, each))
        ]
        with suppress(Conflict):  # another run has just done it
            await storage.commit(partition, [Delete(key, None) for key in keys])
