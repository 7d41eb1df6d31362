"""Bursts: an identity provider that deactivates or deletes many users at once is told of.

It is let through: whoever left must lose access. But a wrong scope or filter looks the same.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.directories.directories import Directories
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.ports import Conflict, Insert, Replace, Storage
from scim.provisioning.rule_sync.changes import Guard
from scim.provisioning.scans import scan_rows
from scim.provisioning.telemetry import Event, tell

WITHIN: Final = timedelta(hours=1)
_MINUTE: Final = 60_000  # milliseconds


class _Watched(BaseModel):
    """Users who ceased to be active, by minute, as the log tells up to the key `until`."""

    model_config = ConfigDict(frozen=True)

    until: str = ""
    minutes: dict[int, int] = {}
    raised_at: datetime | None = None


class Bursts:
    """Watches the logs of all directories; each row of a log is read once."""

    def __init__(
        self,
        storage: Storage,
        directories: Directories,
        guard: Guard,
        now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._directories = directories
        self._guard = guard
        self._now = now

    async def run(self, until: datetime) -> None:
        """Look at what has happened in every directory; a record tells of each burst once."""
        for directory in await self._directories.all():
            if self._now() >= until:
                return
            if directory.deletion is None:
                await self._watch(directory.id)

    async def _watch(self, directory: str) -> None:
        partition, now = rows.partition(directory), self._now()
        row = await self._storage.get(partition, rows.BURST)
        before = _Watched.model_validate(rows.unpack(row.values)) if row else _Watched()
        after = await self._counted(partition, before, now)
        if after == before:
            return
        ceased = sum(after.minutes.values())
        told = after.raised_at is not None and now - after.raised_at < WITHIN
        if ceased > self._guard.users and not told:
            known = await totals.read(self._storage, partition, now)
            active = known.get("activeUsers", 0)
            if self._guard.holds(ceased, active + ceased):
                # Before it is noted: rather told twice than never.
                tell(
                    Event.DEACTIVATION_BURST,
                    directory=directory,
                    deactivated=ceased,
                    active=active,
                )
                after = after.model_copy(update={"raised_at": now})
        values = rows.pack(after.model_dump(mode="json"))
        operation = Replace(row.key, values, row.etag) if row else Insert(rows.BURST, values)
        try:
            await self._storage.commit(partition, [operation])
        except Conflict:
            return  # another run has just looked

    async def _counted(self, partition: str, before: _Watched, now: datetime) -> _Watched:
        """Return what is known after reading what has settled since; the same if that is nothing.

        Keys of the log are the smaller the later.
        """
        first = rows.log(milliseconds(now - totals.SETTLED))
        begin = milliseconds(now - totals.SETTLED - WITHIN)
        last = min(before.until or rows.log(begin), rows.log(begin))
        minutes = {each: n for each, n in before.minutes.items() if each * _MINUTE >= begin}
        seen = False
        async for row in scan_rows(self._storage, partition, first, last):
            seen = True
            ceased = -rows.unpack(row.values).get("adds", {}).get("activeUsers", 0)
            if ceased > 0:
                minute = rows.logged_at(row.key) // _MINUTE
                minutes[minute] = minutes.get(minute, 0) + ceased
        if not seen and minutes == before.minutes:
            return before
        return before.model_copy(update={"until": first, "minutes": minutes})
