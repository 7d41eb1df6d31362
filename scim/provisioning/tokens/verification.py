"""Verifying credentials: constant-time, from a bounded cache, through an outage of the vault."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from scim.provisioning.ports import Unavailable, Vault
from scim.provisioning.strangers import Strangers
from scim.provisioning.tokens.credentials import Kind, digest
from scim.provisioning.tokens.tokens import TOKEN, Scope

FRESH: Final = timedelta(seconds=60)  # a revoked token is refused everywhere after this
FRESH_UNKNOWN: Final = timedelta(seconds=10)
OUTAGE: Final = timedelta(minutes=15)  # a token verified before goes on this long without a vault
ASKED_AGAIN: Final = timedelta(seconds=10)  # and so seldom is a vault asked that did not answer
PATIENCE: Final = 2.0  # seconds that a token verified before waits for the vault
REMEMBERED: Final = 5000  # tokens seen valid, and as many others: a flood cannot grow it
STRANGERS_PER_SECOND: Final = 20  # look-ups of ids that this process has not verified before


@dataclass(frozen=True, slots=True)
class Verified:
    """A credential that is valid now; `client` is the OAuth client that has it, if one has.

    `id` is that of a token or client secret; if `federated`, the revision of the federation.
    """

    id: str
    directory: str
    scope: Scope
    client: str = ""
    federated: bool = False

    @property
    def actor(self) -> str:
        """Return who this is in the log."""
        return f"client {self.client}" if self.client else f"token {self.id}"


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
    """Answers whether a credential is valid; asks the vault once for it in a minute at most."""

    def __init__(self, vault: Vault, now: Callable[[], datetime], kind: Kind = TOKEN) -> None:
        self._vault = vault
        self._now = now
        self._kind = kind
        # Those seen valid stand apart: no flood of others pushes them out.
        self._known: dict[bool, OrderedDict[str, _Known]] = {
            True: OrderedDict(),
            False: OrderedDict(),
        }
        self._fetching: dict[str, asyncio.Task[_Known]] = {}
        self._strangers = Strangers(now)

    async def verify(self, value: str) -> Verified | None:
        """Return the credential, or None when it is worth nothing.

        Raises Unavailable when the vault does not answer, or the limit on look-ups is reached,
        and this process has not verified the credential within the last minutes.
        """
        identifier = self._kind.id_of(value)
        if identifier is None:
            return None
        known = await self._current(identifier, stranger=True)
        if known.digest is None or not compare_digest(known.digest, digest(value)):
            return None
        return self._valid(identifier, known)

    async def still_valid(self, identifier: str) -> Verified | None:
        """Return the credential, for a caller with other proof that it once was verified."""
        known = await self._current(identifier, stranger=False)
        return None if known.digest is None else self._valid(identifier, known)

    def _valid(self, identifier: str, known: _Known) -> Verified | None:
        # The second of expiry is too late.
        if known.expires_at is not None and self._now() >= known.expires_at:
            return None
        known.verified = True
        self._remember(identifier, known)
        return known.token

    async def _current(self, identifier: str, *, stranger: bool) -> _Known:
        known = self._known[True].get(identifier) or self._known[False].get(identifier)
        if known is None or not known.verified:
            if known is not None and self._is_fresh(known):
                return known
            return await asyncio.shield(self._fetch(identifier, stranger=stranger))
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
                self._strangers.count(STRANGERS_PER_SECOND)
            task = asyncio.create_task(self._ask(identifier))
            self._fetching[identifier] = task
            task.add_done_callback(lambda done: self._fetched(identifier, done))
        return task

    def _fetched(self, identifier: str, task: asyncio.Task[_Known]) -> None:
        del self._fetching[identifier]
        if not task.cancelled():
            task.exception()  # seen, also when nobody waits any more

    async def _ask(self, identifier: str) -> _Known:
        known = _Known(fetched_at=self._now())
        secret = await self._vault.get(self._kind.secret_name(identifier))
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
        return Verified(identifier, tags["directory"], Scope(tags["scope"]), tags.get("client", ""))
    except (KeyError, ValueError):
        return None
