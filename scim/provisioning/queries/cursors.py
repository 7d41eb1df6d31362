"""Cursors of RFC 9865: sealed, expiring, bound to a directory and a query."""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from scim.protocol.errors import ExpiredCursor, InvalidCursor
from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.ports import Conflict, Insert, Storage, Value

LIFE: Final = timedelta(hours=1)
_SEAL: Final = 16  # bytes of HMAC-SHA-256
_LENGTH: Final = 2000  # characters; ours stay far below


class Cursors:
    """Seals and opens cursors with a key that all processes of the installation share."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._key: bytes | None = None

    async def seal(self, directory: str, query: str, position: object) -> str:
        """Return a cursor to a position (any JSON) in the results of a query."""
        bound = _bound(directory, query)
        content = json.dumps([milliseconds(self._now()), bound, position]).encode()
        seal = hmac.digest(await self._shared_key(), content, "sha256")[:_SEAL]
        return urlsafe_b64encode(seal + content).decode().rstrip("=")

    async def open(self, directory: str, query: str, cursor: str) -> object:
        """Return the position. Raises InvalidCursor, ExpiredCursor (RFC 9865 §2.1)."""
        sealed = _decoded(cursor)
        seal, content = sealed[:_SEAL], sealed[_SEAL:]
        key = await self._shared_key()
        if not hmac.compare_digest(seal, hmac.digest(key, content, "sha256")[:_SEAL]):
            raise InvalidCursor("The cursor was not given out here; start again without one.")
        issued, bound, position = json.loads(content)
        if bound != _bound(directory, query):
            raise InvalidCursor(
                "The cursor belongs to another query; repeat filter and sorting as they were."
            )
        if milliseconds(self._now()) - issued > LIFE.total_seconds() * 1000:
            raise ExpiredCursor("The cursor is too old; start again without one.")
        return position

    async def _shared_key(self) -> bytes:
        if self._key is None:
            row = await self._storage.get(rows.INSTALLATION, rows.CURSOR_KEY)
            if row is None:
                made = secrets.token_bytes(32)
                values: dict[str, Value] = {"f": rows.FORMAT, "key": made.hex()}
                try:
                    await self._storage.commit(rows.INSTALLATION, [Insert(rows.CURSOR_KEY, values)])
                except Conflict:
                    return await self._shared_key()
                self._key = made
            else:
                self._key = bytes.fromhex(str(row.values["key"]))
        return self._key


def _bound(directory: str, query: str) -> str:
    return sha256(f"{directory}\n{query}".encode()).hexdigest()[:32]


def _decoded(cursor: str) -> bytes:
    try:
        if len(cursor) > _LENGTH or not cursor.isascii():
            raise ValueError  # noqa: TRY301 - the same answer as for what cannot be decoded
        decoded = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        # Spellings that decode alike would let a changed character pass.
        if urlsafe_b64encode(decoded).decode().rstrip("=") != cursor:
            raise ValueError  # noqa: TRY301 - as above
    except (ValueError, Base64Error):
        raise InvalidCursor("This is no cursor; use `nextCursor` as it was answered.") from None
    return decoded
