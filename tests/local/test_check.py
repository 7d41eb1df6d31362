"""The command that checks a store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

import local.check
from local.setup import SetupFailed
from scim.provisioning import rows
from scim.provisioning.ports import Put
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import running


async def fill(folder: Path, *, damage: bool) -> None:
    """Leave a store with a user in a folder."""
    async with running(folder, SqliteStorage(folder / "rollcall.db")) as endpoint:
        directory = await endpoint.directory("demo")
        await directory.create_user()
        if damage:
            storage = endpoint.services.storage
            await storage.commit(rows.partition(directory.id), [Put("n_0", {"f": 1, "id": "0"})])


@pytest.mark.parametrize("status", [0, 1])
def test_damage_is_told_and_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int
) -> None:
    """Each problem is a line on standard output; the exit status is 1 when there is one."""
    damage = status == 1
    asyncio.run(fill(tmp_path, damage=damage))
    assert local.check.main(tmp_path) == status
    assert ("n_0: belongs to no resource" in capsys.readouterr().out) is damage


def test_a_folder_without_a_store_is_one_clear_line(tmp_path: Path) -> None:
    """It says how a store is made."""
    with pytest.raises(SetupFailed, match="local start"):
        local.check.main(tmp_path)
