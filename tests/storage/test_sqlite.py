"""What SQLite promises beyond the port: on disk before it answers, and never in anyone's way."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import stat
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scim.provisioning.ports import Conflict, Insert, Put, Replace, Unavailable
from scim.storage import sqlite
from scim.storage.sqlite import SqliteStorage
from tests.storage.engines import read, read_all
from tests.storage.test_storage_contract import ROOT, P, keys

PATIENCE = 0.2  # seconds


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Name a file that does not exist yet."""
    return tmp_path / "store.sqlite"


@pytest.fixture
async def storage(path: Path) -> AsyncIterator[SqliteStorage]:
    """Open a store that waits only briefly for others."""
    engine = SqliteStorage(path, busy_timeout=PATIENCE)
    yield engine
    await engine.close()


@pytest.fixture
def other(storage: SqliteStorage, path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file beside the store, as another process does."""
    assert storage
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


async def test_the_files_are_for_their_owner_only(storage: SqliteStorage, path: Path) -> None:
    """Nobody but the owner may read the store, its log included."""
    await storage.commit(P, [Insert("a", {})])
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == [
        "store.sqlite",
        "store.sqlite-shm",
        "store.sqlite-wal",
    ]
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


async def test_a_writer_that_stays_away_is_unavailable(
    storage: SqliteStorage, other: sqlite3.Connection
) -> None:
    """While another process holds the file, reads go on and commits end as Unavailable, in time."""
    await storage.commit(P, [Insert("a", {})])
    other.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    async with asyncio.timeout(30 * PATIENCE):
        with pytest.raises(Unavailable, match="locked"):
            await storage.commit(P, [Insert("b", {})])
    assert PATIENCE <= time.monotonic() - started < 10 * PATIENCE
    assert await keys(storage) == ["a"]
    other.execute("ROLLBACK")
    await storage.commit(P, [Insert("c", {})])
    assert await keys(storage) == ["a", "c"]


async def test_a_writer_that_comes_back_is_waited_for(
    storage: SqliteStorage, other: sqlite3.Connection
) -> None:
    """A commit waits for another process without holding up the event loop, then succeeds."""
    other.execute("BEGIN IMMEDIATE")
    commit = asyncio.create_task(storage.commit(P, [Insert("a", {})]))
    for _ in range(10):
        await asyncio.wait([commit], timeout=0.001)
        assert await storage.get(P, "a") is None
    assert not commit.done()
    other.execute("ROLLBACK")
    await commit
    assert await keys(storage) == ["a"]


async def test_waiting_commits_share_one_transaction(
    storage: SqliteStorage, other: sqlite3.Connection
) -> None:
    """Commits made at once become visible at once, and each learns its own outcome."""
    await storage.commit(P, [Insert("taken", {})])
    statements: list[str] = []
    storage._writer.set_trace_callback(statements.append)
    outcomes = await asyncio.gather(
        storage.commit(P, [Insert("a", {})]),
        storage.commit(P, [Insert("b", {}), Insert("taken", {})]),
        storage.commit("other", [Insert("a", {})]),
        storage.commit(P, [Put("c", {}), Insert("a", {})]),
        storage.commit(P, [Put("c", {})]),
        return_exceptions=True,
    )
    assert statements.count("COMMIT") == 1
    assert [type(outcome) for outcome in outcomes] == [
        type(None),
        Conflict,
        type(None),
        Conflict,
        type(None),
    ]
    found = other.execute("SELECT partition, key FROM rows ORDER BY partition, key").fetchall()
    assert found == [(P, "a"), (P, "c"), (P, "taken"), ("other", "a")]


async def test_many_waiting_commits_are_written_in_groups(storage: SqliteStorage) -> None:
    """However many commits wait, all are written."""
    count = 3 * sqlite.GROUP_COMMITS + 1
    await asyncio.gather(*[storage.commit(P, [Insert(f"k{n}", {})]) for n in range(count)])
    assert len(await keys(storage)) == count


async def test_a_commit_that_fails_on_disk_is_unavailable_for_all(
    storage: SqliteStorage, other: sqlite3.Connection
) -> None:
    """When the store cannot grow, everyone in the group hears it, nothing is kept, life goes on."""
    await storage.commit(P, [Insert("a", {})])
    pages = storage._writer.execute("PRAGMA page_count").fetchone()[0]
    storage._writer.execute(f"PRAGMA max_page_count = {pages + 2}")
    outcomes = await asyncio.gather(
        storage.commit(P, [Insert("small", {})]),
        storage.commit(P, [Insert("large", {"text": "x" * 30_000})]),
        return_exceptions=True,
    )
    assert [type(outcome) for outcome in outcomes] == [Unavailable, Unavailable]
    assert other.execute("SELECT key FROM rows").fetchall() == [("a",)]
    await storage.commit(P, [Insert("b", {})])
    assert await keys(storage) == ["a", "b"]


async def test_a_caller_who_leaves_takes_nobody_along(
    storage: SqliteStorage, other: sqlite3.Connection
) -> None:
    """A cancelled commit that still waits is not written; the others of its group are."""
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.create_task(storage.commit(P, [Insert("first", {})]))
    await asyncio.wait([first], timeout=0.001)
    gone = asyncio.create_task(storage.commit(P, [Insert("gone", {})]))
    stays = asyncio.create_task(storage.commit(P, [Insert("stays", {})]))
    await asyncio.wait([gone, stays], timeout=0.001)
    gone.cancel()
    other.execute("ROLLBACK")
    await asyncio.gather(first, stays)
    assert await keys(storage) == ["first", "stays"]


async def test_closing_finishes_what_waits(path: Path) -> None:
    """A commit that was taken before the end is on disk after it."""
    storage = SqliteStorage(path)
    commit = asyncio.create_task(storage.commit(P, [Insert("a", {})]))
    await asyncio.sleep(0)
    await storage.close()
    await commit
    again = SqliteStorage(path)
    assert await keys(again) == ["a"]
    await again.close()


async def test_a_closed_store_is_unavailable(path: Path) -> None:
    """Whoever asks after the end is told so in the port's terms."""
    storage = SqliteStorage(path)
    await storage.close()
    with pytest.raises(Unavailable):
        await storage.get(P, "a")
    with pytest.raises(Unavailable):
        await storage.scan(P, "a", "b")
    with pytest.raises(Unavailable):
        await storage.commit(P, [Insert("a", {})])


async def test_etags_go_on_after_a_restart(path: Path) -> None:
    """Deleting all rows and starting anew gives no etag a second time."""
    etags = []
    for _ in range(3):
        storage = SqliteStorage(path)
        await storage.commit(P, [Insert("a", {})])
        row = await read(storage, P, "a")
        etags.append(row.etag)
        await storage.commit(P, [Replace("a", {}, row.etag)])
        etags.append((await read(storage, P, "a")).etag)
        with closing(sqlite3.connect(path)) as raw, raw:
            raw.execute("DELETE FROM rows")
        await storage.close()
    assert len(set(etags)) == 6


async def test_memory_is_nobody_elses() -> None:
    """Two stores in memory are two stores."""
    one, two = SqliteStorage(":memory:"), SqliteStorage(":memory:")
    await one.commit(P, [Insert("a", {})])
    assert (await keys(one), await keys(two)) == (["a"], [])
    await one.close()
    await two.close()


async def test_a_long_page_is_cut(storage: SqliteStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends early when its rows are large, and the scan goes on behind it."""
    monkeypatch.setattr(sqlite, "PAGE_BYTES", 1000)
    await storage.commit(P, [Insert(f"k{n}", {"text": "x" * 400}) for n in range(7)])
    page = await storage.scan(P, "", "~")
    assert [row.key for row in page.rows] == ["k0", "k1", "k2"]
    assert page.after is not None
    assert [row.key for row in await read_all(storage, P)] == [f"k{n}" for n in range(7)]


def test_a_broken_file_is_unavailable(path: Path) -> None:
    """A file that is no store is said to be none, and is left as it is."""
    content = b"not a database, and long enough to be looked at " * 9
    path.write_bytes(content)
    with pytest.raises(Unavailable, match="not a database"):
        SqliteStorage(path)
    assert path.read_bytes() == content


def test_a_missing_folder_is_unavailable(tmp_path: Path) -> None:
    """A store is not made in a folder that is not there."""
    with pytest.raises(Unavailable, match="cannot be opened"):
        SqliteStorage(tmp_path / "missing" / "store.sqlite")


OPENS_AND_WRITES = """
import asyncio, sys
from scim.storage.sqlite import SqliteStorage
from scim.provisioning.ports import Insert

async def main(path, name):
    storage = SqliteStorage(path)
    await storage.commit("directory-1", [Insert(name, {})])
    await storage.close()

asyncio.run(main(*sys.argv[1:]))
"""


async def write_elsewhere(path: Path, name: str) -> None:
    """Open the store in a process of its own, insert a row, and close it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", OPENS_AND_WRITES, str(path), name), cwd=ROOT
    )
    assert await process.wait() == 0


async def test_processes_come_and_go_beside_an_open_store(path: Path) -> None:
    """A process that closes the file leaves it to those that still have it open."""
    stays, beside = SqliteStorage(path), SqliteStorage(path)
    await write_elsewhere(path, "k0")
    await stays.commit(P, [Insert("k1", {})])
    await write_elsewhere(path, "k2")
    await beside.commit(P, [Insert("k3", {})])
    await beside.close()
    await write_elsewhere(path, "k4")
    assert await keys(stays) == ["k0", "k1", "k2", "k3", "k4"]
    await stays.close()


async def test_processes_that_start_together_share_one_new_file(path: Path) -> None:
    """Several processes that make the store at the same moment all succeed."""
    await asyncio.gather(*[write_elsewhere(path, f"k{n}") for n in range(4)])
    storage = SqliteStorage(path)
    assert await keys(storage) == ["k0", "k1", "k2", "k3"]
    await storage.close()


KILLED = """
import asyncio, os, signal, sys
from scim.storage.sqlite import SqliteStorage
from scim.provisioning.ports import Insert

async def main(path):
    storage = SqliteStorage(path)
    for number in range(1000):
        one, two = (Insert(f"{letter}{number:03}", {}) for letter in "km")
        await storage.commit("directory-1", [one, two])
        print(number, flush=True)

asyncio.run(main(sys.argv[1]))
"""


async def test_a_killed_process_loses_no_answered_commit(path: Path) -> None:
    """Every commit that was answered before the process was killed is there, and each is whole."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", KILLED, str(path)), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    for _ in range(20):
        await process.stdout.readline()
    process.send_signal(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
    output, _ = await process.communicate()
    answered = 20 + output.count(b"\n")
    storage = SqliteStorage(path)
    found = await keys(storage)
    await storage.close()
    count = len(found) // 2
    assert count in {answered, answered + 1}
    assert found == [f"{letter}{number:03}" for letter in "km" for number in range(count)]
