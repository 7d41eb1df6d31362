"""The status of a directory: how many it holds, what was done, and whether its provider is well."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, Literal

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.identifiers import moment
from scim.provisioning.log.contacts import ContactBook, Contacts
from scim.provisioning.log.entries import ACCESS, LogEntry, Outcome
from scim.provisioning.ports import Storage
from scim.provisioning.scans import first_rows

Health = Literal["healthy", "silent", "failing"]

DAYS: Final = (1, 7, 30)  # windows, with today as their last day (UTC)
RECENT: Final = 20  # entries of the last day; if most of them failed, the provider fails
FEW: Final = 3  # failures that say nothing yet


@dataclass(frozen=True, slots=True)
class Status:
    """`done` by days back: of each window in `DAYS`, and of all time under 0; see `History`."""

    totals: Mapping[str, int]
    done: Mapping[int, Mapping[str, int]]
    contacts: Contacts
    health: Health


async def read_status(storage: Storage, book: ContactBook, directory: str, now: datetime) -> Status:
    """Return the status as of now; of contacts with other processes, as of some minutes ago."""
    partition = rows.partition(directory)
    today = now.date()
    history, contacts, recent = await asyncio.gather(
        totals.history(storage, partition, today - timedelta(days=max(DAYS) - 1)),
        book.read(directory),
        first_rows(storage, partition, rows.LOG, rows.LOG + rows.END, RECENT),
    )
    entries = [
        LogEntry.model_validate(rows.unpack(row.values))
        for row in recent
        if now - moment(rows.logged_at(row.key)) < timedelta(days=1)
    ]
    # What applications ask says nothing of the provider.
    entries = [each for each in entries if each.target.type != ACCESS]
    done = {days: _since(history.days, today - timedelta(days=days - 1)) for days in DAYS}
    failed = sum(each.outcome is not Outcome.SUCCESS for each in entries)
    failing = (failed >= FEW and failed > len(entries) / 2) or _is_locked_out(contacts)
    silent = contacts.last is None or contacts.is_silent(now)
    health: Health = "failing" if failing else "silent" if silent else "healthy"
    return Status(history.totals, {**done, 0: history.totals}, contacts, health)


def _is_locked_out(contacts: Contacts) -> bool:
    """Whether a provider that was in touch has been refused since."""
    if contacts.last is None or contacts.last_refused is None:
        return False
    usual = contacts.interval or timedelta(hours=1)
    return contacts.last_refused - contacts.last > usual


def _since(days: Mapping[date, Mapping[str, int]], first: date) -> Mapping[str, int]:
    total: Counter[str] = Counter()
    for day, counted in days.items():
        if day >= first:
            total.update(counted)
    return total
