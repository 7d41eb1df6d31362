"""Rows in one SQLite file, shared by any number of processes on one machine."""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import orjson

from scim.provisioning.ports import (
    SCAN_ROWS,
    Conflict,
    Delete,
    Insert,
    Operation,
    Page,
    Put,
    Replace,
    Row,
    Unavailable,
)
from scim.storage import limits

GROUP_COMMITS = 32  # commits that share one wait for the disk; bounds the time on the event loop
PAGE_BYTES = 4 * 1024 * 1024  # a page is cut here: it is read on the event loop, into memory
QUIET_TURNS = 2  # of the event loop, some microseconds each; a call needs two to get here
CHECKPOINT_PAGES = 8_000  # of 4 KiB in the log of writes, which is read again after a crash
CACHE_KIB = 32_768  # of each connection; SQLite's default of 2 MiB holds a few thousand users
READ_TIMEOUT = 0.1  # seconds; a reader waits only while another process recovers the file

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS rows (
    partition TEXT NOT NULL,
    key TEXT NOT NULL,
    etag TEXT NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (partition, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commits (number INTEGER NOT NULL);
INSERT INTO commits SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM commits);
COMMIT;
"""

# The etag to be, the partition, the key, and the rest: by place, which costs less than by name.
_REPLACE = "UPDATE rows SET etag = ?1, data = ?4 WHERE partition = ?2 AND key = ?3 AND etag = ?5"
_DELETE = "DELETE FROM rows WHERE partition = ?2 AND key = ?3 AND (etag = ?4 OR ?4 IS NULL)"
_ETAG_OF = "SELECT etag FROM rows WHERE partition = ? AND key = ?"
_TAKE_NUMBERS = "UPDATE commits SET number = number + ? RETURNING number"


# A statement, how many rows it changes (fewer are a conflict), its values behind the etag to be.
_Change = tuple[str, int, Sequence[str | bytes | None]]


@dataclass(frozen=True, slots=True)
class _Commit:
    """A commit that waits for its turn; `done` is its caller."""

    partition: str
    operations: Sequence[Operation]
    changes: Sequence[_Change]
    done: asyncio.Future[None]


class SqliteStorage:
    """The port `Storage` on SQLite; `:memory:` lasts as long as the object.

    Statements run on the event loop, in microseconds. The wait for the disk is a thread's, and all
    commits that arrive meanwhile share the next one.
    """

    def __init__(self, path: Path | str, *, busy_timeout: float = 5.0) -> None:
        self._busy_timeout = busy_timeout
        self._in_memory = str(path) == ":memory:"
        try:
            with ExitStack() as opened:
                self._writer = opened.enter_context(closing(_open(path, timeout=busy_timeout)))
                _prepare(self._writer)
                self._reader = self._writer
                if not self._in_memory:
                    self._reader = _open(path, timeout=READ_TIMEOUT)
                opened.pop_all()
        except (OSError, sqlite3.Error) as error:
            raise Unavailable(f"the SQLite store cannot be opened: {error}") from error
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._waiting: list[_Commit] = []
        self._writing: asyncio.Task[None] | None = None

    async def get(self, partition: str, key: str) -> Row | None:
        """See `Storage.get`."""
        if not (limits.is_key(partition) and limits.is_key(key)):
            return None
        try:
            found = self._reader.execute(
                "SELECT etag, data FROM rows WHERE partition = ? AND key = ?", (partition, key)
            ).fetchone()
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        return Row(key, found[0], orjson.loads(found[1])) if found else None

    async def scan(
        self,
        partition: str,
        first: str,
        last: str,
        limit: int = SCAN_ROWS,
        after: str | None = None,
    ) -> Page:
        """See `Storage.scan`; `after` is the last key of the page before."""
        limits.check_scan(first, last, limit)
        start = first if after is None else f"{after}\0"  # nothing sorts between these two
        rows: list[Row] = []
        size = 0
        try:
            with closing(
                self._reader.execute(
                    "SELECT key, etag, data FROM rows"
                    " WHERE partition = ? AND key >= ? AND key < ? ORDER BY key LIMIT ?",
                    (partition, start, last, limit + 1),
                )
            ) as found:
                for key, etag, data in found:
                    if len(rows) == limit or size >= PAGE_BYTES:
                        return Page(rows, after=rows[-1].key)
                    rows.append(Row(key, etag, orjson.loads(data)))
                    size += len(data)
        except sqlite3.Error as error:
            raise _unavailable(error) from error
        return Page(rows, after=None)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `Storage.commit`; returns when the disk holds the commit."""
        limits.check_commit(partition, operations)
        if not operations:
            return
        done = asyncio.get_running_loop().create_future()
        changes = _changes(partition, operations)
        self._waiting.append(_Commit(partition, operations, changes, done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_waiting())
        await done

    async def close(self) -> None:
        """See `Storage.close`; commits that wait are finished first."""
        if self._writing is not None and not self._writing.done():
            await self._writing
        self._disk.shutdown()
        self._reader.close()
        self._writer.close()

    async def _write_waiting(self) -> None:
        while self._waiting:
            await self._gather()
            group = [each for each in self._waiting[:GROUP_COMMITS] if not each.done.cancelled()]
            del self._waiting[:GROUP_COMMITS]
            outcomes: Sequence[Conflict | Unavailable | None]
            try:
                outcomes = await self._write(group)
            except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
                outcomes = [_unavailable(error) for _ in group]
                with suppress(sqlite3.Error):  # there may be nothing to roll back
                    self._writer.execute("ROLLBACK")
            for commit, outcome in zip(group, outcomes, strict=True):
                if commit.done.cancelled():
                    continue
                if outcome is None:
                    commit.done.set_result(None)
                else:
                    commit.done.set_exception(outcome)

    async def _gather(self) -> None:
        """Wait while the event loop brings more commits: what they share costs as much as one."""
        known, quiet = len(self._waiting), 0
        while quiet < QUIET_TURNS and known < GROUP_COMMITS:
            await asyncio.sleep(0)
            quiet = quiet + 1 if len(self._waiting) == known else 0
            known = len(self._waiting)

    async def _write(self, group: Sequence[_Commit]) -> list[Conflict | None]:
        """Write the commits in one transaction and return the outcome of each."""
        await self._begin()
        # One number per commit: a row is written at most once in each.
        last = self._writer.execute(_TAKE_NUMBERS, (len(group),)).fetchone()[0]
        first = last - len(group) + 1
        outcomes = [self._apply(commit, str(number)) for number, commit in enumerate(group, first)]
        if self._in_memory:
            self._writer.execute("COMMIT")
        else:
            await asyncio.get_running_loop().run_in_executor(
                self._disk, self._writer.execute, "COMMIT"
            )
        return outcomes

    async def _begin(self) -> None:
        """Begin a transaction as soon as no other process writes, up to the busy timeout."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._busy_timeout
        while True:
            try:
                self._writer.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
                if not busy or loop.time() >= deadline:
                    raise
            else:
                return
            await asyncio.sleep(random.uniform(0.001, 0.01))  # noqa: S311 - jitter, no secret

    def _apply(self, commit: _Commit, etag: str) -> Conflict | None:
        """Apply all changes of a commit within the open transaction, or none."""
        execute = self._writer.execute
        execute("SAVEPOINT whole")
        for statement, rows, values in commit.changes:
            if execute(statement, (etag, *values)).rowcount != rows:
                execute("ROLLBACK TO whole")
                execute("RELEASE whole")
                return self._first_conflict(commit.partition, commit.operations)
        execute("RELEASE whole")
        return None

    def _first_conflict(self, partition: str, operations: Sequence[Operation]) -> Conflict:
        """Return what kept a commit from being written."""
        for each in operations:
            found = self._writer.execute(_ETAG_OF, (partition, each.key)).fetchone()
            match each:
                case Insert() if found:
                    return Conflict(each.key)
                case Replace() | Delete() if not found or each.etag not in {None, found[0]}:
                    return Conflict(each.key)
        raise AssertionError("a statement changed fewer rows than it should")


def _open(path: Path | str, *, timeout: float) -> sqlite3.Connection:
    if str(path) != ":memory:":
        # SQLite gives the files it puts beside this one the same mode. A file that is there must
        # not be opened here: closing it would drop the locks of this process's other connections.
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    opened = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    opened.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    opened.execute("PRAGMA temp_store = MEMORY")  # what a savepoint undoes, else in a file
    return opened


def _prepare(writer: sqlite3.Connection) -> None:
    """Make the tables if there are none, and what is written durable."""
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("PRAGMA synchronous = FULL")
    # The log of writes is copied into the file less often: most pages are written many times.
    writer.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
    writer.executescript(_SCHEMA)
    writer.execute("PRAGMA busy_timeout = 0")  # from here on the event loop waits, not SQLite


def _changes(partition: str, operations: Sequence[Operation]) -> list[_Change]:
    """Return the operations as few statements: each costs about as much as writing a row."""
    changes: list[_Change] = []
    inserts: list[str | bytes | None] = [partition]
    puts: list[str | bytes | None] = [partition]
    for each in operations:
        match each:
            case Insert():
                inserts += (each.key, orjson.dumps(each.values))
            case Put():
                puts += (each.key, orjson.dumps(each.values))
            case Replace():
                data = orjson.dumps(each.values)
                changes.append((_REPLACE, 1, (partition, each.key, data, each.etag)))
            case Delete():
                changes.append((_DELETE, 1, (partition, each.key, each.etag)))
    for values, statement in ((inserts, _inserting), (puts, _putting)):
        if count := len(values) // 2:
            changes.append((statement(count), count, values))
    return changes


@cache
def _inserting(count: int) -> str:
    return f"INSERT INTO rows (etag, partition, key, data) {_values(count)} ON CONFLICT DO NOTHING"


@cache
def _putting(count: int) -> str:
    return f"INSERT OR REPLACE INTO rows (etag, partition, key, data) {_values(count)}"


def _values(count: int) -> str:
    places = range(3, 3 + 2 * count, 2)
    return "VALUES " + ", ".join(f"(?1, ?2, ?{place}, ?{place + 1})" for place in places)


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(f"the SQLite store does not answer: {error}")
