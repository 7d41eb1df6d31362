"""Credentials: how a secret that we give out is built, and what the vault keeps of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from zlib import crc32

ID_LENGTH: Final = 16
SECRET_BYTES: Final = 32

_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SECRET_LENGTH: Final = 43  # 256 bits in base62
_CHECK_LENGTH: Final = 6  # 32 bits in base62
_CREDENTIAL: Final = re.compile(
    rf"(?P<prefix>[a-z]+)_(?P<id>[0-9a-z]{{{ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH}}}"
    rf"(?P<check>[0-9A-Za-z]{{{_CHECK_LENGTH}}})"
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of credential: how its values begin, and how its secrets in the vault are called."""

    prefix: str
    stored_as: str

    def build(self, identifier: str, secret: bytes) -> str:
        """Return the value; its checksum tells a mistyped one without a look-up."""
        body = (
            f"{self.prefix}_{identifier}_{_base62(int.from_bytes(secret, 'big'), _SECRET_LENGTH)}"
        )
        return body + _checksum(body)

    def id_of(self, value: str) -> str | None:
        """Return the id of a value of this kind that is built rightly, else None."""
        match = _CREDENTIAL.fullmatch(value)
        if match is None or match["prefix"] != self.prefix:
            return None
        return match["id"] if match["check"] == _checksum(value[:-_CHECK_LENGTH]) else None

    def secret_name(self, identifier: str) -> str:
        """Return the name under which the vault keeps the digest."""
        return f"{self.stored_as}-{identifier}"


def digest(value: str) -> str:
    """Return what the vault keeps: a reader of the vault cannot call the endpoint."""
    return sha256(value.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _base62(crc32(body.encode()), _CHECK_LENGTH)


def _base62(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_BASE62))
        letters.append(_BASE62[rest])
    return "".join(reversed(letters))
