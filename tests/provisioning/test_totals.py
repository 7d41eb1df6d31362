"""Totals are exact, however much of the log is folded."""

from __future__ import annotations

import pytest

from scim.provisioning import rows
from scim.provisioning.changes import totals
from tests.endpoint import Directory


async def known(directory: Directory) -> dict[str, int]:
    """Return the totals, zeros left out."""
    services = directory.endpoint.services
    read = await totals.read(services.storage, rows.partition(directory.id), services.now())
    return {name: number for name, number in read.items() if number}


async def folded(directory: Directory) -> bool:
    """Whether a totals row is stored."""
    storage = directory.endpoint.services.storage
    return await storage.get(rows.partition(directory.id), rows.TOTALS) is not None


async def change(directory: Directory) -> None:
    """Create three users, disable one and delete one."""
    first, second, _ = [await directory.create_user() for _ in range(3)]
    await directory.patch(first["id"], {"op": "replace", "path": "active", "value": False})
    await directory.send("DELETE", f"/Users/{second['id']}")


async def test_totals_are_the_same_before_and_after_folding(directory: Directory) -> None:
    """Upkeep folds what is settled, again and again; nobody can tell from the numbers."""
    once = {"users": 2, "activeUsers": 1, "usersDeleted": 1}
    once |= {"User.create": 3, "User.disable": 1, "User.delete": 1}
    await change(directory)
    assert await known(directory) == once
    await directory.endpoint.services.upkeep.run()
    assert not await folded(directory)  # the newest minutes are not settled yet
    directory.endpoint.clock.forward(minutes=3)
    await directory.endpoint.services.upkeep.run()
    assert await folded(directory)
    assert await known(directory) == once
    await change(directory)
    twice = {name: 2 * number for name, number in once.items()}
    assert await known(directory) == twice
    directory.endpoint.clock.forward(minutes=3)
    await directory.endpoint.services.upkeep.run()
    await directory.endpoint.services.upkeep.run()
    assert await known(directory) == twice


async def test_a_commit_that_lands_late_is_counted(directory: Directory) -> None:
    """An entry whose key is older than others, but not settled, is added to the tail."""
    await change(directory)
    directory.endpoint.clock.forward(seconds=-40)
    await directory.create_user()
    directory.endpoint.clock.forward(minutes=3)
    await directory.endpoint.services.upkeep.run()
    assert (await known(directory))["users"] == 3


async def test_a_reader_folds_a_long_tail(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that had to add up many entries leaves less work for the next one."""
    monkeypatch.setattr(totals, "LONG_TAIL", 3)
    await change(directory)
    directory.endpoint.clock.forward(minutes=3)
    assert not await folded(directory)
    assert (await directory.send("GET", "/Users", query="count=0")).json["totalResults"] == 2
    assert await folded(directory)
