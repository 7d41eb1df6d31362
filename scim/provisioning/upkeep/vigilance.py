"""Watching over identity providers: telling of those who fall silent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from scim.provisioning import rows
from scim.provisioning.directories.directories import Directories
from scim.provisioning.log.contacts import ContactBook, note_told, read_contacts
from scim.provisioning.ports import Storage
from scim.provisioning.telemetry import Event, tell


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
        """Write what was noted, and tell of each silence once."""
        await self._book.write()
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
