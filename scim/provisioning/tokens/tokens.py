"""Tokens: credentials of a directory, made, rotated and revoked. Secrets of clients are some.

The vault decides whether a token is valid, so it is told first; the row follows.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from scim.protocol.errors import NotFound
from scim.provisioning import rows
from scim.provisioning.identifiers import RandomBytes, lower_id
from scim.provisioning.log.entries import Did
from scim.provisioning.log.management import By, deliver, note
from scim.provisioning.ports import (
    Conflict,
    Delete,
    Insert,
    Operation,
    Put,
    Replace,
    Storage,
    Unavailable,
    Vault,
)
from scim.provisioning.tokens.credentials import ID_LENGTH, SECRET_BYTES, Kind, digest
from scim.provisioning.tokens.stored import (
    Scope,
    StoredToken,
    Token,
    load_token,
    log_target,
    token_values,
    tokens_of,
)

__all__ = [
    "CLIENT_SECRET",
    "TOKEN",
    "NewToken",
    "Scope",
    "Tokens",
]  # Scope too: whoever makes tokens needs it

LIFE: Final = timedelta(days=365)
LIFE_MAX: Final = timedelta(days=1095)
UNFINISHED: Final = timedelta(minutes=10)  # far longer than the host lets a request last
CHANGES: Final = 8  # reads and decisions of one change under conflicts

TOKEN: Final = Kind("rc", "token")
CLIENT_SECRET: Final = Kind("rcs", "client-secret")


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token at the only moment when its value is known; it does not print itself."""

    token: Token
    value: str = field(repr=False)

    @property
    def id(self) -> str:
        """Return the token's id."""
        return self.token.id


class Tokens:
    """The tokens of all directories. `life` is that of a token for which nobody says another."""

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        now: Callable[[], datetime],
        life: timedelta = LIFE,
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._now = now
        self._life = life
        self._random_bytes = random_bytes

    async def create(
        self,
        directory: str,
        description: str,
        scope: Scope = Scope.SCIM,
        life: timedelta | None = None,
        by: By | None = None,
        client: str = "",
    ) -> NewToken:
        """Make a token: a row `pending`, the secret, the row `active`.

        A kill in between leaves at most a pending row and a digest whose token nobody knows.
        """
        now = self._now()
        identifier = lower_id(ID_LENGTH, self._random_bytes)
        value = _kind(client).build(identifier, self._random_bytes(SECRET_BYTES))
        pending = Token(
            id=identifier,
            directory=directory,
            description=description,
            scope=scope,
            created_at=now,
            expires_at=now + (life or self._life),
            state="pending",
            client=client,
        )
        key = rows.token(directory, pending.id)
        await self._storage.commit(rows.INSTALLATION, [Insert(key, token_values(pending))])
        await self._vault.put(
            _secret_name(pending),
            digest(value),
            expires_at=pending.expires_at,
            tags={"directory": directory, "scope": scope} | ({"client": client} if client else {}),
        )
        token = pending.model_copy(update={"state": "active"})
        operations: list[Operation] = [Put(key, token_values(token))]
        await self._commit(operations, token, Did.CREATE, by)
        return NewToken(token, value)

    async def all(self, directory: str) -> list[StoredToken]:
        """Return the tokens of a directory, those that ended too."""
        return [each for each in await self._made(directory) if not each.token.client]

    async def secrets(self, directory: str) -> list[StoredToken]:
        """Return the secrets of a directory's clients, those that ended too."""
        return [each for each in await self._made(directory) if each.token.client]

    async def _made(self, directory: str) -> list[StoredToken]:
        found = await tokens_of(self._storage, directory)
        return [each for each in found if each.token.state != "pending"]

    async def read(self, directory: str, token_id: str, client: str = "") -> StoredToken:
        """Return a token, or a secret of the client. Raises NotFound."""
        found = await load_token(self._storage, directory, token_id)
        if found is None or found.token.client != client:
            what = "secret of this client" if client else "token of this directory"
            raise NotFound(f"There is no {what} with the id {token_id[:100]!r}.")
        return found

    async def revoke(
        self,
        directory: str,
        token_id: str,
        by: By,
        check: Callable[[StoredToken], None] = lambda _: None,
        client: str = "",
    ) -> StoredToken:
        """End a token; everywhere within a minute. Raises NotFound, and what `check` raises."""

        async def end(stored: StoredToken) -> Token:
            check(stored)
            await self._vault.update(_secret_name(stored.token), enabled=False)
            return stored.token.model_copy(update={"state": "revoked"})

        return await self._change(directory, token_id, end, Did.REVOKE, by, client)

    async def replace(
        self,
        directory: str,
        old: Token,
        by: By,
        *,
        life: timedelta | None,
        old_expires_at: datetime | None,
    ) -> NewToken:
        """Make a token in place of another, which lives on until it expires; it may sooner."""
        new = await self.create(directory, old.description, old.scope, life, by)
        expires_at = old_expires_at or old.expires_at

        async def shorten(stored: StoredToken) -> Token:
            await self._vault.update(_secret_name(old), expires_at=expires_at)
            return stored.token.model_copy(
                update={
                    "expires_at": expires_at,
                    "replaced_by": new.id,
                    "replaced_at": new.token.created_at,
                }
            )

        await self._change(directory, old.id, shorten, Did.ROTATE, by)
        return new

    async def revoke_all(self, directory: str) -> None:
        """End all tokens of a directory that is deleted; harmless if repeated."""
        for stored in await tokens_of(self._storage, directory):
            if stored.token.state == "revoked":
                continue
            await self._vault.update(_secret_name(stored.token), enabled=False)
            revoked = stored.token.model_copy(update={"state": "revoked"})
            key = rows.token(directory, stored.token.id)
            try:
                await self._storage.commit(
                    rows.INSTALLATION, [Replace(key, token_values(revoked), stored.etag)]
                )
            except Conflict:
                await self.revoke_all(directory)

    async def clear_unfinished(self, tokens: Sequence[StoredToken]) -> None:
        """Remove what a kill left of tokens that nobody was given."""
        for stored in tokens:
            age = self._now() - stored.token.created_at
            if stored.token.state == "pending" and age >= UNFINISHED:
                await self.remove(stored)

    async def remove(self, stored: StoredToken) -> None:
        """Remove a token for good, its secret first."""
        token = stored.token
        await self._vault.delete(_secret_name(token))
        operations: list[Operation] = [Delete(rows.token(token.directory, token.id), stored.etag)]
        if stored.used is not None:
            operations.append(Delete(rows.token_use(token.directory, token.id), None))
        try:
            await self._storage.commit(rows.INSTALLATION, operations)
        except Conflict:
            return  # another run has just done it

    async def _change(
        self,
        directory: str,
        token_id: str,
        decide: Callable[[StoredToken], Awaitable[Token]],
        did: Did,
        by: By,
        client: str = "",
    ) -> StoredToken:
        for _ in range(CHANGES):
            stored = await self.read(directory, token_id, client)
            after = await decide(stored)
            if after == stored.token:
                return stored
            key = rows.token(directory, token_id)
            try:
                await self._commit([Replace(key, token_values(after), stored.etag)], after, did, by)
            except Conflict:
                continue
            return StoredToken(after, "", stored.used)
        raise Unavailable("too many changes of the same token at once", retry_after=2)

    async def _commit(
        self, operations: list[Operation], token: Token, did: Did, by: By | None
    ) -> None:
        if by is not None:
            target = log_target(token)
            # One call may make a directory and a token, or a token in place of another.
            part = 1 if did is Did.CREATE else 2
            operations.append(note(by, token.directory, did, target, part=part))
        await self._storage.commit(rows.INSTALLATION, operations)
        if by is not None:
            await deliver(self._storage, token.directory)


def _kind(client: str) -> Kind:
    return CLIENT_SECRET if client else TOKEN


def _secret_name(token: Token) -> str:
    return _kind(token.client).secret_name(token.id)
