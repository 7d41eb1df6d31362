"""What admins and the timer change, in the log of the directory concerned.

Directories and tokens stand in the installation's partition, the log in the directory's own. So
the commit of a change leaves its entry in an outbox beside it, from where it is delivered: at once,
or by the timer after a kill. An entry is delivered once: its key is that of the log. Rules belong
to no directory: their log stands beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.log.entries import (
    NAME_LENGTH,
    Did,
    LogEntry,
    Target,
    duration_ms,
    entry_rows,
)
from scim.provisioning.ports import Conflict, Delete, Insert, Operation, Storage, Unavailable
from scim.provisioning.scans import scan_rows


@dataclass(frozen=True, slots=True)
class By:
    """Who changes something, in which call, and when; `clock` tells how long the call takes."""

    actor: str
    message_id: str
    at: datetime
    user_agent: str = ""
    traceparent: str = ""
    clock: Callable[[], datetime] | None = None

    def entry(self, did: Did, target: Target, changes: Sequence[str] = ()) -> LogEntry:
        """Return the entry of what is done to one target."""
        return LogEntry(
            time=self.at,
            message_id=self.message_id,
            actor=self.actor,
            operations=(did,),
            target=target,
            changes=tuple(changes),
            user_agent=self.user_agent[:NAME_LENGTH],
            duration_ms=duration_ms(self.clock() - self.at) if self.clock else None,
            traceparent=self.traceparent,
        )


def note(
    by: By, directory: str, did: Did, target: Target, changes: Sequence[str] = (), part: int = 0
) -> Insert:
    """Return the outbox row of an entry; `part` tells apart what one call does."""
    entry = by.entry(did, target, changes)
    log_key = rows.log(milliseconds(by.at), by.message_id, part)
    return Insert(
        rows.outbox(directory, log_key),
        rows.pack(entry.model_dump(mode="json", by_alias=True, exclude_defaults=True), log=log_key),
    )


def of_installation(by: By, did: Did, target: Target, changes: Sequence[str]) -> list[Operation]:
    """Return the rows of an entry on what belongs to no directory, for the commit of the change."""
    log_key = rows.log(milliseconds(by.at), by.message_id)
    return entry_rows(log_key, by.entry(did, target, changes), [target.id])


async def deliver(storage: Storage, directory: str) -> None:
    """Move the entries in the directory's outbox into its log.

    Harmless if run twice at once; what storage that does not answer leaves there is for the timer.
    """
    first = rows.outbox(directory)
    try:
        async for row in scan_rows(storage, rows.INSTALLATION, first, first + rows.END):
            entry = LogEntry.model_validate(rows.unpack(row.values))
            added = entry_rows(str(row.values["log"]), entry, [entry.target.id])
            with suppress(Conflict):  # it is there already
                await storage.commit(rows.partition(directory), added)
            with suppress(Conflict):  # another run has just done it
                await storage.commit(rows.INSTALLATION, [Delete(row.key, None)])
    except Unavailable:
        return
