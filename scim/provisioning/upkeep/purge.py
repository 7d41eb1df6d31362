"""Purging deleted directories: batch by batch, and for good."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from scim.provisioning import rows
from scim.provisioning.directories.directories import Directories
from scim.provisioning.ports import COMMIT_ROWS, Conflict, Delete, Storage
from scim.provisioning.scans import first_rows
from scim.provisioning.tokens.stored import tokens_of
from scim.provisioning.tokens.tokens import Tokens


async def purge(
    storage: Storage,
    directories: Directories,
    tokens: Tokens,
    now: Callable[[], datetime],
    until: datetime,
) -> None:
    """Remove the data of deleted directories whose time has come; the next run goes on."""
    for directory in await directories.purging():
        for stored in await tokens_of(storage, directory.id):
            await tokens.remove(stored)
        ranges = [
            (rows.partition(directory.id), ""),
            (rows.INSTALLATION, rows.token(directory.id)),
            (rows.INSTALLATION, rows.client(directory.id)),
            (rows.INSTALLATION, rows.outbox(directory.id)),
        ]
        for partition, prefix in ranges:
            while found := await first_rows(
                storage, partition, prefix, prefix + rows.END, COMMIT_ROWS
            ):
                if now() >= until:
                    return
                with suppress(Conflict):  # another run removes them, too
                    await storage.commit(partition, [Delete(row.key, None) for row in found])
        await directories.forget(directory)
