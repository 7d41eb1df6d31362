"""Totals of a directory: folded from the log, exact, with no row that every commit must touch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.ports import Conflict, Insert, Replace, Row, Storage
from scim.provisioning.scans import scan_rows

# A commit lands at most 30 s after its reads; older log rows are all there.
SETTLED: Final = timedelta(minutes=2)
LONG_TAIL: Final = 200  # log rows that a reader may add up before it folds them


async def read(storage: Storage, partition: str, now: datetime) -> Mapping[str, int]:
    """Return the totals as of now: what is folded, and the newer log rows added up."""
    folded = await storage.get(partition, rows.TOTALS)
    totals, until = _unpack(folded)
    tail, length = await _sum(storage, partition, rows.LOG, until)
    if length > LONG_TAIL:
        await fold(storage, partition, now)
    return totals + tail


async def fold(storage: Storage, partition: str, now: datetime) -> None:
    """Move the settled part of the log's tail into the totals row; harmless if run twice."""
    folded = await storage.get(partition, rows.TOTALS)
    totals, until = _unpack(folded)
    boundary = rows.log(milliseconds(now - SETTLED))
    tail, length = await _sum(storage, partition, boundary, until)
    if not length:
        return
    values = rows.pack(dict(totals + tail), until=boundary)
    try:
        await storage.commit(
            partition,
            [Replace(rows.TOTALS, values, folded.etag) if folded else Insert(rows.TOTALS, values)],
        )
    except Conflict:
        return  # another process has just done it


class _Sum(Counter[str]):
    """Counters that keep zero and negative values when added."""

    def __add__(self, other: Counter[str]) -> _Sum:  # type: ignore[override]  # Counter drops <= 0
        return _Sum({key: self[key] + other[key] for key in {*self, *other}})


def _unpack(row: Row | None) -> tuple[_Sum, str]:
    if row is None:
        return _Sum(), rows.LOG + rows.END
    return _Sum(rows.unpack(row.values)), str(row.values["until"])


async def _sum(storage: Storage, partition: str, first: str, last: str) -> tuple[_Sum, int]:
    total, length = _Sum(), 0
    async for row in scan_rows(storage, partition, first, last):
        for name, number in rows.unpack(row.values).get("adds", {}).items():
            total[name] += number
        length += 1
    return total, length
