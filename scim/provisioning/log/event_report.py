"""Reading failed events, newest first, and whether what failed has succeeded since."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

from scim.provisioning import rows
from scim.provisioning.identifiers import is_resource_id, milliseconds
from scim.provisioning.log.contacts import ContactBook
from scim.provisioning.log.entries import Did, LogEntry, Outcome
from scim.provisioning.log.failed_events import (
    STRANGER,
    StoredEvent,
    event_id,
    load_event,
    stored_event,
)
from scim.provisioning.log.report import Question, load_entries, read_log, subjects_named
from scim.provisioning.names import holders_of
from scim.provisioning.ports import Storage
from scim.provisioning.scans import first_rows, scan_rows

State = Literal["open", "resolved", "ignored"]

READ_MOST: Final = 1_000  # events that one answer looks at
# Later entries of a target among which a success is looked for, read side by side between these
# places: mostly the newest is one.
_LATER: Final = (0, 1, 10, 60, 200)
# A change of any kind shows that a change of a target goes through again.
_CHANGES: Final = frozenset(
    {Did.UPDATE, Did.ENABLE, Did.DISABLE, Did.ADD_MEMBERS, Did.REMOVE_MEMBERS}
)


@dataclass(frozen=True, slots=True)
class FoundEvent:
    """An event, its state as of now, and the message id of the call that resolved it."""

    stored: StoredEvent
    state: State
    resolved_by: str | None


async def read_events(
    storage: Storage,
    contacts: ContactBook,
    directory: str,
    question: Question,
    state: State | None,
    after: str,
    limit: int,
) -> tuple[list[FoundEvent], str | None]:
    """Return events whose last call is asked for, and the place after which to read on."""
    partition = rows.partition(directory)
    first, last = (rows.EVENT_PLACES + key[len(rows.LOG) :] for key in question.keys)
    first = max(first, f"{after}-") if after else first
    if question.user is not None or question.message_id is not None:
        candidates = await _about(storage, directory, question)
        places = sorted(each.place for each in candidates if first <= each.place < last)
        more = False
    else:
        index = await first_rows(storage, partition, first, last, READ_MOST)
        places = [each.key for each in index]
        more = len(places) == READ_MOST
    found: list[FoundEvent] = []
    for start in range(0, len(places), limit + 1):
        some = places[start : start + limit + 1]
        loading = (load_event(storage, partition, rows.placed_event(each)) for each in some)
        events = [each for each in await asyncio.gather(*loading) if each is not None]
        wanted = (state_of(storage, contacts, directory, e) for e in events if _wants(question, e))
        found += [each for each in await asyncio.gather(*wanted) if state in (None, each.state)]
        if len(found) > limit:
            return found[:limit], found[limit - 1].stored.place
    return found, places[-1] if more else None


def _event_of(entry: LogEntry) -> str:
    return event_id(entry.target, entry.cause, entry.operations)


def _wants(question: Question, stored: StoredEvent) -> bool:
    last = stored.event.last
    return question.operation in (None, *last.operations) and question.outcome in (
        None,
        last.outcome,
    )


async def _about(storage: Storage, directory: str, question: Question) -> list[StoredEvent]:
    """Return the events of a user, or the event of a message."""
    partition = rows.partition(directory)
    if question.message_id is not None:
        asked = Question(message_id=question.message_id)
        calls, _ = await read_log(storage, [directory], asked, "", 1_000)
        ids = [_event_of(each.entry) for each in calls if each.entry.outcome != Outcome.SUCCESS]
        loaded = await asyncio.gather(*(load_event(storage, partition, each) for each in ids))
        return [each for each in loaded if each is not None]
    found: list[StoredEvent] = []
    for subject in await subjects_named(storage, partition, question.user or ""):
        first = rows.events_of(subject)
        found += [
            stored_event(row)
            async for row in scan_rows(storage, partition, first, first + rows.END)
        ]
    return found


async def state_of(
    storage: Storage, contacts: ContactBook, directory: str, stored: StoredEvent
) -> FoundEvent:
    """Return the event with its state: resolved by a later success of the same kind of change.

    Whoever was not let in is, once the identity provider has called with a valid credential.
    """
    if stored.event.state == "ignored":
        return FoundEvent(stored, "ignored", None)
    if stored.event.last.actor == STRANGER:
        last = (await contacts.read(directory)).last
        let_in = last is not None and last > stored.event.last.time
        return FoundEvent(stored, "resolved" if let_in else "open", None)
    message_id = await _later_success(storage, rows.partition(directory), stored.event.last)
    return FoundEvent(stored, "resolved" if message_id else "open", message_id)


async def _later_success(storage: Storage, partition: str, last: LogEntry) -> str | None:
    if not last.operations:
        return None  # reads leave no entries
    ids = [last.target.id] if is_resource_id(last.target.id) else []
    if Did.CREATE in last.operations and last.target.identifier:
        ids = await holders_of(storage, partition, last.target.identifier)
    for each in ids:
        first, end = rows.log_index(each), rows.log_index(each, rows.log(milliseconds(last.time)))
        index = await first_rows(storage, partition, first, end, _LATER[-1])
        keys = [rows.indexed_log(each, row.key) for row in index]
        for start, stop in pairwise(_LATER):
            for _, entry in await load_entries(storage, partition, keys[start:stop]):
                itself = (entry.target.type, entry.target.id) == (last.target.type, each)
                same = itself and _same(last.operations, entry.operations)
                if entry.outcome is Outcome.SUCCESS and same:
                    return entry.message_id
    return None


def _same(failed: Sequence[Did], succeeded: Sequence[Did]) -> bool:
    wanted = set(failed)
    return bool(wanted & set(succeeded)) or (
        Did.UPDATE in wanted and bool(_CHANGES & set(succeeded))
    )
