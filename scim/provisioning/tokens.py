"""Tokens: credentials of a directory. The vault alone decides whether one is valid."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from scim.provisioning import rows
from scim.provisioning.credentials import ID_LENGTH, SECRET_BYTES, Kind, digest
from scim.provisioning.identifiers import RandomBytes, lower_id
from scim.provisioning.ports import Insert, Put, Storage, Vault
from scim.provisioning.versions import timestamp

LIFE: Final = timedelta(days=365)

TOKEN: Final = Kind("rc", "token")


class Scope(StrEnum):
    """What a token may be used for."""

    SCIM = "scim"
    SCIM_READ = "scim.read"
    ACCESS = "access"


@dataclass(frozen=True, slots=True, repr=False)
class NewToken:
    """A token at the only moment when its value is known; it does not print itself."""

    id: str
    value: str
    description: str
    scope: Scope
    created_at: datetime
    expires_at: datetime


class Tokens:
    """Makes tokens: a row `pending`, then the secret, then the row `active`."""

    def __init__(
        self,
        storage: Storage,
        vault: Vault,
        now: Callable[[], datetime],
        random_bytes: RandomBytes = secrets.token_bytes,
    ) -> None:
        self._storage = storage
        self._vault = vault
        self._now = now
        self._random_bytes = random_bytes

    async def create(
        self, directory: str, description: str, scope: Scope = Scope.SCIM, life: timedelta = LIFE
    ) -> NewToken:
        """Make a token. A kill in between leaves at most a pending row and an unknown digest."""
        now = self._now()
        identifier = lower_id(ID_LENGTH, self._random_bytes)
        token = NewToken(
            id=identifier,
            value=TOKEN.build(identifier, self._random_bytes(SECRET_BYTES)),
            description=description,
            scope=scope,
            created_at=now,
            expires_at=now + life,
        )
        shown = {
            "id": token.id,
            "directory": directory,
            "description": description,
            "scope": scope,
            "createdAt": timestamp(token.created_at),
            "expiresAt": timestamp(token.expires_at),
        }
        key = rows.token(directory, token.id)
        await self._storage.commit(
            rows.INSTALLATION, [Insert(key, rows.pack({**shown, "state": "pending"}))]
        )
        await self._vault.put(
            TOKEN.secret_name(token.id),
            digest(token.value),
            expires_at=token.expires_at,
            tags={"directory": directory, "scope": scope},
        )
        await self._storage.commit(
            rows.INSTALLATION, [Put(key, rows.pack({**shown, "state": "active"}))]
        )
        return token
