"""One commit whose outcome is always known: at most one of all its attempts lands."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes.recount import note_if_late
from scim.provisioning.identifiers import moment
from scim.provisioning.ports import Conflict, Operation, Storage, Unavailable

# Later than this after its reads no commit is sent: what folds the log relies on it.
FRESH: Final = timedelta(seconds=30)
SENDS: Final = 3  # tries of one commit whose answer was lost
DECISIONS: Final = 8  # reads and decisions of one change under conflicts
_PAUSE: Final = 0.05  # seconds; doubled and jittered


class Commit:
    """The commit of one change. Every attempt inserts the row `log_key`, so one lands at most.

    Used as: read, decide, `attempt`; on False (another change came between) read and decide again.
    """

    def __init__(
        self, storage: Storage, partition: str, log_key: str, now: Callable[[], datetime]
    ) -> None:
        self._storage = storage
        self._partition = partition
        self._log_key = log_key
        self._now = now
        self._begun = moment(rows.logged_at(log_key))
        self._in_doubt = False
        self._decisions = 0

    async def attempt(
        self,
        operations: Sequence[Operation],
        *,
        read_at: datetime,
        taken: Callable[[str], Exception | None] = lambda _: None,
    ) -> bool:
        """Return True when the change is stored, False when it must be decided anew.

        `taken` maps the key of a conflicting row to the error that it means to the client, if it
        means one. Raises that, or Unavailable: then the change may be stored, now or soon, and
        repeating it is safe.
        """
        stored = await self._send(operations, read_at, taken)
        if stored:
            await note_if_late(self._storage, self._partition, self._begun, self._now())
        else:
            await self._before_deciding_anew()
        return stored

    async def _send(
        self,
        operations: Sequence[Operation],
        read_at: datetime,
        taken: Callable[[str], Exception | None],
    ) -> bool:
        for send in range(SENDS):
            if self._now() - read_at > FRESH:
                break
            try:
                await self._storage.commit(self._partition, operations)
            except Conflict as conflict:
                if self._in_doubt and await self._landed():
                    return True
                if refusal := taken(conflict.key):
                    raise refusal from conflict
                return False
            except Unavailable:
                self._in_doubt = True
                if await self._landed():
                    return True
                if send == SENDS - 1:
                    raise
                await _pause(send)
            else:
                return True
        return False

    async def _before_deciding_anew(self) -> None:
        self._decisions += 1
        if self._decisions == DECISIONS:
            raise Unavailable("too many changes to the same resource at once", retry_after=2)
        await _pause(self._decisions)

    async def _landed(self) -> bool:
        return await self._storage.get(self._partition, self._log_key) is not None


async def _pause(doubling: int) -> None:
    # Jitter, so that changes that met once do not meet again; nothing secret about it.
    await asyncio.sleep(_PAUSE * 2 ** min(doubling, 5) * random.random())  # noqa: S311
