"""Tokens as listings show them; whether one is valid the vault alone decides."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from scim.provisioning import rows
from scim.provisioning.log.entries import Target
from scim.provisioning.ports import Row, Storage, Value
from scim.provisioning.scans import scan_rows
from scim.provisioning.tokens.credentials import ID_LENGTH

WARNED: Final = timedelta(days=30)  # before its expiry a token is shown as expiring
IN_USE: Final = timedelta(days=1)  # a replaced token that was used within it still is

_ID: Final = re.compile(f"[0-9a-z]{{{ID_LENGTH}}}")


class Scope(StrEnum):
    """What a token may be used for."""

    SCIM = "scim"
    SCIM_READ = "scim.read"
    ACCESS = "access"


class TokenState(StrEnum):
    """Where a token is in its life."""

    ACTIVE = "active"
    EXPIRING = "expiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


class Token(BaseModel):
    """What is stored of a token: never its value.

    `flagged` is the last threshold before expiry, in days, of which the admins were told.
    `client` is the OAuth client whose secret this is; empty for a token of the directory itself.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    id: str
    directory: str
    description: str
    scope: Scope
    created_at: datetime
    expires_at: datetime
    state: Literal["pending", "active", "revoked"]
    replaced_by: str | None = None
    replaced_at: datetime | None = None
    flagged: int | None = None
    client: str = ""


class Use(BaseModel):
    """When a token was last used, and by whom as far as the request tells."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    time: datetime
    address: str
    user_agent: str


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as it was read, with its last use; `etag` guards the token."""

    token: Token
    etag: str
    used: Use | None = None

    def state(self, now: datetime) -> TokenState:
        """Return the state that an admin sees."""
        if self.token.state == "revoked":
            return TokenState.REVOKED
        if now >= self.token.expires_at:
            return TokenState.EXPIRED
        if now >= self.token.expires_at - WARNED:
            return TokenState.EXPIRING
        return TokenState.ACTIVE

    def still_used(self, now: datetime) -> bool | None:
        """Whether a token that was replaced is in use nevertheless; None for one that was not."""
        if self.token.replaced_at is None:
            return None
        used = self.used
        return used is not None and used.time >= max(self.token.replaced_at, now - IN_USE)


async def load_token(storage: Storage, directory: str, token_id: str) -> StoredToken | None:
    """Return a token with its last use; None if there is none, or it is not made yet."""
    if _ID.fullmatch(token_id) is None:
        return None
    key = rows.token(directory, token_id)
    async for found in _between(storage, key, key + rows.END):
        return found if found.token.state != "pending" else None
    return None


async def tokens_of(storage: Storage, directory: str) -> list[StoredToken]:
    """Return all tokens of a directory, pending ones too."""
    first = rows.token(directory)
    return [each async for each in _between(storage, first, first + rows.END)]


def log_target(token: Token) -> Target:
    """Return what the log says that a change of the token concerns."""
    kind = "ClientSecret" if token.client else "Token"
    return Target(type=kind, id=token.id, identifier=token.description)


def token_values(token: Token) -> dict[str, Value]:
    """Return the values of a token's row."""
    return rows.pack(token.model_dump(mode="json", by_alias=True))


async def _between(storage: Storage, first: str, last: str) -> AsyncIterator[StoredToken]:
    head: Row | None = None
    use: Use | None = None
    async for row in scan_rows(storage, rows.INSTALLATION, first, last):
        if head is not None and row.key.startswith(head.key):
            use = Use.model_validate(rows.unpack(row.values))
            continue
        if head is not None:
            yield _stored(head, use)
        # A use that was noted while its token was removed has no token before it.
        head, use = (row, None) if rows.is_token(row.key) else (None, None)
    if head is not None:
        yield _stored(head, use)


def _stored(row: Row, use: Use | None) -> StoredToken:
    return StoredToken(Token.model_validate(rows.unpack(row.values)), row.etag, use)
