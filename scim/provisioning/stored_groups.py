"""Groups as they are read: the group itself, the groups above it, and its members in pages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.ports import SCAN_ROWS, Row, Storage
from scim.provisioning.scans import all_rows, scan_rows


@dataclass(frozen=True, slots=True)
class StoredGroup:
    """A group as stored, without its members.

    `number` counts the names it has had, `job` names the open job, `parents` are the groups that
    have it as a member; a group that is `leaving` is gone for clients, its job clears it away.
    """

    resource: Resource
    etag: str
    number: int = 1
    job: str = ""
    leaving: bool = False
    parents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group: the id, and the kind (User or Group)."""

    id: str
    type: str


async def load_group(storage: Storage, partition: str, group_id: str) -> StoredGroup | None:
    """Return the group with its parents, also a leaving one; None if there is none."""
    if not is_resource_id(group_id):
        return None
    found = await all_rows(storage, partition, *rows.group_range(group_id, group_id))
    if not found or not rows.is_head(found[0].key):
        return None
    return _stored(found[0], [rows.last_part(row.key) for row in found[1:]])


async def load_groups(
    storage: Storage, partition: str, ids: Sequence[str]
) -> list[tuple[str, StoredGroup | None]]:
    """Return each id with its group, also leaving ones; the reads run side by side."""
    found = await asyncio.gather(*(load_group(storage, partition, each) for each in ids))
    return list(zip(ids, found, strict=True))


async def groups_between(
    storage: Storage, partition: str, first: str, last: str, *, page: int = SCAN_ROWS
) -> AsyncIterator[StoredGroup]:
    """Yield the groups whose rows stand in the range."""
    head: Row | None = None
    parents: list[str] = []
    async for row in scan_rows(storage, partition, first, last, page=page):
        if rows.is_head(row.key):
            if head is not None:
                yield _stored(head, parents)
            head, parents = row, []
        elif head is not None and row.key.startswith(head.key):
            parents.append(rows.last_part(row.key))
    if head is not None:
        yield _stored(head, parents)


async def members_of(
    storage: Storage, partition: str, group_id: str, *, page: int = SCAN_ROWS, after: str = ""
) -> AsyncIterator[Member]:
    """Yield the members of a group in the order of their ids; `after` is the last one known."""
    first = rows.member(group_id, after and after + "-")
    last = rows.member(group_id) + rows.END
    async for row in scan_rows(storage, partition, first, last, page=page):
        yield Member(rows.last_part(row.key), str(row.values["type"]))


def _stored(head: Row, parents: list[str]) -> StoredGroup:
    return StoredGroup(
        rows.unpack(head.values),
        head.etag,
        number=int(head.values["number"]),
        job=str(head.values.get("job", "")),
        leaving=bool(head.values.get("leaving", 0)),
        parents=tuple(parents),
    )
