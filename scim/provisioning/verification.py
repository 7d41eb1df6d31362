"""Verifying tokens: constant-time, from a bounded cache, through an outage of the vault."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from scim.provisioning.ports import Unavailable, Vault
from scim.provisioning.tokens import Scope, secret_name, token_digest, token_id

FRESH: Final = timedelta(seconds=60)  # a revoked token is refused everywhere after this
FRESH_UNKNOWN: Final = timedelta(seconds=10)
OUTAGE: Final = timedelta(minutes=15)  # a token verified before goes on this long without a vault
REMEMBERED: Final = 5000  # tokens; with ids that do not exist, so that a flood cannot grow it
STRANGERS_PER_SECOND: Final = 20  # look-ups of ids that this process has not verified before


@dataclass(frozen=True, slots=True)
class Verified:
    """A token that is valid now."""

    id: str
    directory: str
    scope: Scope


@dataclass(slots=True)
class _Known:
    """What the vault last said of an id; `digest` None when it knew no valid secret."""

    fetched_at: datetime
    digest: str | None = field(default=None, repr=False)
    token: Verified | None = None
    expires_at: datetime | None = None
    verified: bool = False


class Verifier:
    """Answers whether a token is valid; asks the vault once per token and minute at most."""

    def __init__(self, vault: Vault, now: Callable[[], datetime]) -> None:
        self._vault = vault
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._fetching: dict[str, asyncio.Task[_Known]] = {}
        self._strangers: tuple[int, int] = (0, 0)  # the current second, look-ups in it

    async def verify(self, value: str) -> Verified | None:
        """Return the token, or None when it is worth nothing.

        Raises Unavailable when the vault does not answer, or the limit on look-ups is reached,
        and this process has not verified the token within the last minutes.
        """
        identifier = token_id(value)
        if identifier is None:
            return None
        known = await self._current(identifier)
        if known.digest is None or not compare_digest(known.digest, token_digest(value)):
            return None
        # The second of expiry is too late.
        if known.expires_at is not None and self._now() >= known.expires_at:
            return None
        known.verified = True
        return known.token

    async def _current(self, identifier: str) -> _Known:
        known = self._known.get(identifier)
        if known is not None:
            self._known.move_to_end(identifier)
            age = self._now() - known.fetched_at
            if age < (FRESH if known.digest is not None else FRESH_UNKNOWN):
                return known
        try:
            return await self._fetch(identifier, stranger=known is None or not known.verified)
        except Unavailable:
            if known is not None and known.verified and self._now() - known.fetched_at < OUTAGE:
                return known
            raise

    async def _fetch(self, identifier: str, *, stranger: bool) -> _Known:
        """Ask the vault, once for all who wait for the same id."""
        task = self._fetching.get(identifier)
        if task is None:
            if stranger:
                self._count_stranger()
            task = asyncio.create_task(self._ask(identifier))
            self._fetching[identifier] = task
            task.add_done_callback(lambda _: self._fetching.pop(identifier, None))
        return await asyncio.shield(task)

    def _count_stranger(self) -> None:
        second = int(self._now().timestamp())
        last, lookups = self._strangers
        lookups = lookups + 1 if last == second else 1
        if lookups > STRANGERS_PER_SECOND:
            raise Unavailable("too many unknown tokens at once", retry_after=1)
        self._strangers = (second, lookups)

    async def _ask(self, identifier: str) -> _Known:
        asked_at = self._now()
        secret = await self._vault.get(secret_name(identifier))
        known = _Known(asked_at)
        if secret is not None:
            tags = secret.properties.tags
            known.digest = secret.value
            known.expires_at = secret.properties.expires_at
            known.token = Verified(identifier, tags["directory"], Scope(tags["scope"]))
        before = self._known.get(identifier)
        known.verified = before is not None and before.verified and known.digest == before.digest
        self._known[identifier] = known
        self._known.move_to_end(identifier)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return known
