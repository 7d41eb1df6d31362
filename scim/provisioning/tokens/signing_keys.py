"""The key pairs that sign access tokens: made once per installation, rotated with overlap.

The vault keeps each private key; one row names them, newest first, and decides between processes
that make one at the same time. A new key is named some minutes before it signs, so every process
knows it by then; an old one verifies until its last tokens are gone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from scim.provisioning import rows
from scim.provisioning.identifiers import lower_id
from scim.provisioning.ports import Conflict, Insert, Replace, Storage, Unavailable, Vault
from scim.provisioning.refreshed import Refreshed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

TOKEN_LIFE: Final = timedelta(minutes=60)
ROTATED: Final = timedelta(days=90)
ANNOUNCED: Final = timedelta(minutes=5)  # a new key signs this long after it was named
FRESH: Final = timedelta(seconds=60)
OUTAGE: Final = timedelta(minutes=15)
# How seldom a key that this process does not know makes it look again.
RECHECKED: Final = timedelta(seconds=1)

_ID_LENGTH: Final = 20
_ID: Final = re.compile(rf"[0-9a-z]{{{_ID_LENGTH}}}")


class _Named(BaseModel):
    """A key as the row names it."""

    model_config = ConfigDict(frozen=True)

    id: str
    created_at: datetime


class _Names(BaseModel):
    keys: tuple[_Named, ...] = ()


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key pair on the curve P-256."""

    id: str
    created_at: datetime
    private: EllipticCurvePrivateKey = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Set:
    """What the row named when it was read, and those of its keys that the vault has."""

    etag: str | None
    named: Sequence[_Named]
    keys: Sequence[SigningKey]


class SigningKeys:
    """The key pairs of the installation, from a cache of one minute."""

    def __init__(self, storage: Storage, vault: Vault, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._vault = vault
        self._now = now
        self._set = Refreshed(self._read, now, fresh=FRESH, outage=OUTAGE)
        self._making = asyncio.Lock()

    async def signing(self) -> SigningKey:
        """Return the key that signs now. Makes one when there is none or the newest is old."""
        found = await self._set.get()
        if self._is_due(found):
            found = await self._renewed(found)
        announced = self._now() - ANNOUNCED
        # With only one key there was none before it to sign meanwhile.
        return next((key for key in found.keys if key.created_at <= announced), found.keys[-1])

    async def verifying(self, key_id: str) -> SigningKey | None:
        """Return the key of this id unless its tokens are all gone. Raises Unavailable."""
        if _ID.fullmatch(key_id) is None:
            return None
        found = _by_id(await self._set.get(), key_id)
        return found or _by_id(await self._set.younger_than(RECHECKED), key_id)

    def _is_due(self, found: _Set) -> bool:
        return not found.keys or self._now() - found.keys[0].created_at >= ROTATED

    async def _renewed(self, old: _Set) -> _Set:
        async with self._making:
            try:
                found = await self._set.younger_than(timedelta(0))
                if self._is_due(found):  # and no other call was faster
                    await self._make(found)
                    found = await self._set.younger_than(timedelta(0))
            except Unavailable:
                # An old key signs as well as a new one.
                if not old.keys:
                    raise
                return old
        if not found.keys:
            raise Unavailable("the signing key is not in the vault yet", retry_after=1)
        return found

    async def _make(self, found: _Set) -> None:
        from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - cold start

        made = _Named(id=lower_id(_ID_LENGTH), created_at=self._now())
        pem = _to_pem(ec.generate_private_key(ec.SECP256R1()))
        await self._vault.put(_secret_name(made.id), pem, expires_at=None, tags={})
        kept = _in_use(found.named, self._now())
        values = rows.pack(_Names(keys=(made, *kept)).model_dump(mode="json"))
        key = rows.SIGNING_KEYS
        change = Insert(key, values) if found.etag is None else Replace(key, values, found.etag)
        try:
            await self._storage.commit(rows.INSTALLATION, [change])
        except Conflict:
            # Another process was faster; nobody has seen this key.
            await self._vault.delete(_secret_name(made.id))
            return
        for gone in found.named:
            if gone not in kept:
                await self._vault.delete(_secret_name(gone.id))

    async def _read(self) -> _Set:
        row = await self._storage.get(rows.INSTALLATION, rows.SIGNING_KEYS)
        if row is None:
            return _Set(None, (), ())
        named = _Names.model_validate(rows.unpack(row.values)).keys
        found = await asyncio.gather(*map(self._key, _in_use(named, self._now())))
        return _Set(row.etag, named, [key for key in found if key is not None])

    async def _key(self, named: _Named) -> SigningKey | None:
        secret = await self._vault.get(_secret_name(named.id))
        private = None if secret is None else _from_pem(secret.value)
        return None if private is None else SigningKey(named.id, named.created_at, private)


def _in_use(named: Sequence[_Named], now: datetime) -> list[_Named]:
    """Return the keys, newest first, without those whose last tokens have expired."""
    # A process that cannot read the row may sign with the key before for as long as OUTAGE.
    overlap = ANNOUNCED + OUTAGE + TOKEN_LIFE
    followers = [None, *named]
    return [
        each
        for each, follower in zip(named, followers, strict=False)
        if follower is None or now - follower.created_at < overlap
    ]


def _by_id(found: _Set, key_id: str) -> SigningKey | None:
    return next((key for key in found.keys if key.id == key_id), None)


def _secret_name(key_id: str) -> str:
    return f"signing-key-{key_id}"


def _to_pem(key: EllipticCurvePrivateKey) -> str:
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - cold start

    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def _from_pem(text: str) -> EllipticCurvePrivateKey | None:
    """Return the key; None for what somebody else put into the vault."""
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415 - cold start
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415 - cold start
        load_pem_private_key,
    )

    try:
        key = load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError):
        return None
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    return None
