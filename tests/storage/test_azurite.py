"""Azurite as this repository runs it."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from local.azurite import running
from local.setup import SetupFailed
from scim.provisioning.ports import Insert, Unavailable
from scim.storage.tables import TablesStorage
from tests.azurite_fixture import FOLDER
from tests.storage.engines import read
from tests.storage.test_storage_contract import ROOT, P

DIES = f"""
import os, sys
from pathlib import Path
from local.azurite import running

run = running(Path({str(FOLDER)!r}))
print(run.__enter__(), flush=True)
os._exit(1)
"""


def connect(connection_string: str, *, create_table: bool) -> TablesStorage:
    """Open a table that is there or made on the way."""
    return TablesStorage.from_connection_string(
        connection_string, "rollcall", create_table=create_table, timeout=2
    )


async def test_it_is_empty_at_every_start_and_gone_at_the_end(azurite: str) -> None:
    """Two runs share nothing, not even the account's key, and the second ends with its block."""
    with running(FOLDER) as connection_string:
        assert connection_string != azurite
        storage = connect(connection_string, create_table=False)
        with pytest.raises(Unavailable, match="TableNotFound"):
            await storage.get(P, "a")
        await storage.close()
        storage = connect(connection_string, create_table=True)
        await storage.commit(P, [Insert("a", {"n": 1})])
        assert (await read(storage, P, "a")).values == {"n": 1}
    with pytest.raises(Unavailable):
        await storage.get(P, "a")
    await storage.close()


async def test_it_does_not_outlive_its_owner(azurite: str) -> None:
    """When the process that started it dies without a word, it ends too."""
    assert azurite
    owner = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", DIES), stdout=asyncio.subprocess.PIPE, cwd=ROOT
    )
    output, _ = await owner.communicate()
    storage = connect(output.decode().strip(), create_table=False)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await storage.get(P, "a")
    await storage.close()


def test_a_folder_without_it_is_told(tmp_path: Path) -> None:
    """Starting what is not installed says what Node says."""
    with pytest.raises(SetupFailed, match="Cannot find module"), running(tmp_path):
        pass
