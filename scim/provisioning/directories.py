"""Directories: each one connection to one identity provider."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, field_serializer
from pydantic.alias_generators import to_camel

from scim.protocol.errors import NotFound
from scim.protocol.folding import fold
from scim.protocol.schema import Json
from scim.provisioning import rows
from scim.provisioning.identifiers import lower_id
from scim.provisioning.policy import Policy
from scim.provisioning.ports import (
    Conflict,
    Delete,
    Insert,
    Operation,
    Replace,
    Row,
    Storage,
    Unavailable,
    Value,
)
from scim.provisioning.scans import scan_rows

FRESH: Final = timedelta(seconds=60)
OUTAGE: Final = timedelta(minutes=15)
REMEMBERED: Final = 1000
CHANGES: Final = 8  # reads and decisions of one change under conflicts
_ID: Final = re.compile("[a-z0-9-]{1,60}")
_ID_LENGTH: Final = 20  # about 100 random bits: an id cannot be guessed


class Directory(BaseModel):
    """One connection to one identity provider."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    id: str
    name: str
    state: str = "active"
    created_at: datetime
    policy: Policy = Policy()

    @field_serializer("policy")
    def _overrides(self, policy: Policy) -> dict[str, Json]:
        return policy.model_dump(mode="json", by_alias=True, exclude_unset=True)


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

    async def create(self, name: str, policy: Policy | None = None) -> Directory:
        """Make a directory; names are unique without regard to case. Raises NameTaken."""
        directory = Directory(
            id=lower_id(_ID_LENGTH),
            name=name,
            created_at=self._now(),
            policy=policy or Policy(),
        )
        try:
            await self._storage.commit(
                rows.INSTALLATION,
                [Insert(rows.directory(directory.id), _values(directory)), _name(directory)],
            )
        except Conflict as conflict:
            raise await self._name_taken(name) from conflict
        return directory

    async def change(
        self, directory_id: str, decide: Callable[[Directory], Directory]
    ) -> Directory:
        """Store what `decide` makes of the directory. Raises NotFound, NameTaken."""
        for _ in range(CHANGES):
            row = await self._row(directory_id)
            if row is None:
                raise NotFound(f"There is no directory {directory_id[:100]!r}.")
            key, before = row.key, _directory(row)
            after = decide(before)
            operations: list[Operation] = [Replace(key, _values(after), row.etag)]
            old, new = _name(before), _name(after)
            if new.key != old.key:
                operations += [Delete(old.key, None), new]
            try:
                await self._storage.commit(rows.INSTALLATION, operations)
            except Conflict as conflict:
                if conflict.key == new.key:
                    raise await self._name_taken(after.name) from conflict
                continue
            self._remember(directory_id, after)
            return after
        raise Unavailable("too many changes of the same directory at once", retry_after=2)

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

    async def read(self, directory_id: str) -> Directory | None:
        """Return the directory as it is now; None if there is none."""
        row = await self._row(directory_id)
        return _directory(row) if row else None

    async def all(self) -> list[Directory]:
        """Return every directory, in no particular order."""
        first = rows.directory()
        return [
            _directory(row)
            async for row in scan_rows(self._storage, rows.INSTALLATION, first, first + rows.END)
        ]

    async def named(self, name: str) -> Directory | None:
        """Return the directory of that name, in any case."""
        row = await self._storage.get(rows.INSTALLATION, rows.directory_name(fold(name)))
        if row is None:
            return None
        return await self.read(str(row.values["id"]))

    async def _row(self, directory_id: str) -> Row | None:
        if _ID.fullmatch(directory_id) is None:
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


def _directory(row: Row) -> Directory:
    return Directory.model_validate(rows.unpack(row.values))


def _values(directory: Directory) -> dict[str, Value]:
    return rows.pack(directory.model_dump(mode="json", by_alias=True))


def _name(directory: Directory) -> Insert:
    """Return the row that makes the name unique."""
    key = rows.directory_name(fold(directory.name))
    return Insert(key, {"f": rows.FORMAT, "id": directory.id})
