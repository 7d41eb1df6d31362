"""Reading a whole range, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator

from scim.provisioning.ports import SCAN_ROWS, Row, Storage


async def scan_rows(
    storage: Storage, partition: str, first: str, last: str, *, page: int = SCAN_ROWS
) -> AsyncIterator[Row]:
    """Yield the rows with first <= key < last; a page is asked for when its rows are needed."""
    after: str | None = None
    while True:
        found = await storage.scan(partition, first, last, limit=page, after=after)
        for row in found.rows:
            yield row
        after = found.after
        if after is None:
            return


async def first_rows(
    storage: Storage, partition: str, first: str, last: str, most: int
) -> list[Row]:
    """Return the first `most` rows of the range."""
    found: list[Row] = []
    async for row in scan_rows(storage, partition, first, last, page=min(most, SCAN_ROWS)):
        found.append(row)
        if len(found) == most:
            break
    return found
