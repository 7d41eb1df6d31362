"""Totals of a directory, and what was done on each day: folded from the log, exact.

No row has to be touched by every commit. What is folded stays when the log goes.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds, moment
from scim.provisioning.log.entries import Outcome
from scim.provisioning.ports import Conflict, Insert, Operation, Put, Replace, Row, Storage
from scim.provisioning.scans import scan_rows

# A commit lands at most 30 s after its reads; older log rows are all there.
SETTLED: Final = timedelta(minutes=2)
LONG_TAIL: Final = 200  # log rows that a reader may add up before it folds them
_FAILED: Final = "failed"
_RESOURCES: Final = ("User", "Group")
_TRIES: Final = 3  # of a reader whom somebody else's folding overtakes


@dataclass(frozen=True, slots=True)
class History:
    """Totals as of now, and what was done on each of the last days, by counter.

    What was done is counted by type and operation, such as `User.create`; what was refused or
    failed as `failed`.
    """

    totals: Mapping[str, int]
    days: Mapping[date, Mapping[str, int]]


async def read(storage: Storage, partition: str, now: datetime) -> Mapping[str, int]:
    """Return the totals as of now: what is folded, and the newer log rows added up."""
    folded = await storage.get(partition, rows.TOTALS)
    totals, until = _unpack(folded)
    tail = await _tail(storage, partition, rows.LOG, until)
    if tail.length > LONG_TAIL:
        await fold(storage, partition, now)
    return totals + tail.total


async def history(storage: Storage, partition: str, since: date) -> History:
    """Return the totals as of now, and the days since then."""
    for _ in range(_TRIES):
        folded = await storage.get(partition, rows.TOTALS)
        totals, until = _unpack(folded)
        tail, days = await asyncio.gather(
            _tail(storage, partition, rows.LOG, until), _days(storage, partition, since)
        )
        after = await storage.get(partition, rows.TOTALS)
        if (after and after.etag) == (folded and folded.etag):
            break
    for day, counted in tail.days.items():
        days[day] = days.get(day, _Sum()) + counted
    return History(totals + tail.total, days)


async def fold(storage: Storage, partition: str, now: datetime) -> None:
    """Move the settled part of the log's tail into the totals row; harmless if run twice."""
    folded = await storage.get(partition, rows.TOTALS)
    totals, until = _unpack(folded)
    boundary = rows.log(milliseconds(now - SETTLED))
    tail = await _tail(storage, partition, boundary, until)
    if not tail.length:
        return
    values = rows.pack(dict(totals + tail.total), until=boundary)
    own: Operation
    own = Replace(rows.TOTALS, values, folded.etag) if folded else Insert(rows.TOTALS, values)
    known = await _days(storage, partition, min(tail.days)) if tail.days else {}
    days = {day: known.get(day, _Sum()) + counted for day, counted in tail.days.items()}
    try:
        # Whoever folds replaces the totals: they guard the days.
        await storage.commit(
            partition,
            [own, *(Put(rows.day(day), rows.pack(dict(counted))) for day, counted in days.items())],
        )
    except Conflict:
        return  # another process has just done it


def folded_until(row: Row | None) -> str:
    """Return the log key from which on everything is folded."""
    return _unpack(row)[1]


class _Sum(Counter[str]):
    """Counters that keep zero and negative values when added."""

    def __add__(self, other: Counter[str]) -> _Sum:  # type: ignore[override]  # Counter drops <= 0
        return _Sum({key: self[key] + other[key] for key in {*self, *other}})


@dataclass(slots=True)
class _Tail:
    """The sum of some log rows: in all, by day, and how many they are."""

    total: _Sum = field(default_factory=_Sum)
    days: dict[date, _Sum] = field(default_factory=dict)
    length: int = 0


def _unpack(row: Row | None) -> tuple[_Sum, str]:
    if row is None:
        return _Sum(), rows.LOG + rows.END
    return _Sum(rows.unpack(row.values)), str(row.values["until"])


async def _tail(storage: Storage, partition: str, first: str, last: str) -> _Tail:
    tail = _Tail()
    async for row in scan_rows(storage, partition, first, last):
        # As it was written, not validated: there may be thousands in one answer.
        entry: Mapping[str, Any] = rows.unpack(row.values)
        done = _done(entry)
        for name, number in (done | entry.get("adds", {})).items():
            tail.total[name] += number
        if done:
            day = moment(rows.logged_at(row.key)).date()
            tail.days.setdefault(day, _Sum()).update(done)
        tail.length += 1
    return tail


def _done(entry: Mapping[str, Any]) -> dict[str, int]:
    """Return what a `LogEntry` counts as done; of a long change its first commit alone."""
    if entry.get("outcome", Outcome.SUCCESS) != Outcome.SUCCESS:
        return {_FAILED: entry.get("adds", {}).get(_FAILED, 1)}
    kind = entry["target"]["type"]
    if entry.get("part") or kind not in _RESOURCES:
        return {}
    return {f"{kind}.{did}": 1 for did in entry["operations"]}


async def _days(storage: Storage, partition: str, since: date) -> dict[date, _Sum]:
    found = scan_rows(storage, partition, rows.day(since), rows.DAYS + rows.END)
    return {rows.of_day(row.key): _Sum(rows.unpack(row.values)) async for row in found}
