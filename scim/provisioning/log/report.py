"""Reading the log, newest first: by time, by user, by message.

A question reads rows in proportion to its answer: a time is a range of keys, a user has an index,
a message names its key. Operation and outcome are looked for in what that finds, of which one
answer takes a bounded number of rows; then it is short, and says where to read on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scim.provisioning import rows
from scim.provisioning.identifiers import created_ms, is_resource_id, milliseconds
from scim.provisioning.log.entries import Did, LogEntry, Outcome
from scim.provisioning.log.parts import concerning, merged
from scim.provisioning.names import digest_of, holders_of
from scim.provisioning.ports import SCAN_ROWS, Storage
from scim.provisioning.scans import first_rows, scan_rows

READ_MOST: Final = 4_000  # rows of the log that one answer takes, at least one page a directory
PARTS_MOST: Final = 1_000  # commits of one long change that are read, the last ones
_TOGETHER: Final = 50  # reads that run side by side


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the log; None asks nothing. `since` belongs to the time, `until` does not.

    `user` is a name of a user or group, held now or ever, in any case; or an id.
    """

    user: str | None = None
    operation: Did | None = None
    outcome: Outcome | None = None
    message_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def wants(self, entry: LogEntry) -> bool:
        """Whether operation, outcome and message of an entry are those asked for."""
        return (
            self.operation in (None, *entry.operations)
            and self.outcome in (None, entry.outcome)
            and self.message_id in (None, entry.message_id)
        )

    @property
    def keys(self) -> tuple[str, str]:
        """Return the range of log keys of the time asked for."""
        before = self.until and _key_before(self.until)
        after = self.since and _key_before(self.since)
        return before or rows.LOG, after or rows.LOG + rows.END


@dataclass(frozen=True, slots=True)
class Found:
    """An entry of a directory's log, and its key."""

    directory: str
    key: str
    entry: LogEntry


@dataclass(frozen=True, slots=True)
class _Part:
    """What one directory answers, complete down to a key."""

    found: Sequence[Found]
    complete_to: str


INSTALLATION: Final = ""  # in place of a directory: what belongs to none


async def read_log(
    storage: Storage, directories: Sequence[str], question: Question, after: str, limit: int
) -> tuple[list[Found], str | None]:
    """Return entries behind the key `after`, and the key after which to read on; None: no more."""
    most = max(READ_MOST // max(len(directories), 1), limit)
    parts: list[_Part] = []
    for start in range(0, len(directories), _TOGETHER):
        some = directories[start : start + _TOGETHER]
        reading = (_part(storage, each, question, after, limit, most) for each in some)
        parts += await asyncio.gather(*reading)
    complete_to = min((each.complete_to for each in parts), default=_END)
    found = sorted(
        (each for part in parts for each in part.found if each.key <= complete_to),
        key=lambda each: each.key,
    )
    if len(found) > limit:
        return found[:limit], found[limit - 1].key
    return found, None if complete_to == _END else complete_to


async def subjects_named(storage: Storage, partition: str, user: str) -> list[str]:
    """Return the subjects under which the log has a user: ids, and the name of who got none."""
    if is_resource_id(user):
        return [user]
    return [*await holders_of(storage, partition, user), digest_of(user)]


_END: Final = rows.LOG + rows.END


def _partition(directory: str) -> str:
    return rows.INSTALLATION if directory == INSTALLATION else rows.partition(directory)


def _key_before(moment: datetime) -> str:
    return rows.log(max(milliseconds(moment) - 1, 0))


def _behind(key: str) -> str:
    # No key continues another one with a hyphen.
    return f"{key}-"


async def _part(
    storage: Storage, directory: str, question: Question, after: str, limit: int, most: int
) -> _Part:
    partition = _partition(directory)
    first, last = question.keys
    if after:
        first = max(first, _behind(after))
    if first >= last:
        return _Part([], _END)
    if question.message_id is not None:
        keys = await _of_message(storage, partition, question.message_id)
        entries = await load_entries(
            storage, partition, [each for each in keys if first <= each < last]
        )
        wanted = [(k, each) for k, each in entries if question.wants(each) and not each.part]
        whole = [Found(directory, k, await _whole(storage, partition, e)) for k, e in wanted]
        return _Part(whole, _END)
    if question.user is not None:
        return await _by_user(storage, directory, question, (first, last), limit, most)
    return await _by_time(storage, directory, question, (first, last), limit, most)


async def _by_time(
    storage: Storage,
    directory: str,
    question: Question,
    keys: tuple[str, str],
    limit: int,
    most: int,
) -> _Part:
    partition, read = _partition(directory), 0
    found: list[Found] = []
    page = min(limit + 1, SCAN_ROWS)
    async for row in scan_rows(storage, partition, *keys, page=page):
        entry = LogEntry.model_validate(rows.unpack(row.values))
        read += 1
        if question.wants(entry) and not entry.part:
            found.append(Found(directory, row.key, await _whole(storage, partition, entry)))
        if len(found) > limit or read >= most:
            return _Part(found, row.key)
    return _Part(found, _END)


async def _by_user(
    storage: Storage,
    directory: str,
    question: Question,
    keys: tuple[str, str],
    limit: int,
    most: int,
) -> _Part:
    partition = _partition(directory)
    subjects = await subjects_named(storage, partition, question.user or "")
    first, last = keys
    found: list[Found] = []
    read = 0
    while True:
        some, complete_to = await _indexed(storage, partition, subjects, (first, last), limit + 1)
        for key, entry in await load_entries(storage, partition, some):
            read += 1
            # Of a change of the user itself the first entry tells all.
            told = entry.part and entry.target.id in subjects
            if question.wants(entry) and not told:
                whole = entry if entry.part else await _whole(storage, partition, entry)
                found.append(Found(directory, key, concerning(subjects, whole)))
        if complete_to == _END or len(found) > limit or read >= most:
            return _Part(found, complete_to)
        first = _behind(complete_to)


async def _indexed(
    storage: Storage, partition: str, subjects: Sequence[str], keys: tuple[str, str], most: int
) -> tuple[list[str], str]:
    """Return the first log keys of the subjects in a range, and the key down to which they are."""

    async def of(subject: str) -> list[str]:
        first, last = (rows.log_index(subject, each) for each in keys)
        index = await first_rows(storage, partition, first, last, most)
        return [rows.indexed_log(subject, each.key) for each in index]

    lists = await asyncio.gather(*(of(each) for each in subjects))
    complete_to = min((each[-1] for each in lists if len(each) == most), default=_END)
    return sorted({key for each in lists for key in each if key <= complete_to}), complete_to


async def _of_message(storage: Storage, partition: str, message_id: str) -> list[str]:
    """Return the keys of a message's entries: at its own time, and those written later."""
    if not is_resource_id(message_id):
        return []
    first = rows.log_of_message(created_ms(message_id), message_id)
    index = rows.log_index(message_id)
    own, later = await asyncio.gather(
        first_rows(storage, partition, first, first + rows.END, SCAN_ROWS),
        first_rows(storage, partition, index, index + rows.END, SCAN_ROWS),
    )
    keys = {*(each.key for each in own), *(rows.indexed_log(message_id, e.key) for e in later)}
    return sorted(keys)


async def load_entries(
    storage: Storage, partition: str, keys: Sequence[str]
) -> list[tuple[str, LogEntry]]:
    """Return the entries of the keys that are there."""
    found: list[tuple[str, LogEntry]] = []
    for start in range(0, len(keys), _TOGETHER):
        reading = (storage.get(partition, key) for key in keys[start : start + _TOGETHER])
        loaded = [row for row in await asyncio.gather(*reading) if row is not None]
        found += [(row.key, LogEntry.model_validate(rows.unpack(row.values))) for row in loaded]
    return found


async def _whole(storage: Storage, partition: str, entry: LogEntry) -> LogEntry:
    """Return the entry of a change with all that its later commits say."""
    if not entry.job:
        return entry
    first = rows.log_index(entry.job)
    index = await first_rows(storage, partition, first, first + rows.END, PARTS_MOST)
    keys = [rows.indexed_log(entry.job, each.key) for each in index]
    parts = [each for _, each in await load_entries(storage, partition, keys)]
    whole = merged([entry, *parts])
    return whole.model_copy(update={"access_cut": True}) if len(parts) == PARTS_MOST else whole
