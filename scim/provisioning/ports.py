"""The ports: one sorted map with atomic batches, a vault, and what others publish on the web."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

Value = str | int

# Limits of Table Storage, which every engine enforces so that none can be outgrown unseen.
COMMIT_ROWS = 100
COMMIT_BYTES = 3 * 1024 * 1024
ROW_BYTES = 1024 * 1024
PROPERTY_BYTES = 64 * 1024
ROW_PROPERTIES = 200
KEY_LENGTH = 400
SCAN_ROWS = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """A stored row; `etag` is opaque and never repeats, not even after delete and insert."""

    key: str
    etag: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in key order; `after` continues the scan and is None at its end, never by row count."""

    rows: Sequence[Row]
    after: str | None


@dataclass(frozen=True, slots=True)
class Insert:
    """Write a row that must not exist."""

    key: str
    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Replace:
    """Write a row that must exist with this etag; all its values are replaced."""

    key: str
    values: Mapping[str, Value]
    etag: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove a row that must exist, with this etag; None is any etag.

    None is for rows whose every change is guarded by another row of the same commit.
    """

    key: str
    etag: str | None


@dataclass(frozen=True, slots=True)
class Put:
    """Write a row, whether it exists or not."""

    key: str
    values: Mapping[str, Value]


Operation = Insert | Replace | Delete | Put


class Conflict(Exception):
    """A commit was refused as a whole because the row `key` is not as its operation demands."""

    def __init__(self, key: str) -> None:
        super().__init__(f"the row {key} is not as expected")
        self.key = key


class LimitExceeded(Exception):
    """A key, row, property or commit is beyond a limit of the port; nothing was written."""


class Unavailable(Exception):
    """A dependency does not answer, is throttled or broken; `retry_after` in seconds.

    When `commit` raises it, the commit may or may not have taken effect, and may still do so.
    """

    def __init__(self, what: str, retry_after: int = 5) -> None:
        super().__init__(what)
        self.retry_after = retry_after


class Storage(Protocol):
    """One sorted map per partition. Keys are ASCII letters, digits and - _ . : ~ only."""

    async def get(self, partition: str, key: str) -> Row | None:
        """Return the row, or None."""
        ...

    async def scan(
        self,
        partition: str,
        first: str,
        last: str,
        limit: int = SCAN_ROWS,
        after: str | None = None,
    ) -> Page:
        """Return rows with first <= key < last in key order (by code point).

        At most `limit` (<= SCAN_ROWS) rows; a page may be cut early, even empty, while `after` is
        set. `after` is the opaque continuation of the page before. There is no snapshot.
        """
        ...

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Apply all operations or none; each key at most once. Raise Conflict, LimitExceeded."""
        ...

    async def close(self) -> None:
        """Release connections and files."""
        ...


@dataclass(frozen=True, slots=True)
class SecretProperties:
    """What a vault tells of a secret without its value."""

    name: str
    enabled: bool
    expires_at: datetime | None
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Secret:
    """The current version of a secret."""

    value: str = field(repr=False)
    properties: SecretProperties


class Vault(Protocol):
    """Named secrets. Names are lower-case letters, digits and hyphens.

    An expired secret is still returned: whoever asks compares `expires_at`. Every method raises
    Unavailable when the vault cannot answer.
    """

    async def get(self, name: str) -> Secret | None:
        """Return the secret; None when there is none, it is disabled, or it was deleted."""
        ...

    async def put(
        self, name: str, value: str, *, expires_at: datetime | None, tags: Mapping[str, str]
    ) -> None:
        """Create the secret, or give it a new version, enabled."""
        ...

    async def update(
        self, name: str, *, enabled: bool | None = None, expires_at: datetime | None = None
    ) -> bool:
        """Change the current version in place; None leaves a property; False if there is none."""
        ...

    async def delete(self, name: str) -> bool:
        """Delete the secret; False if there was none. Its name may stay reserved for a while."""
        ...

    def list(self) -> AsyncIterator[SecretProperties]:
        """Iterate over all secrets that are not deleted, in no particular order."""
        ...

    async def close(self) -> None:
        """Release connections and files."""
        ...


class Fetch(Protocol):
    """Documents that others publish under https addresses."""

    async def __call__(self, address: str) -> bytes:
        """Return the document: bounded in size and time, never from where a redirect points.

        Raises Unavailable for everything else that happens.
        """
        ...
