"""Verifying tokens: constant-time, from a bounded cache, through an outage of the vault."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from scim.provisioning.ports import Unavailable, Vault
from scim.provisioning.tokens import Scope, secret_name, token_digest, token_id

FRESH: Final = timedelta(seconds=60)  # a revoked token is refused everywhere after this
FRESH_UNKNOWN: Final = timedelta(seconds=10)
OUTAGE: Final = timedelta(minutes=15)  # a token verified before goes on this long without a vault
ASKED_AGAIN: Final = timedelta(seconds=10)  # and so seldom is a vault asked that did not answer
PATIENCE: Final = 2.0  # seconds that a token verified before waits for the vault
REMEMBERED: Final = 5000  # tokens seen valid, and as many others: a flood cannot grow it
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
    next_asked_at: datetime | None = None  # after a vault that did not answer


class Verifier:
    """Answers whether a token is valid; asks the vault once per token and minute at most."""

    def __init__(self, vault: Vault, now: Callable[[], datetime]) -> None:
        self._vault = vault
        self._now = now
        # Those seen valid stand apart: no flood of others pushes them out.
        self._known: dict[bool, OrderedDict[str, _Known]] = {
            True: OrderedDict(),
            False: OrderedDict(),
        }
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
        self._remember(identifier, known)
        return known.token

    async def _current(self, identifier: str) -> _Known:
        known = self._known[True].get(identifier) or self._known[False].get(identifier)
        if known is None or not known.verified:
            if known is not None and self._is_fresh(known):
                return known
            return await asyncio.shield(self._fetch(identifier, stranger=True))
        now = self._now()
        if self._is_fresh(known) or (known.next_asked_at and now < known.next_asked_at):
            return known
        try:
            async with asyncio.timeout(PATIENCE):
                return await asyncio.shield(self._fetch(identifier, stranger=False))
        except (Unavailable, TimeoutError) as error:
            if now - known.fetched_at >= OUTAGE:
                raise Unavailable("the vault does not answer") from error
            known.next_asked_at = min(now + ASKED_AGAIN, known.fetched_at + OUTAGE)
            return known

    def _is_fresh(self, known: _Known) -> bool:
        age = self._now() - known.fetched_at
        return age < (FRESH if known.digest is not None else FRESH_UNKNOWN)

    def _remember(self, identifier: str, known: _Known) -> None:
        self._known[not known.verified].pop(identifier, None)
        cache = self._known[known.verified]
        cache[identifier] = known
        cache.move_to_end(identifier)
        while len(cache) > REMEMBERED:
            cache.popitem(last=False)

    def _fetch(self, identifier: str, *, stranger: bool) -> asyncio.Task[_Known]:
        """Ask the vault, once for all who wait for the same id."""
        task = self._fetching.get(identifier)
        if task is None:
            if stranger:
                self._count_stranger()
            task = asyncio.create_task(self._ask(identifier))
            self._fetching[identifier] = task
            task.add_done_callback(lambda done: self._fetched(identifier, done))
        return task

    def _fetched(self, identifier: str, task: asyncio.Task[_Known]) -> None:
        del self._fetching[identifier]
        if not task.cancelled():
            task.exception()  # seen, also when nobody waits any more

    def _count_stranger(self) -> None:
        second = int(self._now().timestamp())
        last, lookups = self._strangers
        lookups = lookups + 1 if last == second else 1
        if lookups > STRANGERS_PER_SECOND:
            raise Unavailable("too many unknown tokens at once", retry_after=1)
        self._strangers = (second, lookups)

    async def _ask(self, identifier: str) -> _Known:
        known = _Known(fetched_at=self._now())
        secret = await self._vault.get(secret_name(identifier))
        token = None if secret is None else _token(identifier, secret.properties.tags)
        if secret is not None and token is not None:
            known.token = token
            known.digest = secret.value
            known.expires_at = secret.properties.expires_at
        before = self._known[True].get(identifier)
        known.verified = before is not None and before.digest == known.digest
        self._remember(identifier, known)
        return known


def _token(identifier: str, tags: Mapping[str, str]) -> Verified | None:
    """Return what the tags say; None for a secret that no version known here has made."""
    try:
        return Verified(identifier, tags["directory"], Scope(tags["scope"]))
    except (KeyError, ValueError):
        return None
