"""A value from elsewhere that is fetched again in time and outlives an outage of its source."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, TypeVar

from scim.provisioning.ports import Unavailable

PATIENCE: Final = 2.0  # seconds that a caller who could have the old value waits for the new one
ASKED_AGAIN: Final = timedelta(seconds=5)  # so seldom is a source asked that did not answer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Held(Generic[T]):
    fetched_at: datetime
    value: T = field(repr=False)


class Refreshed(Generic[T]):
    """Holds the value; whoever waits for the same fetch shares it.

    Older than `fresh` it is fetched again. When that fails, the old one serves until it is as old
    as `outage`, or without end where that is None.
    """

    def __init__(
        self,
        fetch: Callable[[], Awaitable[T]],
        now: Callable[[], datetime],
        *,
        fresh: timedelta,
        outage: timedelta | None,
    ) -> None:
        self._fetch = fetch
        self._now = now
        self._fresh = fresh
        self._outage = outage
        self._held: _Held[T] | None = None
        self._fetching: asyncio.Task[T] | None = None
        self._asked_at = now()
        self._next_asked_at: datetime | None = None  # after a source that did not answer

    async def get(self) -> T:
        """Return the value. Raises Unavailable when there is none that may still serve."""
        held = self._held
        if held is None:
            return await self._asked()
        now = self._now()
        age = now - held.fetched_at
        if age < self._fresh:
            return held.value
        if self._may_ask(now):
            try:
                async with asyncio.timeout(PATIENCE):
                    return await self._asked()
            except (Unavailable, TimeoutError):
                # Nobody else waits for a source that keeps silent.
                self._next_asked_at = now + ASKED_AGAIN
        if self._outage is not None and age >= self._outage:
            raise Unavailable("a source does not answer for too long")
        return held.value

    async def younger_than(self, age: timedelta) -> T:
        """Return a value at most so old, for whoever misses something in it. Raises Unavailable."""
        moment = self._now() - age
        if self._held is not None and self._held.fetched_at > moment:
            return self._held.value
        if self._fetching is not None and self._asked_at <= moment:
            with suppress(Unavailable):  # it may miss the same
                await asyncio.shield(self._fetching)
        return await self._asked()

    async def _asked(self) -> T:
        if self._fetching is None or self._fetching.done():
            now = self._now()
            if not self._may_ask(now):
                raise Unavailable("a source did not answer a moment ago")
            self._asked_at = now
            self._fetching = asyncio.create_task(self._hold(now))
            self._fetching.add_done_callback(_seen)
        return await asyncio.shield(self._fetching)

    def _may_ask(self, now: datetime) -> bool:
        return self._next_asked_at is None or now >= self._next_asked_at

    async def _hold(self, asked_at: datetime) -> T:
        try:
            value = await self._fetch()
        except Unavailable:
            self._next_asked_at = self._now() + ASKED_AGAIN
            raise
        self._held, self._next_asked_at = _Held(asked_at, value), None
        return value


def _seen(task: asyncio.Task[T]) -> None:
    """Look at the outcome, also when nobody waits for it any more."""
    if not task.cancelled():
        task.exception()
