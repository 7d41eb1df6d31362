"""OAuth clients of a directory. Their secrets are tokens, of which several may be live at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from scim.protocol.errors import NotFound
from scim.provisioning import rows
from scim.provisioning.identifiers import RandomBytes, lower_id
from scim.provisioning.log.entries import Did, Target
from scim.provisioning.log.management import By, deliver, note
from scim.provisioning.ports import Conflict, Delete, Insert, Row, Storage
from scim.provisioning.scans import scan_rows
from scim.provisioning.tokens.stored import Scope, StoredToken, tokens_of
from scim.provisioning.tokens.tokens import NewToken, Tokens

_PART: Final = 3  # of a call's log entries; the call may make a secret, too
_ID_LENGTH: Final = 20
_ID: Final = re.compile(rf"[0-9a-z]{{{_ID_LENGTH}}}")


class Client(BaseModel):
    """An OAuth client (RFC 6749 §2); `scope` is that of all its tokens."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    id: str
    description: str
    scope: Scope
    created_at: datetime


class Clients:
    """The clients of all directories."""

    def __init__(
        self,
        storage: Storage,
        tokens: Tokens,
        now: Callable[[], datetime],
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._storage = storage
        self._tokens = tokens
        self._now = now
        self._random_bytes = random_bytes

    async def create(self, directory: str, description: str, scope: Scope, by: By) -> Client:
        """Make a client, which has no secret yet."""
        client = Client(
            id=client_id(self._random_bytes),
            description=description,
            scope=scope,
            created_at=self._now(),
        )
        values = rows.pack(client.model_dump(mode="json", by_alias=True))
        insert = Insert(rows.client(directory, client.id), values)
        entry = note(by, directory, Did.CREATE, _target(client), part=_PART)
        await self._storage.commit(rows.INSTALLATION, [insert, entry])
        await deliver(self._storage, directory)
        return client

    async def all(self, directory: str) -> list[Client]:
        """Return the clients of a directory, in no particular order."""
        first = rows.client(directory)
        found = scan_rows(self._storage, rows.INSTALLATION, first, first + rows.END)
        return [_client(row) async for row in found]

    async def read(self, directory: str, client_id: str) -> Client:
        """Return the client. Raises NotFound."""
        row = await self._row(directory, client_id)
        if row is None:
            raise _missing(client_id)
        return _client(row)

    async def add_secret(
        self, directory: str, client_id: str, life: timedelta | None, by: By
    ) -> NewToken:
        """Make a secret. Raises NotFound."""
        client = await self.read(directory, client_id)
        made = await self._tokens.create(
            directory, client.description, client.scope, life, by, client.id
        )
        try:
            await self.read(directory, client_id)
        except NotFound:
            # Whoever deleted it meanwhile may not have seen this secret.
            await self._tokens.revoke(directory, made.id, by, client=client_id)
            raise
        return made

    async def delete(self, directory: str, client_id: str, by: By) -> None:
        """Delete a client, then its secrets: everywhere within a minute. Raises NotFound.

        Repeating it finishes what a kill in between has left.
        """
        row = await self._row(directory, client_id)
        if row is not None:
            entry = note(by, directory, Did.DELETE, _target(_client(row)), part=_PART)
            with suppress(Conflict):  # another call has just done it
                await self._storage.commit(rows.INSTALLATION, [Delete(row.key, None), entry])
            await deliver(self._storage, directory)
        # Only now: a secret that is made meanwhile is seen here, or its maker misses the client.
        found = await self._secrets(directory, client_id)
        if row is None and not found:
            raise _missing(client_id)
        while found:
            for stored in found:
                await self._tokens.remove(stored)
            found = await self._secrets(directory, client_id)

    async def _secrets(self, directory: str, client_id: str) -> list[StoredToken]:
        found = await tokens_of(self._storage, directory)
        return [stored for stored in found if stored.token.client == client_id]

    async def _row(self, directory: str, client_id: str) -> Row | None:
        if _ID.fullmatch(client_id) is None:
            return None
        return await self._storage.get(rows.INSTALLATION, rows.client(directory, client_id))


def client_id(random_bytes: RandomBytes = secrets.token_bytes) -> str:
    """Return the id of a new client."""
    return lower_id(_ID_LENGTH, random_bytes)


def _missing(client_id: str) -> NotFound:
    return NotFound(f"There is no client {client_id[:100]!r} in this directory.")


def _client(row: Row) -> Client:
    return Client.model_validate(rows.unpack(row.values))


def _target(client: Client) -> Target:
    return Target(type="Client", id=client.id, identifier=client.description)
