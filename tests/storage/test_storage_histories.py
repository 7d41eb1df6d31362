"""Random histories of commits: every engine ends where a plain dictionary ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.provisioning.ports import Conflict, Delete, Insert, Operation, Put, Replace, Row, Storage
from tests.storage.engines import Store, read_all

KEYS = ["a", "a-", "b", "c:d"]
VALUES = st.dictionaries(
    st.sampled_from(["n", "text"]),
    st.integers(-(2**63), 2**63 - 1) | st.text(st.characters(exclude_categories=["Cs"])),
)
# What is done to each row, and whether by the etag that it has or by an older one.
COMMITS = st.dictionaries(
    st.sampled_from(KEYS),
    st.tuples(st.sampled_from([Insert, Replace, Delete, Put]), st.booleans(), VALUES),
    min_size=1,
)
HISTORIES = st.lists(COMMITS, max_size=12)

Step = tuple[type[Operation], bool, Mapping[str, str | int]]


def operation(key: str, step: Step, etag: str) -> Operation:
    """Return the operation of a step."""
    kind, _, values = step
    if kind is Insert:
        return Insert(key, values)
    if kind is Replace:
        return Replace(key, values, etag)
    return Delete(key, etag) if kind is Delete else Put(key, values)


def fits(step: Step, *, there: bool) -> bool:
    """Tell whether the row is as the step demands."""
    kind, current, _ = step
    if kind is Put:
        return True
    return not there if kind is Insert else there and current


async def live_through(storage: Storage, history: Sequence[Mapping[str, Step]]) -> None:
    """Commit a history and compare, after each commit, with a dictionary and the etags seen."""
    partition = f"p-{uuid4()}"
    stored: dict[str, Row] = {}
    old_etags = dict.fromkeys(KEYS, 'W/"none"')
    etags: set[tuple[str, str]] = set()
    for commit in history:
        operations = [
            operation(
                key,
                step,
                stored[key].etag if step[1] and key in stored else old_etags[key],
            )
            for key, step in commit.items()
        ]
        misfits = [key for key, step in commit.items() if not fits(step, there=key in stored)]
        if misfits:
            with pytest.raises(Conflict) as caught:
                await storage.commit(partition, operations)
            assert caught.value.key == misfits[0]
            assert await read_all(storage, partition) == [stored[key] for key in sorted(stored)]
            continue
        await storage.commit(partition, operations)
        expected = {key: row.values for key, row in stored.items() if key not in commit}
        for each in operations:
            if not isinstance(each, Delete):
                expected[each.key] = each.values
        rows = await read_all(storage, partition, limit=2)
        assert [(row.key, row.values) for row in rows] == sorted(expected.items())
        for row in rows:
            written = (row.key, row.etag)
            assert (written not in etags) is (row.key in commit)
            etags.add(written)
        old_etags.update({key: row.etag for key, row in stored.items() if key in commit})
        stored = {row.key: row for row in rows}


@settings(max_examples=100, deadline=None)
@given(history=HISTORIES)
async def test_sqlite_ends_where_a_dictionary_ends(history: list[dict[str, Step]]) -> None:
    """Any history of commits leaves SQLite with the rows of a dictionary, and etags ever new."""
    storage = Store(path=":memory:").open()
    await live_through(storage, history)
    await storage.close()


@settings(
    max_examples=15,
    deadline=None,
    # Every example takes a partition of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=HISTORIES)
async def test_every_engine_ends_where_a_dictionary_ends(
    storage: Storage, history: list[dict[str, Step]]
) -> None:
    """The same, for each engine on a store that lasts."""
    await live_through(storage, history)
