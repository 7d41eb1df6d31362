"""Watching over identity providers: those who fall silent, and those whom nobody lets in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from scim.provisioning import rows
from scim.provisioning.directories.directories import Directories
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log import causes
from scim.provisioning.log.contacts import ContactBook, Refused, note_told, read_contacts
from scim.provisioning.log.entries import LogEntry, Outcome, Target
from scim.provisioning.log.failed_events import FailedEvent, event_id, load_event, write
from scim.provisioning.ports import Conflict, Storage
from scim.provisioning.telemetry import Event, tell
from scim.provisioning.tokens.stored import TokenState, load_token

_TRIES: Final = 3
_BY_STATE: Final = {
    TokenState.EXPIRED: causes.TOKEN_EXPIRED,
    TokenState.REVOKED: causes.TOKEN_REVOKED,
}


class Vigilance:
    """The duty of the timer that writes contacts and draws the conclusions."""

    def __init__(
        self,
        storage: Storage,
        directories: Directories,
        book: ContactBook,
        now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._directories = directories
        self._book = book
        self._now = now

    async def run(self, until: datetime) -> None:
        """Write what was noted, and tell of silence once and of refusals with their number."""
        await self._book.write()
        for refused in self._book.refusals():
            tell(Event.CREDENTIALS_REFUSED, directory=refused.directory, count=refused.count)
            await self._keep(refused)
        for directory in await self._directories.all():
            if self._now() >= until:
                return
            if directory.state == "active":
                await self._tell_if_silent(directory.id)

    async def _tell_if_silent(self, directory: str) -> None:
        partition = rows.partition(directory)
        contacts, etag = await read_contacts(self._storage, partition)
        now = self._now()
        if contacts.last is None or contacts.told == contacts.last or not contacts.is_silent(now):
            return
        if await note_told(self._storage, partition, contacts, etag):
            minutes = int((now - contacts.last).total_seconds() // 60)
            tell(Event.IDP_SILENT, directory=directory, minutes=minutes)

    async def _keep(self, refused: Refused) -> None:
        """Show refusals as one failed event a cause; whoever was refused proved nothing."""
        now, partition = self._now(), rows.partition(refused.directory)
        cause, detail = causes.TOKEN_UNKNOWN, ""
        for token_id in sorted(refused.tokens):
            stored = await load_token(self._storage, refused.directory, token_id)
            known = _BY_STATE.get(stored.state(now)) if stored else None
            if stored and known:
                cause = known
                expires = stored.token.expires_at.date().isoformat()
                detail = f"The token {token_id} ({cause.name[5:].lower()}; expiry {expires})."
        last = LogEntry(
            time=refused.last,
            message_id=resource_id(now),
            actor="unknown",
            operations=(),
            target=Target(type="Directory", id="", identifier=""),
            outcome=Outcome.REFUSED,
            status=401,
            detail=detail,
            cause=cause.name,
        )
        wanted = event_id(last.target, cause.name, ())
        for _ in range(_TRIES):
            before = await load_event(self._storage, partition, wanted)
            event = FailedEvent(
                state=before.event.state if before else "open",
                count=(before.event.count if before else 0) + refused.count,
                first_seen=before.event.first_seen if before else refused.last,
                last=last,
            )
            try:
                await self._storage.commit(partition, write(before, wanted, event))
            except Conflict:
                continue
            return
