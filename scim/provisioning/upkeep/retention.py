"""Retention: log entries and failed events go when their time has come; statistics stay."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.directories.directories import Directories
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.log.entries import NAMED_BY, Did, LogEntry, Outcome, subjects_of
from scim.provisioning.log.failed_events import load_event, remove
from scim.provisioning.names import forget_names
from scim.provisioning.ports import COMMIT_ROWS, Conflict, Delete, Operation, Row, Storage
from scim.provisioning.scans import first_rows

EVERY: Final = timedelta(hours=1)  # a process looks for what is old so seldom
_AT_ONCE: Final = 50  # entries or events read for the next commits


class Retention:
    """The duty of the timer that removes what was kept for its time."""

    def __init__(
        self,
        storage: Storage,
        directories: Directories,
        kept: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._directories = directories
        self._kept = kept
        self._now = now
        self._due: datetime | None = None

    async def run(self, until: datetime) -> None:
        """Remove old entries and events, batch by batch; the next run goes on where this ends."""
        now = self._now()
        if self._due is not None and now < self._due:
            return
        old = milliseconds(now - self._kept)
        directories = [rows.partition(each.id) for each in await self._directories.all()]
        for partition in [*directories, rows.INSTALLATION]:
            async for _ in self._removing(partition, old):
                if self._now() >= until:
                    return
        self._due = now + EVERY

    async def _removing(self, partition: str, old: int) -> AsyncIterator[None]:
        """Remove what is older, with a pause after every commit."""
        first, last = rows.log(old), rows.LOG + rows.END
        if partition != rows.INSTALLATION:  # of which nothing is counted
            folded = await self._storage.get(partition, rows.TOTALS)
            first = max(first, totals.folded_until(folded))
        while entries := await first_rows(self._storage, partition, first, last, _AT_ONCE):
            batch: list[Operation] = []
            for row in entries:
                operations = await self._removal(partition, row)
                if len(batch) + len(operations) > COMMIT_ROWS:
                    await self._commit(partition, batch)
                    yield
                    batch = []
                batch += operations
            await self._commit(partition, batch)
            yield
        first, last = rows.event_place(old), rows.EVENT_PLACES + rows.END
        while places := await first_rows(self._storage, partition, first, last, _AT_ONCE):
            for place in places:
                stored = await load_event(self._storage, partition, rows.placed_event(place.key))
                current = stored is not None and stored.place == place.key
                removal = remove(stored) if stored and current else [Delete(place.key, None)]
                await self._commit(partition, removal)
                yield

    async def _removal(self, partition: str, row: Row) -> list[Operation]:
        entry = LogEntry.model_validate(rows.unpack(row.values))
        if _ends_holder(entry):
            await forget_names(self._storage, partition, entry.target.id)
        index = [rows.log_index(each, row.key) for each in subjects_of(row, entry)]
        return [Delete(key, None) for key in dict.fromkeys([row.key, *index])]

    async def _commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Commit without what is gone already: another run may have removed it."""
        left = {each.key: each for each in operations}
        while left:
            try:
                await self._storage.commit(partition, [*left.values()])
            except Conflict as conflict:
                del left[conflict.key]  # of a Delete that meets nothing
            else:
                return


def _ends_holder(entry: LogEntry) -> bool:
    return (
        entry.outcome is Outcome.SUCCESS
        and entry.target.type in NAMED_BY
        and Did.DELETE in entry.operations
    )
