"""When tokens were last used: noted in memory, written now and then, never for every call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.ports import COMMIT_ROWS, Put, Storage, Unavailable
from scim.provisioning.tokens.stored import Use

WRITTEN_EVERY: Final = timedelta(minutes=5)  # at most, for one token and process
WRITTEN_AFTER: Final = 60.0  # seconds from a use; a process that falls asleep has written it
REMEMBERED: Final = 1000  # tokens; more than an installation has
AGENT_LENGTH: Final = 120

_Key = tuple[str, str]  # directory, token


class TokenUsage:
    """Notes uses of tokens, and writes those that are new in a single commit."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._noted: dict[_Key, Use] = {}
        self._written: dict[_Key, datetime] = {}
        self._writing: asyncio.Task[None] | None = None
        self._planned: asyncio.TimerHandle | None = None

    def note(self, directory: str, token_id: str, address: str, user_agent: str) -> None:
        """Note that a token was used now; it is written soon, by a call or the timer."""
        key = (directory, token_id)
        if key not in self._noted and len(self._noted) >= REMEMBERED:
            return
        # To the minute: whoever reads a listing needs no more.
        minute = self._now().replace(second=0, microsecond=0)
        agent = user_agent[:AGENT_LENGTH]
        noted = self._noted.get(key)
        if noted and (noted.time, noted.address, noted.user_agent) == (minute, address, agent):
            return
        self._noted[key] = Use(time=minute, address=address, user_agent=agent)
        if self._planned is None:
            self._planned = asyncio.get_running_loop().call_later(WRITTEN_AFTER, self._begin)

    async def write(self) -> None:
        """Write what was noted, but no token more often than in five minutes."""
        now = self._now()
        due = [
            key for key in self._noted if now - self._written.get(key, _LONG_AGO) >= WRITTEN_EVERY
        ][:COMMIT_ROWS]
        if not due:
            return
        uses = {key: self._noted.pop(key) for key in due}
        writes = [
            Put(rows.token_use(*key), rows.pack(use.model_dump(mode="json", by_alias=True)))
            for key, use in uses.items()
        ]
        try:
            await self._storage.commit(rows.INSTALLATION, writes)
        except Unavailable:
            self._noted = {**uses, **self._noted}
            return
        self._written = {k: at for k, at in self._written.items() if now - at < WRITTEN_EVERY}
        self._written.update(dict.fromkeys(due, now))

    def _begin(self) -> None:
        self._planned = None
        self._writing = asyncio.get_running_loop().create_task(self.write())


_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)
