"""Keeping what was refused or failed: beside the answer, as well as it goes, never in a flood."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.log.attempts import Attempt
from scim.provisioning.log.entries import (
    Call,
    LogEntry,
    Outcome,
    Target,
    bounded,
    duration_ms,
    entry_rows,
)
from scim.provisioning.log.failed_events import (
    NOBODY,
    FailedEvent,
    event_id,
    load_event,
    subject_of,
    write,
)
from scim.provisioning.log.signs import cause_of
from scim.provisioning.masking import Masked, mask_text
from scim.provisioning.ports import Conflict, Storage
from scim.provisioning.scans import first_rows
from scim.provisioning.telemetry import Event, tell

PATIENCE: Final = 2.0  # seconds that an answer waits for its failure to be kept
TRIES: Final = 3
# Kept of one directory by one process: so many at once, then one in a second. What is beyond is
# counted, so a flood costs 90 000 rows a day and no more.
AT_ONCE: Final = 300
THROTTLED_EVERY: Final = timedelta(minutes=1)
DETAIL_LENGTH: Final = 1_000
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
_DIRECTORIES: Final = 1_000  # of which a process remembers how much it has kept


@dataclass(frozen=True, slots=True)
class Answered:
    """What the caller is told: a SCIM error."""

    status: int
    scim_type: str | None
    detail: str


@dataclass(slots=True)
class _Room:
    """How many failures may be kept now, since when, and how many were not.

    A refusal because of the rate is to cost nothing: until some time no other one is kept.
    """

    left: float
    since: datetime
    missed: int = 0
    throttled_until: datetime = _LONG_AGO


class Failures:
    """Keeps refused and failed calls as entries of the log, and groups them as failed events."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._rooms: OrderedDict[str, _Room] = OrderedDict()

    async def keep(self, call: Call, attempt: Attempt, answered: Answered, body: Masked) -> None:
        """Keep a call that was refused or failed; the 404 of a read is none of these.

        Nothing is raised: the answer is decided already.
        """
        if answered.status == 404 and attempt.read:
            return
        now = self._now()
        room = self._room(call.directory, now)
        if room.left < 1 or (answered.status == 429 and now < room.throttled_until):
            room.missed += 1
            return
        if answered.status == 429:
            room.throttled_until = now + THROTTLED_EVERY
        room.left -= 1
        counted, room.missed = room.missed + 1, 0
        entry = _entry(call, attempt, answered, body, now)
        tell(
            Event.CALL_FAILED,
            directory=call.directory,
            messageId=call.message_id,
            status=answered.status,
            cause=entry.cause,
        )
        try:
            async with asyncio.timeout(PATIENCE):
                await self._store(call.directory, entry, counted, body.text)
        except Exception as error:  # noqa: BLE001 - whatever it is, the answer stays what it is
            room.missed += counted
            tell(
                Event.FAILURE_NOT_KEPT,
                directory=call.directory,
                messageId=call.message_id,
                error=type(error).__name__,
            )

    async def _store(self, directory: str, entry: LogEntry, counted: int, body: str) -> None:
        partition = rows.partition(directory)
        target = await self._named(partition, entry.target)
        entry = entry.model_copy(update={"target": target, "adds": {"failed": counted}})
        log_key = rows.log(milliseconds(entry.time), entry.message_id)
        subject = subject_of(target)
        subjects = [entry.message_id] if subject == NOBODY else [subject, entry.message_id]
        wanted = event_id(target, entry.cause, entry.operations)
        for _ in range(TRIES):
            before = await load_event(self._storage, partition, wanted)
            event = FailedEvent(
                state=before.event.state if before else "open",
                count=(before.event.count if before else 0) + 1,
                first_seen=before.event.first_seen if before else entry.time,
                last=entry,
                body=body,
            )
            try:
                await self._storage.commit(
                    partition,
                    [*write(before, wanted, event), *entry_rows(log_key, entry, subjects)],
                )
            except Conflict:
                continue  # another process has just counted the same
            return
        raise Conflict(rows.event(wanted))

    async def _named(self, partition: str, target: Target) -> Target:
        """Return the target with the name it has, or had last if it is gone."""
        if not target.id:
            return target
        of_group = target.type == "Group"
        key = rows.group(target.id) if of_group else rows.user(target.id)
        row = await self._storage.get(partition, key)
        if row is not None:
            resource = rows.unpack(row.values)
            named = resource["displayName" if of_group else "userName"]
            return target.model_copy(update={"identifier": named[:200]})
        first = rows.log_index(target.id)
        for index in await first_rows(self._storage, partition, first, first + rows.END, 1):
            entry = await self._storage.get(partition, rows.LOG + index.key[len(first) :])
            if entry is not None:
                last = LogEntry.model_validate(rows.unpack(entry.values)).target
                if last.id == target.id:
                    return last
        return target

    def _room(self, directory: str, now: datetime) -> _Room:
        room = self._rooms.setdefault(directory, _Room(AT_ONCE, now))
        self._rooms.move_to_end(directory)
        if len(self._rooms) > _DIRECTORIES:
            self._rooms.popitem(last=False)
        room.left = min(AT_ONCE, room.left + max((now - room.since).total_seconds(), 0))
        room.since = now
        return room


def _entry(
    call: Call, attempt: Attempt, answered: Answered, body: Masked, now: datetime
) -> LogEntry:
    # 501 is a refusal too: the policy or the endpoint does without.
    ours = answered.status >= 500 and answered.status != 501
    detail = mask_text(answered.detail, body.secrets)[:DETAIL_LENGTH]
    return LogEntry(
        time=now,
        message_id=call.message_id,
        actor=call.actor,
        operations=attempt.operations,
        target=attempt.target.model_copy(
            update={"identifier": mask_text(attempt.target.identifier)}
        ),
        outcome=Outcome.FAILED if ours else Outcome.REFUSED,
        quirks=bounded(call.quirks),
        ignored=bounded(call.ignored),
        user_agent=mask_text(call.user_agent[:120]),
        duration_ms=duration_ms(now - call.started),
        traceparent=call.traceparent,
        status=answered.status,
        scim_type=answered.scim_type,
        detail=detail,
        cause=cause_of(answered.status, answered.scim_type, answered.detail).name,
    )
