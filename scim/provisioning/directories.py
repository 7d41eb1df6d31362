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

from scim.protocol.folding import fold
from scim.protocol.schema import Json
from scim.provisioning import rows
from scim.provisioning.identifiers import lower_id
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Conflict, Insert, Storage, Unavailable
from scim.provisioning.scans import scan_rows

FRESH: Final = timedelta(seconds=60)
OUTAGE: Final = timedelta(minutes=15)
REMEMBERED: Final = 1000
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

    async def create(self, name: str) -> Directory:
        """Make a directory; names are unique without regard to case. Raises NameTaken."""
        directory = Directory(id=lower_id(_ID_LENGTH), name=name, created_at=self._now())
        unique = rows.directory_name(fold(name))
        document = directory.model_dump(mode="json", by_alias=True)
        try:
            await self._storage.commit(
                rows.INSTALLATION,
                [
                    Insert(rows.directory(directory.id), rows.pack(document)),
                    Insert(unique, {"f": rows.FORMAT, "id": directory.id}),
                ],
            )
        except Conflict as conflict:
            row = await self._storage.get(rows.INSTALLATION, unique)
            raise NameTaken(str(row.values["id"]) if row else "") from conflict
        return directory

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
        self._known[directory_id] = _Known(self._now(), directory)
        self._known.move_to_end(directory_id)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return directory

    async def read(self, directory_id: str) -> Directory | None:
        """Return the directory as it is now; None if there is none."""
        if _ID.fullmatch(directory_id) is None:
            return None
        row = await self._storage.get(rows.INSTALLATION, rows.directory(directory_id))
        return Directory.model_validate(rows.unpack(row.values)) if row else None

    async def all(self) -> list[Directory]:
        """Return every directory, in no particular order."""
        first = rows.directory()
        return [
            Directory.model_validate(rows.unpack(row.values))
            async for row in scan_rows(self._storage, rows.INSTALLATION, first, first + rows.END)
        ]

    async def named(self, name: str) -> Directory | None:
        """Return the directory of that name, in any case."""
        row = await self._storage.get(rows.INSTALLATION, rows.directory_name(fold(name)))
        if row is None:
            return None
        found = await self._storage.get(rows.INSTALLATION, rows.directory(str(row.values["id"])))
        return Directory.model_validate(rows.unpack(found.values)) if found else None
