"""Idempotency keys: a request that is repeated is answered with what the first one made."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from scim.protocol.errors import InvalidValue, ScimError
from scim.provisioning import rows
from scim.provisioning.ports import Conflict, Delete, Insert, Put, Storage, Unavailable
from scim.provisioning.scans import scan_rows

KEPT: Final = timedelta(hours=24)
ANSWERED_WITHIN: Final = timedelta(minutes=5)  # the host's limit on a request
KEY_LENGTH: Final = 255


class InProgress(ScimError):
    """The first request with this key has not been answered."""

    status = 409


class OtherRequest(ScimError):
    """The key was sent with another request before."""

    status = 422


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer as it is kept."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True)
class Keyed:
    """A request with its key: the key's row, and a hash of what else was sent."""

    row: str
    content: str

    @classmethod
    def read(cls, key: str, path: str, body: bytes) -> Keyed:
        """Return the request; a key counts for one path. Raises InvalidValue."""
        if not 1 <= len(key) <= KEY_LENGTH:
            raise InvalidValue(f"Idempotency-Key has to have 1 to {KEY_LENGTH} characters.")
        return cls(rows.idempotency(f"{path}\n{key}"), sha256(body).hexdigest())


class Idempotency:
    """Keeps the answers of requests with a key, without their secrets, for 24 hours."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now

    async def begin(self, request: Keyed) -> Answered | None:
        """Return the answer of the first request; None if this is the first.

        Raises InProgress, OtherRequest.
        """
        row = rows.pack({"content": request.content, "begunAt": self._now().isoformat()})
        try:
            await self._storage.commit(rows.INSTALLATION, [Insert(request.row, row)])
        except Conflict:
            return await self._first(request)
        except Unavailable:
            await self.abandon(request)  # nothing was done yet
            raise
        return None

    async def finish(self, request: Keyed, answered: Answered) -> None:
        """Keep the answer. The request is answered also when that fails."""
        kept = {
            "content": request.content,
            "begunAt": self._now().isoformat(),
            "status": answered.status,
            "headers": dict(answered.headers),
            "body": answered.body,
        }
        try:
            await self._storage.commit(rows.INSTALLATION, [Put(request.row, rows.pack(kept))])
        except Unavailable:
            return

    async def abandon(self, request: Keyed) -> None:
        """Forget a request that was refused: its repetition is a first one."""
        try:
            await self._storage.commit(rows.INSTALLATION, [Delete(request.row, None)])
        except (Conflict, Unavailable):
            return

    async def forget_old(self) -> None:
        """Remove what was kept for its time."""
        first = rows.idempotency()
        found = scan_rows(self._storage, rows.INSTALLATION, first, first + rows.END)
        async for row in found:
            begun_at = datetime.fromisoformat(rows.unpack(row.values)["begunAt"])
            if self._now() - begun_at >= KEPT:
                try:
                    await self._storage.commit(rows.INSTALLATION, [Delete(row.key, row.etag)])
                except Conflict:
                    continue  # another run has just done it

    async def _first(self, request: Keyed) -> Answered | None:
        row = await self._storage.get(rows.INSTALLATION, request.row)
        if row is None:  # it was abandoned in between
            return await self.begin(request)
        kept = rows.unpack(row.values)
        if kept["content"] != request.content:
            raise OtherRequest(
                "This Idempotency-Key came with another body before; send a new key."
            )
        if "status" in kept:
            return Answered(kept["status"], kept["headers"], kept["body"])
        if self._now() - datetime.fromisoformat(kept["begunAt"]) < ANSWERED_WITHIN:
            raise InProgress(
                "The first request with this Idempotency-Key is still worked on.",
                headers={"Retry-After": "5"},
            )
        raise InProgress(
            "The first request with this Idempotency-Key ended without an answer. Look whether "
            "what it was to make is there, then send a new key."
        )
