"""Saving a store and filling another from the file."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator, Sequence
from io import BytesIO
from pathlib import Path
from uuid import uuid4

import pytest

from local.backup import main, restore, save
from local.commands import parse
from local.setup import SetupFailed
from scim.provisioning import rows
from scim.provisioning.ports import Operation, Put, Storage, Unavailable
from scim.provisioning.scans import scan_rows
from scim.provisioning.upkeep.checker import check
from scim.storage.sqlite import SqliteStorage
from tests.azurite_fixture import azurite
from tests.endpoint import Counted, Endpoint, running
from tests.storage.engines import Store

__all__ = ["azurite"]


@pytest.fixture
async def saved(endpoint: Endpoint) -> BytesIO:
    """Save an installation of two directories, one of which has people."""
    directory = await endpoint.directory("first")
    await endpoint.directory("second")
    ids = [(await directory.create_user(displayName="Zoë \u2028 Ω"))["id"] for _ in range(30)]
    await directory.create_group("Tunnels", ids)
    file = BytesIO()
    await save(endpoint.services.storage, file)
    file.seek(0)
    return file


@pytest.fixture(params=["sqlite", "azurite"])
async def empty(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    """Open a new store of either engine."""
    store = Store(path=str(tmp_path / "other.db"))
    if request.param == "azurite":
        store = Store(connection_string=request.getfixturevalue("azurite"), table=f"t{uuid4().hex}")
    storage = store.open()
    yield storage
    await storage.close()


async def everything(storage: Storage, partition: str) -> dict[str, dict[str, str | int]]:
    """Return all rows of a partition."""
    return {row.key: dict(row.values) async for row in scan_rows(storage, partition, "", rows.END)}


async def test_what_was_saved_is_restored(
    endpoint: Endpoint, saved: BytesIO, empty: Storage
) -> None:
    """Every row of every directory is there with its values, and the rows agree."""
    number = await restore(empty, saved)
    directories = await endpoint.services.directories.all()
    partitions = [rows.INSTALLATION, *(rows.partition(each.id) for each in directories)]
    restored = [await everything(empty, each) for each in partitions]
    assert restored == [await everything(endpoint.services.storage, each) for each in partitions]
    assert number == sum(len(each) for each in restored)
    for each in partitions[1:]:
        assert await check(empty, each, endpoint.clock()) == []


async def test_the_product_goes_on_with_what_was_restored(
    endpoint: Endpoint, saved: BytesIO, tmp_path: Path
) -> None:
    """The same token reads the same people, and changes them."""
    storage = SqliteStorage(tmp_path / "other.db")
    await restore(storage, saved)
    (directory,) = [
        each for each in await endpoint.services.directories.all() if each.name == "first"
    ]
    token = await endpoint.services.tokens.create(directory.id, "another")
    async with running(tmp_path, storage, endpoint.services.vault) as other:
        answer = await other.send(
            "GET",
            f"/scim/v2/{directory.id}/Users",
            None,
            {"Authorization": f"Bearer {token.value}"},
        )
    assert answer.json["totalResults"] == 30


async def test_a_store_in_use_is_not_overwritten(endpoint: Endpoint, saved: BytesIO) -> None:
    """A table with an installation is refused before anything is written."""
    endpoint.storage.written = 0
    with pytest.raises(SetupFailed, match="holds an installation"):
        await restore(endpoint.storage, saved)
    assert endpoint.storage.written == 0


@pytest.mark.parametrize("left", [0, 100, -20, -1])
async def test_a_file_that_was_cut_off_restores_nothing(saved: BytesIO, left: int) -> None:
    """Compressed or not, wherever it ends: nothing is written, and one sentence says so."""
    whole = saved.read()
    compressed = gzip.GzipFile(fileobj=BytesIO(gzip.compress(whole)[:left]))
    storage = Counted(SqliteStorage(":memory:"))
    for file in (BytesIO(whole[: left - 2]), compressed):
        with pytest.raises(SetupFailed, match="cut off"):
            await restore(storage, file)
    assert storage.written == 0
    await storage.close()


async def test_a_throttled_table_is_waited_for(saved: BytesIO) -> None:
    """A commit that is put off is sent again, and what was interrupted can be repeated."""

    class Throttled(Counted):
        refusals = 3

        async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
            self.refusals -= 1
            if self.refusals >= 0:
                raise Unavailable("busy", retry_after=0)
            await super().commit(partition, operations)

    storage = Throttled(SqliteStorage(":memory:"))
    assert await restore(storage, saved) == storage.written
    await storage.close()


async def test_large_rows_are_spread_over_commits() -> None:
    """No commit outgrows the limit of the service, however large its rows are."""
    source, target = SqliteStorage(":memory:"), SqliteStorage(":memory:")
    for number in range(12):
        large = {f"v{part}": "x" * 32_000 for part in range(15)}
        await source.commit(rows.INSTALLATION, [Put(f"k_{number}", large)])
    file = BytesIO()
    await save(source, file)
    file.seek(0)
    assert await restore(target, file) == 12
    await source.close()
    await target.close()


def test_no_file_is_overwritten(tmp_path: Path) -> None:
    """A backup that is there stays, one that is missing is told of, a vain try leaves none."""
    table = "--table=https://account.table.core.windows.net/rollcall"
    there = tmp_path / "there.gz"
    there.write_bytes(b"old")
    with pytest.raises(SetupFailed, match="File exists"):
        main(parse(["save", str(there), table]))
    assert there.read_bytes() == b"old"
    with pytest.raises(SetupFailed, match="No such file"):
        main(parse(["restore", str(tmp_path / "missing.gz"), table]))
    unreached = tmp_path / "new.gz"
    with pytest.raises(SetupFailed, match="az login"):
        main(parse(["save", str(unreached), "--table=https://127.0.0.1:1/rollcall"]))
    assert not unreached.exists()
    with pytest.raises(SetupFailed, match="address of a table"):
        main(parse(["restore", str(there), "--table=rollcall"]))
