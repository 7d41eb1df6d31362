"""Counting a directory anew, when a commit may have landed behind what was folded.

No commit is sent more than 30 s after its reads, and the log is folded up to two minutes before
now. A process that was frozen in the very act of sending breaks that promise; when it wakes it
notes the doubt, and the timer counts.
"""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.ports import Conflict, Delete, Put, Replace, Storage
from scim.provisioning.scans import first_rows
from scim.provisioning.stored_groups import groups_between
from scim.provisioning.stored_users import users_between

LATE: Final = timedelta(seconds=100)  # safely before the log of that moment is folded


async def note_if_late(storage: Storage, partition: str, begun: datetime, now: datetime) -> None:
    """Note a doubt when a commit begun so long ago has only now been answered.

    By the same doubt a user may have been stored with older rules behind the rule sync: it is due
    again.
    """
    if now - begun > LATE:
        doubt = Put(rows.DOUBT, {"f": rows.FORMAT})
        await storage.commit(partition, [doubt, Put(rows.RULE_SYNC, rows.pack({}))])


async def settle_doubt(storage: Storage, partition: str, now: datetime) -> None:
    """Count the directory if there is a doubt; put off while somebody changes it."""
    doubt = await storage.get(partition, rows.DOUBT)
    folded = await storage.get(partition, rows.TOTALS)
    if doubt is None:
        return
    if folded is None:  # nothing was folded, so nothing can have been missed
        await _forget(storage, partition, doubt.etag)
        return
    newest = await _newest(storage, partition)
    known = await totals.read(storage, partition, now)
    counted = await count(storage, partition)
    if await _newest(storage, partition) != newest:
        return
    right = dict(rows.unpack(folded.values))
    for name, number in counted.items():
        right[name] = right.get(name, 0) + number - known.get(name, 0)
    values = rows.pack(right, until=folded.values["until"])
    try:
        await storage.commit(
            partition,
            [Replace(rows.TOTALS, values, folded.etag), Delete(rows.DOUBT, doubt.etag)],
        )
    except Conflict:
        return  # folded or doubted again meanwhile: the next run counts


async def count(storage: Storage, partition: str) -> Counter[str]:
    """Return what is stored: users, active users, groups and memberships."""
    counted: Counter[str] = Counter(users=0, activeUsers=0, groups=0, memberships=0)
    first, last = rows.user_range("", "")
    async for user in users_between(storage, partition, first, last):
        counted["memberships"] += len(user.memberships)
        if not user.leaving:
            counted["users"] += 1
            counted["activeUsers"] += user.resource["active"]
    first, last = rows.group_range("", "")
    async for group in groups_between(storage, partition, first, last):
        counted["memberships"] += len(group.parents)
        counted["groups"] += not group.leaving
    return counted


async def _newest(storage: Storage, partition: str) -> str:
    found = await first_rows(storage, partition, rows.LOG, rows.LOG + rows.END, 1)
    return found[0].key if found else ""


async def _forget(storage: Storage, partition: str, etag: str) -> None:
    try:
        await storage.commit(partition, [Delete(rows.DOUBT, etag)])
    except Conflict:
        return
