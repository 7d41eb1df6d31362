"""Reading a whole range, page by page."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

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


async def all_rows(storage: Storage, partition: str, first: str, last: str) -> Sequence[Row]:
    """Return all rows of a range that is known to be short."""
    found = await storage.scan(partition, first, last)
    known = found.rows
    while found.after is not None:
        found = await storage.scan(partition, first, last, after=found.after)
        known = [*known, *found.rows]
    return known


async def first_rows(
    storage: Storage, partition: str, first: str, last: str, most: int
) -> list[Row]:
    """Return the first `most` rows of the range."""
    known: list[Row] = []
    after: str | None = None
    while True:
        page = min(most - len(known), SCAN_ROWS)
        found = await storage.scan(partition, first, last, limit=page, after=after)
        known += found.rows
        after = found.after
        if after is None or len(known) == most:
            return known
