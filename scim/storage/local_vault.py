"""A vault in one SQLite file that only its owner can read: for a laptop, never for Azure."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from calendar import timegm
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from scim.provisioning.ports import Secret, SecretProperties, Unavailable

SCHEMA = """
CREATE TABLE IF NOT EXISTS secrets (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    expires_at INTEGER,
    tags TEXT NOT NULL
) WITHOUT ROWID
"""
NAME = re.compile(r"[a-z0-9-]{1,127}")
# Another process may hold the file while it writes; a write takes milliseconds.
LOCK_SECONDS = 5


class LocalVault:
    """The vault of one developer, shared by the processes that open the same file.

    The name of a deleted secret can be used again at once. Raises ValueError for a name that no
    vault knows.
    """

    def __init__(self, path: Path) -> None:
        # SQLite gives its journal the mode of the file, so the file gets it first.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
        path.chmod(0o600)
        # Made where the app is built, used where its event loop runs: never by both at once.
        self._database = sqlite3.connect(path, timeout=LOCK_SECONDS, check_same_thread=False)
        try:
            with self._transaction() as database:
                database.execute(SCHEMA)
        except Unavailable:
            self._database.close()
            raise

    async def get(self, name: str) -> Secret | None:
        """Return the secret; None when there is none or it is disabled."""
        with self._transaction() as database:
            row = database.execute(
                "SELECT value, name, enabled, expires_at, tags FROM secrets"
                " WHERE name = ? AND enabled",
                (_checked(name),),
            ).fetchone()
        return Secret(row[0], _properties(row[1:])) if row else None

    async def put(
        self, name: str, value: str, *, expires_at: datetime | None, tags: Mapping[str, str]
    ) -> None:
        """Create the secret, or replace it, enabled."""
        with self._transaction() as database:
            database.execute(
                "INSERT OR REPLACE INTO secrets VALUES (?, ?, 1, ?, ?)",
                (_checked(name), value, _seconds(expires_at), json.dumps(dict(tags))),
            )

    async def update(
        self, name: str, *, enabled: bool | None = None, expires_at: datetime | None = None
    ) -> bool:
        """Change what is not None; False if there is no such secret."""
        with self._transaction() as database:
            changed = database.execute(
                "UPDATE secrets SET enabled = coalesce(?, enabled),"
                " expires_at = coalesce(?, expires_at) WHERE name = ?",
                (enabled, _seconds(expires_at), _checked(name)),
            )
        return changed.rowcount > 0

    async def delete(self, name: str) -> bool:
        """Delete the secret for good; False if there was none."""
        with self._transaction() as database:
            deleted = database.execute("DELETE FROM secrets WHERE name = ?", (_checked(name),))
        return deleted.rowcount > 0

    async def list(self) -> AsyncIterator[SecretProperties]:
        """Iterate over all secrets."""
        with self._transaction() as database:
            rows = database.execute(
                "SELECT name, enabled, expires_at, tags FROM secrets"
            ).fetchall()
        for row in rows:
            yield _properties(row)

    async def close(self) -> None:
        """Close the file."""
        self._database.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._database:
                yield self._database
        except sqlite3.DatabaseError as error:
            # SQLite's own text names the cause (locked, full, not a database), never a value.
            raise Unavailable(f"the local vault cannot be used: {error}") from error


def _checked(name: str) -> str:
    if not NAME.fullmatch(name):
        raise ValueError(f"a secret's name is 1 to 127 of a-z, 0-9 and -, not {name!r}")
    return name


def _seconds(moment: datetime | None) -> int | None:
    # Whole seconds, as Key Vault keeps them.
    return None if moment is None else timegm(moment.utctimetuple())


def _properties(row: tuple[str, int, int | None, str]) -> SecretProperties:
    name, enabled, expires_at, tags = row
    expiry = None if expires_at is None else datetime.fromtimestamp(expires_at, UTC)
    return SecretProperties(name, bool(enabled), expiry, json.loads(tags))
