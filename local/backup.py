"""Saves the rows of a store into a file, and fills an empty store from it.

    python3 -m local save FILE --table https://ACCOUNT.table.core.windows.net/TABLE
    python3 -m local restore FILE --table https://ACCOUNT.table.core.windows.net/OTHER_TABLE

Table Storage has no snapshot: of changes made meanwhile the file may hold a part. The login is that
of `azd` or `az`.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
from collections.abc import Iterable, Iterator
from io import BufferedIOBase
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import orjson

from local.setup import SetupFailed, say
from scim.provisioning import rows
from scim.provisioning.ports import COMMIT_BYTES, COMMIT_ROWS, Put, Storage, Unavailable
from scim.provisioning.scans import first_rows, scan_rows
from scim.storage.credentials import azure_credential
from scim.storage.tables import TablesStorage

TRIES: Final = 20  # of one commit on a table that is throttled
_BATCH_BYTES: Final = COMMIT_BYTES // 2  # of lines; types take more in a request


def main(options: argparse.Namespace) -> int:
    """Save or restore, and say how many rows it were."""
    endpoint, _, table = options.table.rstrip("/").rpartition("/")
    if not endpoint.startswith("https://"):
        raise SetupFailed("--table takes the address of a table, its name at the end.")
    saving = options.command == "save"
    try:
        with _opened(options.file, writing=saving) as file:
            print(asyncio.run(_run(options.command, endpoint, table, file)), "rows")
    except (FileExistsError, FileNotFoundError) as error:
        raise SetupFailed(f"{options.file}: {error.strerror}") from None
    except Unavailable as error:
        if saving:
            options.file.unlink()
        raise SetupFailed(f"{error}. `az login` says who you are.") from None
    return 0


async def save(storage: Storage, file: BufferedIOBase) -> int:
    """Write all rows and return their number; the installation's come last."""
    directories = rows.directory(), rows.directory() + rows.END
    partitions = [
        rows.partition(rows.last_part(row.key))
        async for row in scan_rows(storage, rows.INSTALLATION, *directories)
    ]
    number = 0
    for partition in (*partitions, rows.INSTALLATION):
        say(f"Saving {partition} ...")
        async for row in scan_rows(storage, partition, "", rows.END):
            file.write(orjson.dumps([partition, row.key, row.values]) + b"\n")
            number += 1
    file.write(orjson.dumps({"rows": number}) + b"\n")  # the file is whole
    return number


async def restore(storage: Storage, file: BufferedIOBase) -> int:
    """Put all rows and return their number. Raises SetupFailed for a file or store that is unfit.

    What was interrupted can be repeated: until the end the store holds no installation.
    """
    if await first_rows(storage, rows.INSTALLATION, "", rows.END, 1):
        raise SetupFailed("The table holds an installation already; restore into an empty one.")
    number = _number_of_rows(file)
    lines = (orjson.loads(line) for line, _ in zip(file, range(number), strict=False))
    for partition, of_partition in groupby(lines, key=lambda line: str(line[0])):
        say(f"Restoring {partition} ...")
        for batch in _batches(of_partition):
            await _commit(storage, partition, batch)
    return number


def _number_of_rows(file: BufferedIOBase) -> int:
    """Return the number in the last line; the file then stands at its beginning again."""
    number, last = -1, b""
    try:
        for line in file:
            number, last = number + 1, line
        complete = orjson.loads(last) == {"rows": number}
    except (EOFError, orjson.JSONDecodeError):
        complete = False
    if not complete:
        raise SetupFailed("The file is cut off, or none that `save` has written.")
    file.seek(0)
    return number


def _batches(lines: Iterable[list[Any]]) -> Iterator[list[Put]]:
    batch: list[Put] = []
    size = 0
    for _, key, values in lines:
        added = len(orjson.dumps(values))
        if batch and (len(batch) == COMMIT_ROWS or size + added > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(Put(key, values))
        size += added
    yield batch


async def _commit(storage: Storage, partition: str, batch: list[Put]) -> None:
    """Commit, again and again while the service is throttled; repeating a Put is safe."""
    for left in reversed(range(TRIES)):
        try:
            await storage.commit(partition, batch)
        except Unavailable as error:
            if not left:
                raise
            await asyncio.sleep(error.retry_after)
        else:
            return


async def _run(command: str, endpoint: str, table: str, file: BufferedIOBase) -> int:
    credential = azure_credential(None, in_azure=False)
    storage = TablesStorage(endpoint, credential, table)
    try:
        return await (save if command == "save" else restore)(storage, file)
    finally:
        await storage.close()
        await credential.close()


def _opened(path: Path, *, writing: bool) -> BufferedIOBase:
    if writing:
        path.touch(0o600, exist_ok=False)  # it holds people; and no older one is lost
    return gzip.open(path, "wb" if writing else "rb")
