"""The line before each group: one process makes the changes of a group one after the other.

They would only meet as conflicts. Small changes that wait are handed over together, to share one
commit; any other change is made alone.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar
from weakref import WeakValueDictionary

from scim.provisioning.ports import Unavailable

WAIT: Final = 30.0  # seconds in line, as long as for an open job of the group

Change = TypeVar("Change")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, eq=False)
class Turn(Generic[Change, Result]):
    """A small change in line; `done` brings its result or its refusal."""

    change: Change
    done: asyncio.Future[Result]


@dataclass(eq=False)
class _Line(Generic[Change, Result]):
    """Whoever holds `head` makes changes; `waiting` are small changes that nobody has begun."""

    head: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: deque[Turn[Change, Result]] = field(default_factory=deque)


class GroupQueue(Generic[Change, Result]):
    """The lines of all groups.

    `make` makes changes together and settles their turns; what it raises is the result of those
    left. `fits` tells whether a change can be made together with the ones before it.
    """

    def __init__(
        self,
        make: Callable[[Sequence[Turn[Change, Result]]], Awaitable[None]],
        fits: Callable[[Sequence[Change], Change], bool],
    ) -> None:
        self._make = make
        self._fits = fits
        # A line lasts as long as somebody stands in it.
        self._lines: WeakValueDictionary[str, _Line[Change, Result]] = WeakValueDictionary()

    @asynccontextmanager
    async def alone(self, group: str) -> AsyncIterator[None]:
        """Hold the head of the line. Raises Unavailable when it takes too long to come there."""
        line = self._line(group)
        async with _at_head(line):
            yield

    async def together(self, group: str, change: Change) -> Result:
        """Return the result of a small change. Raises what `make` says, and Unavailable."""
        line = self._line(group)
        turn: Turn[Change, Result] = Turn(change, asyncio.get_running_loop().create_future())
        line.waiting.append(turn)
        try:
            async with _at_head(line):
                if turn in line.waiting:  # else somebody before has made it
                    await self._make_waiting(line)
        except Unavailable:
            if turn in line.waiting:
                raise
        finally:
            if turn in line.waiting:  # given up: nobody may take it for the first of those behind
                line.waiting.remove(turn)
        return await asyncio.shield(turn.done)  # its maker settles it, whoever waits

    def _line(self, group: str) -> _Line[Change, Result]:
        return self._lines.setdefault(group, _Line())

    async def _make_waiting(self, line: _Line[Change, Result]) -> None:
        """Make the first waiting changes: as many as go together."""
        turns = [line.waiting.popleft()]
        while line.waiting and self._fits([each.change for each in turns], line.waiting[0].change):
            turns.append(line.waiting.popleft())
        try:
            await self._make(turns)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear it
            _settle(turns, error)
        finally:
            _settle(turns, Unavailable("the change was given up"))


@asynccontextmanager
async def _at_head(line: _Line[Change, Result]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(WAIT):
            await line.head.acquire()
    except TimeoutError:
        raise Unavailable("too many changes of this group wait", retry_after=30) from None
    try:
        yield
    finally:
        line.head.release()


def _settle(turns: Sequence[Turn[Change, Result]], error: Exception) -> None:
    for turn in turns:
        if not turn.done.done():
            turn.done.set_exception(error)
