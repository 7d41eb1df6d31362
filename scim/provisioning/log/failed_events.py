"""Failed events: refused and failed calls as an admin sees them, those alike as one.

Alike are calls of one kind on one target for one cause. Their event counts them and shows the last
of them; each of them is an entry of the log as well.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from scim.provisioning import rows
from scim.provisioning.identifiers import is_resource_id, milliseconds
from scim.provisioning.log.entries import Did, LogEntry, Target, entry_rows
from scim.provisioning.log.management import By
from scim.provisioning.names import digest_of
from scim.provisioning.ports import (
    Conflict,
    Delete,
    Insert,
    Operation,
    Put,
    Replace,
    Row,
    Storage,
    Unavailable,
)

State = Literal["open", "ignored"]  # as an admin says; whether it is resolved is worked out

STRANGER: Final = "unknown"  # the actor of calls that were not let in
NOBODY: Final = "-"  # stands for a target that has neither id nor name
_ID: Final = re.compile("(?:-|[0-9a-f-]{32,36})_[A-Za-z]+_[A-Za-z]+_[A-Za-z.]*")


class FailedEvent(BaseModel):
    """Calls that failed alike; `last` is the last of them, with its masked body."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    state: State = "open"
    count: int
    first_seen: datetime
    last: LogEntry
    body: str = ""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it was read."""

    id: str
    event: FailedEvent
    etag: str

    @property
    def place(self) -> str:
        """Return the key of its row among the events by time."""
        return rows.event_place(milliseconds(self.event.last.time), self.id)


def subject_of(target: Target) -> str:
    """Return the subject under which calls on a target stand in the index of the log."""
    if is_resource_id(target.id):
        return target.id
    return digest_of(target.identifier) if target.identifier else NOBODY


def event_id(target: Target, cause: str, operations: Sequence[Did]) -> str:
    """Return the id of the event to which a call belongs."""
    return "_".join([subject_of(target), target.type, cause, ".".join(operations)])


async def load_event(storage: Storage, partition: str, wanted: str) -> StoredEvent | None:
    """Return the event of that id; None if there is none."""
    if _ID.fullmatch(wanted) is None:
        return None
    row = await storage.get(partition, rows.event(wanted))
    return stored_event(row) if row else None


def stored_event(row: Row) -> StoredEvent:
    """Return the event of a row."""
    event = FailedEvent.model_validate(rows.unpack(row.values))
    return StoredEvent(row.key[len(rows.event("")) :], event, row.etag)


def write(before: StoredEvent | None, wanted: str, event: FailedEvent) -> list[Operation]:
    """Return the rows that change with an event; its own row guards its place."""
    values = rows.pack(event.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    key, after = rows.event(wanted), StoredEvent(wanted, event, etag="")
    if before is None:
        return [Insert(key, values), Put(after.place, {"f": rows.FORMAT})]
    operations: list[Operation] = [Replace(key, values, before.etag)]
    if after.place != before.place:
        operations += [Delete(before.place, None), Put(after.place, {"f": rows.FORMAT})]
    return operations


def remove(stored: StoredEvent) -> list[Operation]:
    """Return the removal of an event."""
    return [Delete(rows.event(stored.id), stored.etag), Delete(stored.place, None)]


async def set_state(
    storage: Storage, directory: str, stored: StoredEvent, state: State, by: By
) -> StoredEvent:
    """Store what an admin has said of an event, with its log entry. Raises Unavailable.

    A later call that fails alike leaves it so.
    """
    if stored.event.state == state:
        return stored
    after = stored.event.model_copy(update={"state": state})
    target = Target(type="FailedEvent", id="", identifier=stored.id)
    entry = by.entry(Did.IGNORE if state == "ignored" else Did.REOPEN, target)
    partition = rows.partition(directory)
    log_key = rows.log(milliseconds(by.at), by.message_id)
    added = entry_rows(log_key, entry, [by.message_id])
    try:
        await storage.commit(partition, [*write(stored, stored.id, after), *added])
    except Conflict as conflict:
        raise Unavailable("the event has just come again", retry_after=1) from conflict
    changed = await load_event(storage, partition, stored.id)
    assert changed is not None  # it was just written
    return changed
