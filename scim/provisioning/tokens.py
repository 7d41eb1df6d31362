"""Tokens: how one is built, made, and verified. The vault alone decides whether one is valid."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from zlib import crc32

from scim.provisioning import rows
from scim.provisioning.identifiers import RandomBytes, lower_id
from scim.provisioning.ports import Insert, Put, Storage, Vault
from scim.provisioning.versions import timestamp

LIFE: Final = timedelta(days=365)

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID_LENGTH: Final = 16
_SECRET_LENGTH: Final = 43  # 256 bits in base62
_CHECK_LENGTH: Final = 6  # 32 bits in base62
_TOKEN: Final = re.compile(
    rf"rc_(?P<id>[0-9a-z]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}"
    rf"(?P<check>[0-9A-Za-z]{{{_CHECK_LENGTH}}})"
)


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


def token_id(value: str) -> str | None:
    """Return the id of a token that is built rightly, checksum included; else None."""
    match = _TOKEN.fullmatch(value)
    if match is None or match["check"] != _checksum(value[:-_CHECK_LENGTH]):
        return None
    return match["id"]


def secret_name(token_id: str) -> str:
    """Return the name under which the vault keeps a token's digest."""
    return f"token-{token_id}"


def token_digest(value: str) -> str:
    """Return what the vault keeps: a reader of the vault cannot call the endpoint."""
    return sha256(value.encode()).hexdigest()


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
        identifier = lower_id(_ID_LENGTH, self._random_bytes)
        token = NewToken(
            id=identifier,
            value=_build(identifier, self._random_bytes(32)),
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
            secret_name(token.id),
            token_digest(token.value),
            expires_at=token.expires_at,
            tags={"directory": directory, "scope": scope},
        )
        await self._storage.commit(
            rows.INSTALLATION, [Put(key, rows.pack({**shown, "state": "active"}))]
        )
        return token


def _build(identifier: str, secret: bytes) -> str:
    body = f"rc_{identifier}_{_base62(int.from_bytes(secret, 'big'), _SECRET_LENGTH)}"
    return body + _checksum(body)


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_BASE62))
        letters.append(_BASE62[rest])
    return "".join(reversed(letters))
