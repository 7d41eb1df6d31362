"""Contacts of identity providers: when, how often, and what their requests needed.

Noted in memory and written now and then, so they are coarse: a process that is killed has lost
some minutes. Calls that were not let in are counted here and sampled, never kept one by one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from scim.provisioning import rows
from scim.provisioning.identifiers import is_directory_id
from scim.provisioning.ports import Conflict, Insert, Operation, Replace, Storage, Unavailable

WRITTEN_EVERY: Final = timedelta(minutes=5)  # at most, for one directory and process
WRITTEN_AFTER: Final = 60.0  # seconds from a contact; a process that falls asleep has written it
CYCLE: Final = timedelta(minutes=10)  # without a contact; what comes then begins a cycle
CYCLES: Final = 12  # whose intervals are remembered
KNOWN: Final = 3  # intervals, from which on there is a rhythm
SILENT: Final = 3  # usual intervals without a contact
REMEMBERED: Final = 1_000  # directories that strangers name
LOOKED_UP: Final = 50  # such directories at once
SAMPLED: Final = 5  # tokens that were refused, of one directory
_TRIES: Final = 3


class Contacts(BaseModel):
    """What is known of the contacts of a directory; `told` is the silence that was told of.

    `intervals` are the seconds between the beginnings of the last cycles. `refused` counts calls
    without a valid credential; `tolerated` calls that a strict directory would have refused.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    first: datetime | None = None
    last: datetime | None = None
    last_change: datetime | None = None
    cycle_began: datetime | None = None
    intervals: tuple[int, ...] = ()
    requests: int = 0
    reads: int = 0
    quirks: Mapping[str, int] = Field(default_factory=dict)
    tolerated: int = 0
    refused: int = 0
    last_refused: datetime | None = None
    told: datetime | None = None

    @property
    def interval(self) -> timedelta | None:
        """Return the usual time between cycles; None while there is no rhythm yet."""
        if len(self.intervals) < KNOWN:
            return None
        return timedelta(seconds=median(self.intervals))

    def is_silent(self, now: datetime) -> bool:
        """Whether the identity provider stays away longer than it should."""
        if self.last is None or self.interval is None:
            return False
        return now - self.last > SILENT * self.interval


@dataclass(slots=True)
class _Noted:
    """Contacts of one directory that are not written yet."""

    first: datetime | None = None
    last: datetime | None = None
    last_change: datetime | None = None
    requests: int = 0
    reads: int = 0
    quirks: Counter[str] = field(default_factory=Counter)
    tolerated: int = 0


@dataclass(slots=True)
class Refusal:
    """Why calls were not let in, what the last of them was told, and how many they were."""

    cause: str
    status: int
    detail: str
    last: datetime
    count: int = 0


@dataclass(slots=True)
class Refused:
    """Calls on a directory that were not let in; `tokens` are some ids that they showed.

    A call that failed because of us proved nothing about its credential.
    """

    directory: str
    refusals: dict[str, Refusal] = field(default_factory=dict)
    tokens: set[str] = field(default_factory=set)

    @property
    def count(self) -> int:
        """Return how many came without a valid credential."""
        return sum(each.count for each in self._invalid)

    @property
    def last(self) -> datetime | None:
        """Return when the last of them came."""
        return max((each.last for each in self._invalid), default=None)

    @property
    def _invalid(self) -> list[Refusal]:
        return [each for each in self.refusals.values() if each.status < 500]


class ContactBook:
    """Notes the contacts of all directories; `tell` hears of refusals once they are written."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime],
        tell: Callable[[Refused], Awaitable[None]],
    ) -> None:
        self._storage = storage
        self._now = now
        self._tell = tell
        self._noted: dict[str, _Noted] = {}
        # Apart: a flood of names that nobody has pushes out its like alone.
        self._refused: OrderedDict[str, Refused] = OrderedDict()
        self._written: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None
        self._planned: asyncio.TimerHandle | None = None

    def note(self, directory: str, quirks: Sequence[str], *, read: bool, changed: bool) -> None:
        """Note a request with a valid credential: a read that succeeded, or a change that did."""
        now, noted = self._now(), self._noted.get(directory)
        if noted is None:
            noted = self._noted[directory] = _Noted()
        noted.first = noted.first or now
        noted.last = now
        noted.last_change = now if changed else noted.last_change
        noted.requests += 1
        noted.reads += read
        if quirks:
            noted.quirks.update(quirks)
            noted.tolerated += 1
        self._plan()

    def note_refused(
        self, directory: str, cause: str, status: int, detail: str, token_id: str | None = None
    ) -> None:
        """Note a request that was not let in; anybody can name any directory."""
        if not is_directory_id(directory):
            return
        refused = self._refused.setdefault(directory, Refused(directory))
        if len(self._refused) > REMEMBERED:
            self._refused.popitem(last=False)
        before = refused.refusals.get(cause)
        count = before.count + 1 if before else 1
        refused.refusals[cause] = Refusal(cause, status, detail, self._now(), count)
        if token_id and len(refused.tokens) < SAMPLED:
            refused.tokens.add(token_id)
        self._plan()

    async def read(self, directory: str) -> Contacts:
        """Return the contacts of a directory: those stored, and those of this process since."""
        stored, _ = await read_contacts(self._storage, rows.partition(directory))
        noted = self._noted.get(directory, _Noted())
        return _merged(stored, noted, self._refused.get(directory))

    async def write(self) -> None:
        """Write what was noted, but of no directory more often than in five minutes."""
        now = self._now()
        self._written = {k: at for k, at in self._written.items() if now - at < WRITTEN_EVERY}
        known = [each for each in self._noted if each not in self._written]
        named = [each for each in self._refused if each not in {*self._written, *known}]
        try:
            for directory in known:
                await self._write(directory, now)
            for directory in named[:LOOKED_UP]:
                if await self._storage.get(rows.INSTALLATION, rows.directory(directory)):
                    await self._write(directory, now)
                else:
                    del self._refused[directory]
        except Unavailable:
            return  # the next run writes what is left

    def _plan(self) -> None:
        if self._planned is None:
            self._planned = asyncio.get_running_loop().call_later(WRITTEN_AFTER, self._begin)

    def _begin(self) -> None:
        self._planned = None
        self._writing = asyncio.get_running_loop().create_task(self.write())

    async def _write(self, directory: str, now: datetime) -> None:
        noted = self._noted.pop(directory, _Noted())
        refused = self._refused.pop(directory, None)
        try:
            await self._merge(rows.partition(directory), noted, refused)
        except Unavailable:
            # Back to where they were; what came meanwhile is lost.
            self._noted[directory] = noted
            if refused:
                self._refused[directory] = refused
            raise
        self._written[directory] = now
        if refused:
            await self._tell(refused)

    async def _merge(self, partition: str, noted: _Noted, refused: Refused | None) -> None:
        for _ in range(_TRIES):
            before, etag = await read_contacts(self._storage, partition)
            after = _merged(before, noted, refused)
            try:
                await self._storage.commit(partition, [_row(after, etag)])
            except Conflict:
                continue  # another process has just written its own
            return
        raise Unavailable("many processes write contacts at once")


async def read_contacts(storage: Storage, partition: str) -> tuple[Contacts, str]:
    """Return the contacts of a directory as they are stored, and the etag; empty if none are."""
    row = await storage.get(partition, rows.CONTACTS)
    if row is None:
        return Contacts(), ""
    return Contacts.model_validate(rows.unpack(row.values)), row.etag


async def note_told(storage: Storage, partition: str, contacts: Contacts, etag: str) -> bool:
    """Store that the present silence was told of; False if somebody else changed the contacts."""
    try:
        told = contacts.model_copy(update={"told": contacts.last})
        await storage.commit(partition, [_row(told, etag)])
    except Conflict:
        return False
    return True


def _row(contacts: Contacts, etag: str) -> Operation:
    values = rows.pack(contacts.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    if etag:
        return Replace(rows.CONTACTS, values, etag)
    return Insert(rows.CONTACTS, values)


def _merged(before: Contacts, noted: _Noted, refused: Refused | None) -> Contacts:
    return before.model_copy(
        update={
            "first": before.first or noted.first,
            "last": _latest(before.last, noted.last),
            "last_change": _latest(before.last_change, noted.last_change),
            **_cycles(before, noted),
            "requests": before.requests + noted.requests,
            "reads": before.reads + noted.reads,
            "quirks": dict(Counter(before.quirks) + noted.quirks),
            "tolerated": before.tolerated + noted.tolerated,
            "refused": before.refused + (refused.count if refused else 0),
            "last_refused": _latest(before.last_refused, refused.last if refused else None),
        }
    )


def _cycles(before: Contacts, noted: _Noted) -> dict[str, object]:
    if noted.first is None:
        return {}
    if before.last is None or before.cycle_began is None:
        return {"cycle_began": noted.first}
    if noted.first - before.last < CYCLE:
        return {}
    interval = int((noted.first - before.cycle_began).total_seconds())
    return {"cycle_began": noted.first, "intervals": (*before.intervals, interval)[-CYCLES:]}


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(filter(None, (one, other)), default=None)
