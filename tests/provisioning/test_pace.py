"""The pace of long changes: the storage has room left for calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from scim.provisioning import rows
from scim.provisioning.changes.pace import MADE_UP, ROWS_PER_SECOND, Pace
from scim.provisioning.ports import Operation
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import running


async def test_the_pace_is_kept_and_halved() -> None:
    """Rows are spread over time; after a refusal they are half as many in a second."""
    loop = asyncio.get_running_loop()

    async def waited(pace: Pace) -> float:
        begun = loop.time()
        await pace.wait()
        return loop.time() - begun

    pace = Pace()
    pace.take(150)
    assert await waited(pace) >= 0.04
    pace.halve()
    pace.take(50)
    assert await waited(pace) >= 0.09


class Timed(SqliteStorage):
    """Notes when how many rows of jobs were written."""

    def __init__(self) -> None:
        super().__init__(":memory:")
        self.written: list[tuple[float, int]] = []

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Note the time, and commit."""
        if any(each.key.startswith(rows.job()) for each in operations):
            self.written.append((asyncio.get_running_loop().time(), len(operations)))
        await super().commit(partition, operations)


async def test_a_job_keeps_the_pace(tmp_path: Path) -> None:
    """No stretch of a long change writes more rows than its time allows."""
    storage = Timed()
    async with running(tmp_path, storage) as endpoint:
        directory = await endpoint.directory("demo")
        users = [(await directory.create_user())["id"] for _ in range(80)]
        await directory.create_group("All", users)
    _, *batches = storage.written  # the first commit is the call's own
    spent = batches[-1][0] - batches[0][0]
    total = sum(count for _, count in batches[:-1])  # the last one waited for all before it
    assert total > 200
    assert total <= ROWS_PER_SECOND * (spent + MADE_UP)
