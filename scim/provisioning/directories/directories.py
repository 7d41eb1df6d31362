"""Directories: each one connection to one identity provider."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from scim.protocol.errors import NotFound
from scim.protocol.folding import fold
from scim.provisioning import rows
from scim.provisioning.directories.stored import (
    Directory,
    changed_names,
    insert,
    name_key,
    replace,
    same,
    stored,
    what_was_done,
)
from scim.provisioning.identifiers import is_directory_id, lower_id
from scim.provisioning.log.entries import Did, Target
from scim.provisioning.log.management import By, deliver, note
from scim.provisioning.policy import Policy
from scim.provisioning.ports import (
    Conflict,
    Delete,
    Operation,
    Row,
    Storage,
    Unavailable,
)
from scim.provisioning.scans import scan_rows
from scim.provisioning.strangers import Strangers

FRESH: Final = timedelta(seconds=60)
OUTAGE: Final = timedelta(minutes=15)
REMEMBERED: Final = 1000
STRANGERS_PER_SECOND: Final = 20  # reads for callers that have proved nothing yet
CHANGES: Final = 8  # reads and decisions of one change under conflicts
_ID_LENGTH: Final = 20  # about 100 random bits: an id cannot be guessed


class NameTaken(Exception):
    """Another directory has the name."""

    def __init__(self, directory_id: str) -> None:
        super().__init__(f"the directory {directory_id} has this name")
        self.directory_id = directory_id


@dataclass(frozen=True, slots=True)
class _Known:
    fetched_at: datetime
    directory: Directory | None


class Directories:
    """The directories of the installation; `get` answers from a cache of one minute."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._strangers = Strangers(now)

    async def create(
        self, name: str, policy: Policy | None = None, by: By | None = None
    ) -> Directory:
        """Make a directory; names are unique without regard to case. Raises NameTaken."""
        directory = Directory(
            id=lower_id(_ID_LENGTH),
            name=name,
            created_at=self._now(),
            policy=policy or Policy(),
        )
        try:
            await self._commit(insert(directory), directory, Did.CREATE, by)
        except Conflict as conflict:
            raise await self._name_taken(name) from conflict
        return directory

    async def change(
        self,
        directory_id: str,
        decide: Callable[[Directory], Directory],
        by: By | None = None,
    ) -> Directory:
        """Store what `decide` makes of the directory. Raises NotFound, NameTaken.

        A deleted directory gives its name up, a restored one takes it again.
        """
        for _ in range(CHANGES):
            row = await self._row(directory_id)
            before = None if row is None else _existing(row)
            if row is None or before is None:
                raise NotFound(f"There is no directory {directory_id[:100]!r}.")
            after = decide(before)
            if same(before, after):
                return before
            operations = replace(before, after, row.etag)
            try:
                await self._commit(operations, after, what_was_done(before, after), by, before)
            except Conflict as conflict:
                if conflict.key == name_key(after):
                    raise await self._name_taken(after.name) from conflict
                continue
            self._remember(directory_id, after)
            return after
        raise Unavailable("too many changes of the same directory at once", retry_after=2)

    async def _commit(
        self,
        operations: list[Operation],
        after: Directory,
        did: Did,
        by: By | None,
        before: Directory | None = None,
    ) -> None:
        if by is not None:
            target = Target(type="Directory", id=after.id, identifier=after.name)
            operations.append(note(by, after.id, did, target, changed_names(before, after)))
        await self._storage.commit(rows.INSTALLATION, operations)
        if by is not None:
            await deliver(self._storage, after.id)

    async def get(self, directory_id: str) -> Directory | None:
        """Return the directory as it was at most a minute ago; None if there is none.

        Ask for ids that a valid token names: any other text would cost a read each.
        """
        known = self._known.get(directory_id)
        if known is not None and self._now() - known.fetched_at < FRESH:
            return known.directory
        try:
            directory = await self.read(directory_id)
        except Unavailable:
            if known is not None and self._now() - known.fetched_at < OUTAGE:
                return known.directory
            raise
        self._remember(directory_id, directory)
        return directory

    async def get_for_stranger(self, directory_id: str) -> Directory | None:
        """As `get`, for ids that anyone may name: their reads are bounded, misses forgotten."""
        known = self._known.get(directory_id)
        if known is not None and known.directory is not None:
            return await self.get(directory_id)
        self._strangers.count(STRANGERS_PER_SECOND)
        directory = await self.read(directory_id)
        if directory is not None:
            self._remember(directory_id, directory)
        return directory

    async def read(self, directory_id: str) -> Directory | None:
        """Return the directory as it is now; None if there is none."""
        row = await self._row(directory_id)
        return _existing(row) if row else None

    async def all(self) -> list[Directory]:
        """Return every directory, also deleted ones, in no particular order."""
        return [each async for each in self._rows() if each.state != "purging"]

    async def purging(self) -> list[Directory]:
        """Return the deleted directories whose data is to go, and mark them: no way back."""
        found: list[Directory] = []
        async for each in self._rows():
            if each.state == "purging":
                found.append(each)
            elif self._is_due(each):
                with suppress(NotFound):  # another run has just marked it
                    found.append(await self.change(each.id, self._purged))
        return [each for each in found if each.state == "purging"]

    async def forget(self, directory: Directory) -> None:
        """Remove a directory of which nothing else is left; harmless if it is gone."""
        with suppress(Conflict):
            await self._storage.commit(
                rows.INSTALLATION, [Delete(rows.directory(directory.id), None)]
            )

    def _is_due(self, directory: Directory) -> bool:
        return directory.deletion is not None and self._now() >= directory.deletion.purge_at

    def _purged(self, directory: Directory) -> Directory:
        if not self._is_due(directory):
            return directory  # it was restored in between
        return directory.model_copy(update={"state": "purging"})

    async def _rows(self) -> AsyncIterator[Directory]:
        first = rows.directory()
        async for row in scan_rows(self._storage, rows.INSTALLATION, first, first + rows.END):
            yield stored(row)

    async def named(self, name: str) -> Directory | None:
        """Return the directory of that name, in any case."""
        row = await self._storage.get(rows.INSTALLATION, rows.directory_name(fold(name)))
        if row is None:
            return None
        return await self.read(str(row.values["id"]))

    async def _row(self, directory_id: str) -> Row | None:
        if not is_directory_id(directory_id):
            return None
        return await self._storage.get(rows.INSTALLATION, rows.directory(directory_id))

    async def _name_taken(self, name: str) -> NameTaken:
        row = await self._storage.get(rows.INSTALLATION, rows.directory_name(fold(name)))
        return NameTaken(str(row.values["id"]) if row else "")

    def _remember(self, directory_id: str, directory: Directory | None) -> None:
        self._known[directory_id] = _Known(self._now(), directory)
        self._known.move_to_end(directory_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)


def _existing(row: Row) -> Directory | None:
    directory = stored(row)
    return None if directory.state == "purging" else directory
