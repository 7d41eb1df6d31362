"""A storage that counts: calls of the port, the rows they write and the rows they read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scim.provisioning.ports import SCAN_ROWS, Operation, Page, Row, Storage


@dataclass
class Counted:
    """Passes every call on."""

    inner: Storage
    round_trips: int = 0
    written: int = 0
    read: int = 0

    async def get(self, partition: str, key: str) -> Row | None:
        """See `Storage.get`."""
        self.round_trips += 1
        row = await self.inner.get(partition, key)
        self.read += row is not None
        return row

    async def scan(
        self,
        partition: str,
        first: str,
        last: str,
        limit: int = SCAN_ROWS,
        after: str | None = None,
    ) -> Page:
        """See `Storage.scan`."""
        self.round_trips += 1
        page = await self.inner.scan(partition, first, last, limit, after)
        self.read += len(page.rows)
        return page

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `Storage.commit`."""
        self.round_trips += 1
        self.written += len(operations)
        await self.inner.commit(partition, operations)

    async def close(self) -> None:
        """See `Storage.close`."""
        await self.inner.close()
