"""A process of its own that adds 1 to a row, as often as asked, beside others that do the same.

Reads one line of JSON on standard input: {"store": …, "partition": …, "name": …, "times": …}.
"""

from __future__ import annotations

import asyncio
import json
import sys

from scim.provisioning.ports import Conflict, Insert, Replace, Storage
from tests.storage.engines import Store, read


async def add(storage: Storage, partition: str, name: str, times: int) -> None:
    """Add 1 `times` times, and leave one row of one's own with each."""
    for number in range(times):
        while True:
            row = await read(storage, partition, "counter")
            count = row.values["count"]
            assert isinstance(count, int)
            try:
                await storage.commit(
                    partition,
                    [
                        Replace("counter", {"count": count + 1}, row.etag),
                        Insert(f"mark-{name}-{number}", {"seen": count}),
                    ],
                )
            except Conflict:
                continue
            break


async def main() -> None:
    """Do what standard input asks for."""
    task = json.loads(sys.stdin.readline())
    storage = Store(**task["store"]).open()
    await add(storage, task["partition"], task["name"], task["times"])
    await storage.close()


if __name__ == "__main__":
    asyncio.run(main())
