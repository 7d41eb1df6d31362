"""A storage that fails on purpose, at one chosen call: killed, refused, or answered too late."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto

from scim.provisioning.ports import Conflict, Operation, Page, Row, Storage, Unavailable


class Fault(Enum):
    """What happens at the chosen call."""

    DIES_BEFORE = auto()  # the process is killed before the call takes effect
    DIES_AFTER = auto()  # the call takes effect, then the process is killed
    REFUSED = auto()  # the service is throttled: nothing took effect
    UNANSWERED = auto()  # the call took effect, its answer was lost
    LATE = auto()  # a timeout; the commit takes effect after the next call
    OVERTAKEN = auto()  # another process commits a change before the call takes effect
    CUT = auto()  # a page ends after its first row, and another process commits before the next
    FROZEN = auto()  # the process sleeps for an hour before the call; the timer runs elsewhere


class Killed(Exception):
    """The process does not exist any more."""


@dataclass
class Faulty:
    """Passes calls on and counts them; `at` is the number of the call that fails, from 1."""

    inner: Storage
    fault: Fault | None = None
    at: int = 0
    calls: int = 0
    happened: bool = False
    dead: bool = False
    overtaken: bool = False
    meanwhile: Callable[[Fault], Awaitable[None]] | None = None
    late: list[tuple[str, Sequence[Operation]]] = field(default_factory=list)

    async def get(self, partition: str, key: str) -> Row | None:
        await self._before(commit=False)
        row = await self.inner.get(partition, key)
        await self._after()
        return row

    async def scan(
        self, partition: str, first: str, last: str, limit: int = 1000, after: str | None = None
    ) -> Page:
        await self._before(commit=False)
        if self._now and self.fault is Fault.CUT:
            page = await self.inner.scan(partition, first, last, 1, after)
            await self._meanwhile()
            return page
        page = await self.inner.scan(partition, first, last, limit, after)
        await self._after()
        return page

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        if await self._before(commit=True):
            self.late.append((partition, operations))
            raise Unavailable("a timeout")
        await self.inner.commit(partition, operations)
        await self._after()

    async def close(self) -> None:
        """Leave the inner storage open: it survives the process."""

    async def land(self) -> None:
        """Let commits that were on their way take effect, if they still can."""
        for partition, operations in self.late:
            try:
                await self.inner.commit(partition, operations)
            except Conflict:
                continue
        self.late.clear()

    @property
    def _now(self) -> bool:
        return self.fault is not None and self.calls == self.at

    async def _before(self, *, commit: bool) -> bool:
        """Return whether the commit has to be kept back."""
        if self.dead:
            raise Killed
        self.calls += 1
        if not self._now:
            return False
        self.happened = True
        if self.fault is Fault.DIES_BEFORE:
            self.dead = True
            raise Killed
        if self.fault is Fault.REFUSED:
            raise Unavailable("throttled")
        if self.fault in (Fault.OVERTAKEN, Fault.FROZEN):
            await self._meanwhile()
        return self.fault is Fault.LATE and commit

    async def _meanwhile(self) -> None:
        assert self.fault is not None
        self.overtaken = self.fault is not Fault.FROZEN
        if self.meanwhile is not None:
            await self.meanwhile(self.fault)

    async def _after(self) -> None:
        # What was late takes effect behind the call that came after it.
        await self.land()
        if not self._now:
            return
        if self.fault is Fault.DIES_AFTER:
            self.dead = True
            raise Killed
        if self.fault is Fault.UNANSWERED:
            raise Unavailable("no answer")


@dataclass
class Shared:
    """The same storage as another process sees it."""

    inner: Storage

    async def get(self, partition: str, key: str) -> Row | None:
        return await self.inner.get(partition, key)

    async def scan(
        self, partition: str, first: str, last: str, limit: int = 1000, after: str | None = None
    ) -> Page:
        return await self.inner.scan(partition, first, last, limit, after)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        await self.inner.commit(partition, operations)

    async def close(self) -> None:
        """Leave the inner storage open: it survives the process."""
