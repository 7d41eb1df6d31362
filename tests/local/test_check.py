"""The command that checks a store."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import local.check
from local.setup import SetupFailed
from scim.provisioning import rows
from scim.provisioning.directories.directories import Directories
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


async def fill_by_rule(folder: Path, schemas: str) -> str:
    """Leave a store with a rule by a declared attribute, applied to all, and a user it matches."""
    storage = SqliteStorage(folder / "rollcall.db")
    async with running(folder, storage, EXTENSION_SCHEMAS=schemas) as endpoint:
        directory = await endpoint.directory("demo")
        rule = {
            "name": "Night shift",
            "condition": 'urn:example:shifts:1.0:User:shift eq "night"',
            "grants": [{"tenant": "works", "role": "Guard"}],
        }
        assert (await endpoint.manage("POST", "/rules", rule)).status == 201
        for _ in range(2):
            await endpoint.services.upkeep.run()
            endpoint.clock.forward(minutes=3)
        await directory.create_user(**{"urn:example:shifts:1.0:User": {"shift": "night"}})
        return str((await directory.create_user())["id"])


async def give(folder: Path, user_id: str) -> None:
    """Give a user what no rule grants."""
    storage = SqliteStorage(folder / "rollcall.db")
    [directory] = await Directories(storage, lambda: datetime.now(UTC)).all()
    row = await storage.get(rows.partition(directory.id), rows.user(user_id))
    assert row is not None
    held = {"tenant": "works", "role": "Guard", "rules": ["x"], "since": "", "message": ""}
    values = {**row.values, "access": json.dumps([held])}
    await storage.commit(rows.partition(directory.id), [Put(row.key, values)])
    await storage.close()


def test_access_is_checked_by_the_schemas_of_the_environment(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the product has them: what they grant is right, and what nobody grants is told."""
    schema = {
        "id": "urn:example:shifts:1.0:User",
        "name": "Shifts",
        "attributes": [{"name": "shift", "type": "string"}],
    }
    schemas = json.dumps([schema])
    user_id = asyncio.run(fill_by_rule(tmp_path, schemas))
    monkeypatch.setenv("EXTENSION_SCHEMAS", schemas)
    assert local.check.main(tmp_path) == 0
    asyncio.run(give(tmp_path, user_id))
    assert local.check.main(tmp_path) == 1
    assert f"{rows.user(user_id)}: has not the access" in capsys.readouterr().out


def test_a_folder_without_a_store_is_one_clear_line(tmp_path: Path) -> None:
    """It says how a store is made."""
    with pytest.raises(SetupFailed, match="local start"):
        local.check.main(tmp_path)
