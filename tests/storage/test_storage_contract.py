"""What the port `Storage` promises, held by every engine."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

from scim.provisioning.ports import (
    Conflict,
    Delete,
    Insert,
    LimitExceeded,
    Operation,
    Put,
    Replace,
    Row,
    Storage,
    Value,
)
from tests.storage.engines import Store, read, read_all
from tests.storage.racing_writer import add

ROOT = Path(__file__).resolve().parent.parent.parent
P = "directory-1"
ALPHABET = "-.0123456789:ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~"
EMOJI = "\N{GRINNING FACE}"


async def insert(storage: Storage, *keys: str, partition: str = P) -> None:
    """Insert rows in one commit."""
    await storage.commit(partition, [Insert(key, {"of": key}) for key in keys])


async def keys(storage: Storage, partition: str = P) -> list[str]:
    """Return the keys of all rows."""
    return [row.key for row in await read_all(storage, partition)]


async def test_a_row_comes_back_as_it_was_written(storage: Storage) -> None:
    """What a commit wrote, a get finds: key, values, and an etag."""
    await storage.commit(P, [Insert("u_1", {"doc": '{"userName":"a"}', "f": 1})])
    row = await read(storage, P, "u_1")
    assert row.key == "u_1"
    assert row.values == {"doc": '{"userName":"a"}', "f": 1}
    assert row.etag


async def test_a_missing_row_is_none(storage: Storage) -> None:
    """No row is None, also where no row can be, because its key is none."""
    await insert(storage, "u_1")
    for partition, key in [(P, "u_2"), ("directory-2", "u_1"), (P, "u/1"), (P, ""), ("ü", "u_1")]:
        assert await storage.get(partition, key) is None


@pytest.mark.parametrize(
    "value",
    [
        "",
        "plain",
        "e\N{COMBINING ACUTE ACCENT} and \N{LATIN SMALL LETTER E WITH ACUTE}",
        f"{EMOJI}\N{REGIONAL INDICATOR SYMBOL LETTER D}\N{ZERO WIDTH JOINER}",
        "\N{HEBREW LETTER ALEF}\N{RIGHT-TO-LEFT MARK}\N{CJK UNIFIED IDEOGRAPH-4E2D}",
        'quotes " and \' back\\slash </x> &amp; %41 {"a":[1]}',
        " blanks, \t tab \r\n lines \N{LINE SEPARATOR}\N{PARAGRAPH SEPARATOR}",
        "\0\x1f\x7f \N{NO-BREAK SPACE}",
        "2026-11-25T12:00:00Z",
        "--\r\nHTTP/1.1 404 Not Found\r\n",
        "x" * 32_768,
        EMOJI * 16_384,
        0,
        -1,
        2**31 - 1,
        2**31,
        -(2**31) - 1,
        2**53 + 1,
        2**63 - 1,
        -(2**63),
    ],
    ids=lambda value: repr(value)[:30].encode("ascii", "backslashreplace").decode(),
)
async def test_values_are_kept_exactly(storage: Storage, value: Value) -> None:
    """Text up to 32 768 UTF-16 units and 64-bit integers come back unchanged and of their type."""
    await storage.commit(P, [Insert("u_1", {"value": value})])
    for row in (await read(storage, P, "u_1"), *await read_all(storage, P)):
        assert row.values == {"value": value}
        assert type(row.values["value"]) is type(value)


async def test_a_scan_is_in_the_order_of_code_points(storage: Storage) -> None:
    """Rows come by key, in the order of code points, whatever the order they were written in."""
    written = [f"k{one}" for one in reversed(ALPHABET)] + ["k", "k-a", "kA-", "ka0", "k~~"]
    await storage.commit(P, [Insert(key, {}) for key in written])
    assert await keys(storage) == sorted(written)


async def test_a_scan_is_half_open(storage: Storage) -> None:
    """The first key is within the range and the last is not; an inverted range is empty."""
    await insert(storage, "a", "b", "b-", "c", "d")
    for first, last, expected in [
        ("b", "d", ["b", "b-", "c"]),
        ("b", "c", ["b", "b-"]),
        ("bb", "c", []),
        ("a", "a", []),
        ("d", "a", []),
        ("", "b", ["a"]),
        ("", "", []),
        ("b'", "b;", ["b-"]),
    ]:
        rows = await read_all(storage, P, first=first, last=last)
        assert [row.key for row in rows] == expected, (first, last)


async def test_a_scan_reads_what_get_reads(storage: Storage) -> None:
    """A row has the same etag and values in a page as by itself."""
    await storage.commit(P, [Insert("a", {"n": 2**40, "s": EMOJI}), Put("b", {})])
    assert await read_all(storage, P) == [await read(storage, P, key) for key in "ab"]


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6, 1000])
async def test_pages_add_up_to_the_range(storage: Storage, limit: int) -> None:
    """No page is longer than its limit; together they hold every row once, and they end."""
    written = [f"k{number}" for number in range(6)]
    await insert(storage, *written, "z")
    seen: list[str] = []
    page = await storage.scan(P, "k", "l", limit)
    while True:
        assert len(page.rows) <= limit
        seen += [row.key for row in page.rows]
        if page.after is None:
            break
        page = await storage.scan(P, "k", "l", limit, page.after)
    assert seen == written


async def test_a_scan_goes_on_where_it_was_while_rows_change(storage: Storage) -> None:
    """Rows changed between two pages appear as they are then; no other is lost or doubled."""
    await insert(storage, "b", "d", "f", "h", "j")
    page = await storage.scan(P, "a", "z", 2)
    assert [row.key for row in page.rows] == ["b", "d"]
    await storage.commit(
        P,
        [
            Insert("a", {}),  # behind the scan
            Delete("d", None),  # the last row it gave
            Delete("f", None),  # the next one it would give
            Insert("g", {}),
            Put("h", {"new": 1}),
        ],
    )
    rest: list[Row] = []
    while page.after is not None:
        page = await storage.scan(P, "a", "z", 2, page.after)
        rest += page.rows
    assert [row.key for row in rest] == ["g", "h", "j"]
    assert rest[1].values == {"new": 1}


async def test_partitions_are_apart(storage: Storage) -> None:
    """The same key in two partitions is two rows; a scan sees its own partition only."""
    for partition in ("p", "p-1", "P"):
        await storage.commit(partition, [Insert("a", {"of": partition})])
    await storage.commit("p-1", [Delete("a", None), Insert("b", {})])
    assert (await read(storage, "p", "a")).values == {"of": "p"}
    assert (await read(storage, "P", "a")).values == {"of": "P"}
    assert await keys(storage, "p-1") == ["b"]
    assert await keys(storage, "p-2") == []


async def test_replace_leaves_nothing_of_the_old_row(storage: Storage) -> None:
    """Replace and Put write all values anew; properties that they do not name are gone."""
    await storage.commit(P, [Insert("a", {"x": 1, "y": "2"}), Insert("b", {"x": 1, "y": "2"})])
    await storage.commit(
        P, [Replace("a", {"y": 3}, (await read(storage, P, "a")).etag), Put("b", {"z": "4"})]
    )
    assert [row.values for row in await read_all(storage, P)] == [{"y": 3}, {"z": "4"}]


async def test_put_writes_in_any_case(storage: Storage) -> None:
    """Put needs no row and minds none."""
    await storage.commit(P, [Put("a", {"n": 1})])
    first = await read(storage, P, "a")
    await storage.commit(P, [Put("a", {"n": 2})])
    second = await read(storage, P, "a")
    assert (first.values, second.values) == ({"n": 1}, {"n": 2})
    assert first.etag != second.etag


async def test_delete_of_any_etag_needs_a_row(storage: Storage) -> None:
    """Delete without an etag removes the row as it is; a missing one is a conflict."""
    await insert(storage, "a")
    await storage.commit(P, [Delete("a", None)])
    assert await storage.get(P, "a") is None
    with pytest.raises(Conflict):
        await storage.commit(P, [Delete("a", None)])


async def test_an_empty_commit_is_nothing(storage: Storage) -> None:
    """A commit of no operations succeeds and changes nothing."""
    await storage.commit(P, [])
    assert await keys(storage) == []


STALE = "W/\"datetime'2020-01-01T00%3A00%3A00.0000000Z'\""


@pytest.mark.parametrize(
    "refused",
    [
        Insert("there", {}),
        Replace("there", {}, STALE),
        Replace("there", {}, "*"),
        Replace("there", {}, ""),
        Replace("there", {}, 'x"\r\nIf-Match: *'),
        Replace("missing", {}, STALE),
        Delete("there", STALE),
        Delete("there", "*"),
        Delete("missing", STALE),
        Delete("missing", None),
    ],
    ids=repr,
)
@pytest.mark.parametrize("place", [0, 1, 3])
async def test_a_conflict_names_its_row_and_undoes_the_rest(
    storage: Storage, refused: Operation, place: int
) -> None:
    """A row that is not as demanded refuses the whole commit, by name, wherever it stands in it."""
    await insert(storage, "changed", "deleted", "there")
    before = await read_all(storage, P)
    etags = {row.key: row.etag for row in before}
    operations: list[Operation] = [
        Replace("changed", {"n": 2}, etags["changed"]),
        Delete("deleted", etags["deleted"]),
        Insert("new", {}),
    ]
    operations.insert(place, refused)
    with pytest.raises(Conflict) as caught:
        await storage.commit(P, operations)
    assert caught.value.key == refused.key
    assert await read_all(storage, P) == before


@pytest.mark.parametrize("refused", [Insert("there", {}), Delete("missing", None)], ids=repr)
async def test_a_commit_of_one_operation_conflicts_alike(
    storage: Storage, refused: Operation
) -> None:
    """A single operation is refused with the same error as one among many."""
    await insert(storage, "there")
    with pytest.raises(Conflict) as caught:
        await storage.commit(P, [refused])
    assert caught.value.key == refused.key


async def test_etags_never_come_back(storage: Storage) -> None:
    """A row has another etag after every write, also after it was deleted and inserted again."""
    etags = []
    for _ in range(5):
        await storage.commit(P, [Insert("a", {"same": 1})])
        etags.append((await read(storage, P, "a")).etag)
        await storage.commit(P, [Replace("a", {"same": 1}, etags[-1])])
        etags.append((await read(storage, P, "a")).etag)
        await storage.commit(P, [Put("a", {"same": 1})])
        etags.append((await read(storage, P, "a")).etag)
        await storage.commit(P, [Delete("a", etags[-1])])
    assert len(set(etags)) == 15


async def test_an_old_etag_does_not_fit_a_row_inserted_anew(store: Store) -> None:
    """Who read a row before another process deleted and rebuilt it does not overwrite the new."""
    ours, theirs = store.open(), store.open()
    await insert(ours, "a")
    old = await read(ours, P, "a")
    await theirs.commit(P, [Delete("a", old.etag)])
    await theirs.commit(P, [Insert("a", old.values)])
    with pytest.raises(Conflict):
        await ours.commit(P, [Replace("a", {}, old.etag)])
    await ours.close()
    await theirs.close()


def rows(count: int, **values: Value) -> list[Operation]:
    """Return inserts of rows with the same values."""
    return [Insert(f"k{number}", values) for number in range(count)]


def wide(size: int) -> dict[str, Value]:
    """Return values of a row that takes this many bytes, by the service's formula, at key `k0`."""
    fixed = 4 + 34 + 2 * (len(P) + len("k0"))
    parts = -(-(size - fixed) // 60_000)
    units = (size - fixed - parts * (8 + 6 + 4)) // 2
    share = units // parts
    values: dict[str, Value] = {f"p{n:02}": "x" * share for n in range(parts)}
    return {**values, "p00": "x" * (units - share * (parts - 1))}


IDEOGRAPHS = {f"p{number}": "\N{CJK UNIFIED IDEOGRAPH-4E2D}" * 30_000 for number in range(8)}


# aiohttp finds a body of more than 1 MiB slow to hand over; it is copied once.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
@pytest.mark.parametrize(
    "operations",
    [
        rows(100),
        rows(1, text="x" * 32_768),
        rows(1, **wide(1024 * 1024)),
        rows(1, **{f"p{number}": 1 for number in range(200)}),
        rows(4, **IDEOGRAPHS),
        [Insert("k" * 400, {"n" * 255: 1})],
        [Insert(ALPHABET, {"_": "", "Az_09": ""})],
    ],
    ids=["rows", "property", "row", "properties", "commit", "names", "alphabet"],
)
async def test_a_commit_at_the_limit_is_stored(
    storage: Storage, operations: Sequence[Operation]
) -> None:
    """What is just within the limits is taken, and comes back."""
    await storage.commit(P, operations)
    stored = await read_all(storage, P)
    assert {row.key: row.values for row in stored} == {
        operation.key: operation.values
        for operation in operations
        if not isinstance(operation, Delete)
    }


class Text(str):
    """A str that is not str: the services' SDKs refuse it, JSON would take it."""

    __slots__ = ()


@pytest.mark.parametrize(
    ("partition", "operations"),
    [
        (P, rows(101)),
        (P, rows(1, text="x" * 32_769)),
        (P, rows(1, text=EMOJI * 16_384 + "x")),
        (P, rows(1, **wide(1024 * 1024 + 2))),
        (P, rows(1, **{f"p{number}": 1 for number in range(201)})),
        (P, rows(5, **IDEOGRAPHS)),
        (P, [Put("a", {}), Insert("b", {}), Delete("a", None)]),
        (P, rows(1, n=2**63)),
        (P, rows(1, n=-(2**63) - 1)),
        (P, rows(1, n=True)),
        (P, rows(1, n=1.5)),  # type: ignore[arg-type] # the point: types are not checked at run time
        (P, rows(1, n=None)),  # type: ignore[arg-type] # as above
        (P, rows(1, n=Text("x"))),
        (P, rows(1, n="\ud83d")),
        (P, [Insert("a", {"with-hyphen": 1})]),
        (P, [Insert("a", {"": 1})]),
        (P, [Insert("a", {"n" * 256: 1})]),
        (P, [Insert("a", {"RowKey": "b"})]),
        (P, [Insert("a", {"Timestamp": "b"})]),
        (P, [Insert("", {})]),
        (P, [Insert("k" * 401, {})]),
        ("p" * 401, [Insert("k", {})]),
        *[(P, [Insert(f"a{one}", {})]) for one in "/\\#?%+ '\"\0\t\n\x7fü\ud800"],
        *[(f"p{one}", [Insert("k", {})]) for one in "/\\#?%+ '\0ü"],
        (P, [Delete("a/b", None)]),
    ],
)
async def test_a_commit_beyond_a_limit_is_refused_whole(
    storage: Storage, partition: str, operations: Sequence[Operation]
) -> None:
    """What some engine could not store is refused by every engine, before anything is stored."""
    with pytest.raises(LimitExceeded):
        await storage.commit(partition, [*operations, Insert("other", {})][-101:])
    assert await keys(storage) == []


@pytest.mark.parametrize(
    ("first", "last", "limit"),
    [("a", "b", 0), ("a", "b", 1001), ("ü", "b", 1), ("a", "b\0", 1), ("a", "b" * 402, 1)],
)
async def test_a_scan_beyond_a_limit_is_refused(
    storage: Storage, first: str, last: str, limit: int
) -> None:
    """A page is 1 to 1000 rows, and bounds are printable ASCII."""
    with pytest.raises(LimitExceeded):
        await storage.scan(P, first, last, limit)


async def test_a_page_has_up_to_a_thousand_rows(storage: Storage) -> None:
    """A scan of more rows than one page takes goes on behind it."""
    written = [f"k{number:04}" for number in range(1001)]
    for start in range(0, len(written), 100):
        await insert(storage, *written[start : start + 100])
    page = await storage.scan(P, "k", "l")
    assert 0 < len(page.rows) <= 1000
    assert page.after is not None
    assert await keys(storage) == written


async def test_concurrent_writers_lose_nothing(storage: Storage) -> None:
    """Eight writers that each add 1 ten times to one row, by its etag, reach 80."""
    await storage.commit(P, [Insert("counter", {"count": 0})])
    await asyncio.gather(*[add(storage, P, f"w{number}", 10) for number in range(8)])
    assert (await read(storage, P, "counter")).values == {"count": 80}
    marks = await read_all(storage, P, first="mark-", last="mark~")
    assert sorted(int(row.values["seen"]) for row in marks) == list(range(80))


async def test_concurrent_inserts_have_one_winner(storage: Storage) -> None:
    """Of many commits that insert the same row at once exactly one succeeds, as a whole."""
    outcomes = await asyncio.gather(
        *[
            storage.commit(P, [Insert(f"own-{number}", {}), Insert("shared", {"by": number})])
            for number in range(12)
        ],
        return_exceptions=True,
    )
    winners = [number for number, outcome in enumerate(outcomes) if outcome is None]
    assert len(winners) == 1
    assert {type(outcome) for outcome in outcomes} == {type(None), Conflict}
    assert await keys(storage) == [f"own-{winners[0]}", "shared"]
    assert (await read(storage, P, "shared")).values == {"by": winners[0]}


async def test_two_processes_lose_nothing(store: Store, storage: Storage) -> None:
    """Two processes that each add 1 a hundred times reach 200, and every commit is whole."""
    await storage.commit(P, [Insert("counter", {"count": 0})])

    async def race(name: str) -> int | None:
        task = {"store": asdict(store), "partition": P, "name": name, "times": 100}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.storage.racing_writer"),
            stdin=asyncio.subprocess.PIPE,
            cwd=ROOT,
        )
        await process.communicate(json.dumps(task).encode())
        return process.returncode

    assert [*await asyncio.gather(race("p1"), race("p2"))] == [0, 0]
    assert (await read(storage, P, "counter")).values == {"count": 200}
    marks = await read_all(storage, P, first="mark-", last="mark~")
    assert sorted(int(row.values["seen"]) for row in marks) == list(range(200))
