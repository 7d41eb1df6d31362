"""Where a test's rows are, in a form that also another process understands."""

from __future__ import annotations

from dataclasses import dataclass, field

from scim.provisioning.ports import Row, Storage
from scim.storage.sqlite import SqliteStorage
from scim.storage.tables import TablesStorage


@dataclass(frozen=True)
class Store:
    """A SQLite file or an Azurite table."""

    path: str = ""
    connection_string: str = field(default="", repr=False)
    table: str = ""

    def open(self) -> Storage:
        """Open an engine on it."""
        if self.path:
            return SqliteStorage(self.path)
        return TablesStorage.from_connection_string(
            self.connection_string, self.table, create_table=True
        )


async def read_all(
    storage: Storage, partition: str, *, first: str = "", last: str = "~", limit: int = 1000
) -> list[Row]:
    """Read a range to its end, page by page."""
    page = await storage.scan(partition, first, last, limit)
    rows = [*page.rows]
    while page.after is not None:
        page = await storage.scan(partition, first, last, limit, page.after)
        rows += page.rows
    return rows


async def read(storage: Storage, partition: str, key: str) -> Row:
    """Read a row that is there."""
    row = await storage.get(partition, key)
    assert row is not None, f"there is no row {key}"
    return row
