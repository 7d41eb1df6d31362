"""What a report of the log asks of the storage, by the length of the log."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from bench.counting import Counted
from bench.counts import Count
from scim.provisioning import rows
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, Did, Target, entry_rows
from scim.provisioning.log.report import Question, read_log
from scim.provisioning.policy import Policy
from scim.provisioning.ports import COMMIT_ROWS, Operation, Storage

DIRECTORY: Final = "log"
CHANGES: Final = 20  # of the user that is asked for, spread over the whole log
LIMIT: Final = 100
_SECOND: Final = timedelta(seconds=1)
_BEGUN: Final = datetime(2026, 1, 1, tzinfo=UTC)


async def count_reports(
    storage: Counted, sizes: Sequence[int], progress: Callable[[int], None]
) -> list[Count]:
    """Fill a log to each of the sizes, one change a second, and count what reports of it ask."""
    kim = resource_id(_BEGUN)
    counts: list[Count] = []
    done = 0
    for size in sizes:
        await _fill(storage, done, size, progress)
        # The user's changes lie among those of this size alone.
        name = f"kim{size}@example.com"
        message = await _changes(storage, kim, name, done, size)
        day = _BEGUN + done * _SECOND
        questions = [
            # The names; two indexes; the entries.
            ("report by user", 1 + 2 + CHANGES, Question(user=name.upper())),
            # By the message's own time and by its index; the entry.
            ("report by message", 3, Question(message_id=message)),
            ("report by time", 1, Question(since=day, until=day + 50 * _SECOND)),
        ]
        for call, budget, question in questions:
            counts.append(await _count(storage, call, size, budget, question))
        done = size
        kim = resource_id(_BEGUN + size * _SECOND)
    return counts


async def _count(storage: Counted, call: str, size: int, budget: int, question: Question) -> Count:
    before = storage.round_trips, storage.read
    found, following = await read_log(storage, [DIRECTORY], question, "", LIMIT)
    if not found or following is not None:
        raise RuntimeError(f"{call}: {len(found)} entries")
    trips, read = storage.round_trips - before[0], storage.read - before[1]
    return Count(call, size, trips, read, 0, budget)


async def _fill(storage: Storage, done: int, size: int, progress: Callable[[int], None]) -> None:
    batch: list[Operation] = []
    for number in range(done, size):
        moment = _BEGUN + number * _SECOND
        someone = resource_id(moment)
        _, added = _change(someone, f"user{number}@example.com", moment, Did.UPDATE)
        if len(batch) + len(added) > COMMIT_ROWS:
            await storage.commit(rows.partition(DIRECTORY), batch)
            batch = []
        batch += added
        if number % 100_000 == 0:
            progress(number)
    await storage.commit(rows.partition(DIRECTORY), batch)


async def _changes(storage: Storage, user: str, name: str, first: int, last: int) -> str:
    """Log the changes of one user, and return the message id of one of them."""
    message = ""
    for number in range(CHANGES):
        place = first + (last - first) * number // CHANGES
        moment = _BEGUN + place * _SECOND + timedelta(milliseconds=500)
        did = Did.UPDATE if number else Did.CREATE
        message, added = _change(user, name, moment, did)
        await storage.commit(rows.partition(DIRECTORY), added)
    return message


def _change(user: str, name: str, moment: datetime, did: Did) -> tuple[str, list[Operation]]:
    message = resource_id(moment)
    call = Call(DIRECTORY, message, moment, actor="benchmark", policy=Policy())
    entry = call.entry([did], Target(type="User", id=user, identifier=name), adds={})
    return message, entry_rows(call.log_key(), entry, [user])
