"""Calls that were not let in, as an admin sees them: one failed event for each cause."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from scim.provisioning import rows
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log import causes
from scim.provisioning.log.contacts import Refusal, Refused
from scim.provisioning.log.entries import LogEntry, Outcome, Target
from scim.provisioning.log.failed_events import (
    STRANGER,
    FailedEvent,
    event_id,
    load_event,
    write,
)
from scim.provisioning.ports import Conflict, Storage, Unavailable
from scim.provisioning.telemetry import Event, tell
from scim.provisioning.tokens.stored import TokenState, load_token

_TRIES: Final = 3
_BY_STATE: Final = {
    TokenState.EXPIRED: causes.TOKEN_EXPIRED,
    TokenState.REVOKED: causes.TOKEN_REVOKED,
}


class RefusedCalls:
    """Tells of calls that were not let in, and keeps them, as well as it goes."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now

    async def keep(self, refused: Refused) -> None:
        """Tell of refusals with their number, and count them in the event of their cause."""
        if refused.count:
            tell(Event.CREDENTIALS_REFUSED, directory=refused.directory, count=refused.count)
        try:
            for each in refused.refusals.values():
                known = await self._of_token(refused, each)
                await self._count(refused.directory, known or each)
        except Unavailable:
            return  # their number stands among the contacts

    async def _of_token(self, refused: Refused, refusal: Refusal) -> Refusal | None:
        """Return what is known of a token that is not valid any more."""
        if refusal.cause != causes.TOKEN_UNKNOWN.name:
            return None
        now = self._now()
        for token_id in sorted(refused.tokens):
            stored = await load_token(self._storage, refused.directory, token_id)
            cause = _BY_STATE.get(stored.state(now)) if stored else None
            if stored and cause:
                expires = stored.token.expires_at.date().isoformat()
                detail = f"The token {token_id} ({cause.name[5:].lower()}; expiry {expires})."
                return Refusal(cause.name, refusal.status, detail, refusal.last, refusal.count)
        return None

    async def _count(self, directory: str, refusal: Refusal) -> None:
        partition = rows.partition(directory)
        last = LogEntry(
            time=refusal.last,
            message_id=resource_id(self._now()),
            actor=STRANGER,
            operations=(),
            target=Target(type="Directory", id="", identifier=""),
            outcome=Outcome.REFUSED if refusal.status < 500 else Outcome.FAILED,
            status=refusal.status,
            detail=refusal.detail,
            cause=refusal.cause,
        )
        wanted = event_id(last.target, refusal.cause, ())
        for _ in range(_TRIES):
            before = await load_event(self._storage, partition, wanted)
            event = FailedEvent(
                state=before.event.state if before else "open",
                count=(before.event.count if before else 0) + refusal.count,
                first_seen=before.event.first_seen if before else refusal.last,
                last=last,
            )
            try:
                await self._storage.commit(partition, write(before, wanted, event))
            except Conflict:
                continue
            return
