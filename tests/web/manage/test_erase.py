"""Erasing a deleted person."""

from __future__ import annotations

from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.log.entries import Did
from scim.provisioning.scans import scan_rows
from scim.provisioning.upkeep import erasure
from scim.provisioning.upkeep.checker import check
from tests.endpoint import Answer, Directory

NAMES = ("kim", "holm")
GONE = "01a21293-b657-78c4-939f-61a62126ba7a"


async def erase(directory: Directory, user: str) -> Answer:
    """Ask for it."""
    path = f"/directories/{directory.id}/users/{user}/erase"
    return await directory.endpoint.manage("POST", path)


async def everything(directory: Directory) -> str:
    """Return every row of the directory as text."""
    storage = directory.endpoint.services.storage
    found = scan_rows(storage, rows.partition(directory.id), "", rows.END)
    return "\n".join([str(row) async for row in found])


@pytest.fixture
async def deleted(directory: Directory) -> str:
    """Let a person come, change, fail, join and go; its record is kept."""
    policy = {"policy": {"deleteUserMeans": "disable", "loggedValues": ["title", "userName"]}}
    await directory.endpoint.manage("PATCH", f"/directories/{directory.id}", policy)
    kim = (await directory.create_user(userName="kim@example.com", title="Captain Kim"))["id"]
    await directory.create_user(userName="lee@example.com")
    await directory.create_group("Tunnels", [kim])
    change = [
        {"op": "replace", "path": "userName", "value": "Holm@example.com"},
        {"op": "replace", "path": "title", "value": "Captain Holm"},
    ]
    await directory.patch(kim, *change)
    await directory.patch(kim, {"op": "replace", "path": "active", "value": "kim perhaps"})
    await directory.send("POST", "/Users", {"userName": "HOLM@example.com", "nickName": "holm"})
    members = [{"value": kim, "display": "Kim Holm"}, {"value": GONE}]
    group = (await directory.create_group("Bridges"))["id"]
    add = {"op": "add", "path": "members", "value": members}
    assert (await directory.patch_group(group, add)).status == 400
    await directory.send("DELETE", f"/Users/{kim}")
    await directory.patch(kim, {"op": "replace", "path": "title", "value": "holm"})
    return str(kim)


async def test_nothing_is_left_of_a_person(
    directory: Directory, deleted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name, no hash of one, no value in log, events and record; what happened stays."""
    monkeypatch.setattr(erasure, "BATCH", 2)
    endpoint = directory.endpoint
    text = (await everything(directory)).lower()
    assert all(name in text for name in (*NAMES, rows.digest("holm@example.com")))
    before = await directory.log()
    answer = await erase(directory, deleted)
    assert answer.status == 202
    job = answer.headers["Location"].rpartition("/")[2]
    assert (await endpoint.manage("GET", f"/jobs/{job}")).json["kind"] == "erase"
    await endpoint.services.upkeep.run()
    assert (await endpoint.manage("GET", f"/jobs/{job}")).status == 404
    text = (await everything(directory)).lower()
    digests = [rows.digest(f"{name}@example.com") for name in NAMES]
    assert [each for each in (*NAMES, *digests) if each in text] == []
    after = await directory.log()
    assert [each.operations for each in after] == [(Did.ERASE,), *(e.operations for e in before)]
    assert (after[0].target.id, after[0].target.identifier) == (deleted, "")
    assert after[0].actor == "management key"
    assert [each.adds for each in after[1:]] == [each.adds for each in before]
    log = await endpoint.manage("GET", f"/directories/{directory.id}/log?user={deleted}")
    told = [" ".join(each["operations"]) for each in log.json["items"]]
    assert told == ["erase", "update", "delete", "enable", "update", "create addMembers", "create"]
    services = endpoint.services
    assert await check(services.storage, rows.partition(directory.id), services.now()) == []


async def test_others_keep_their_values(directory: Directory, deleted: str) -> None:
    """What the log says of somebody else stays as it was."""

    async def of_lee() -> Any:
        path = f"/directories/{directory.id}/log?user=lee@example.com"
        return (await directory.endpoint.manage("GET", path)).json["items"]

    before = await of_lee()
    await erase(directory, deleted)
    await directory.endpoint.services.upkeep.run()
    assert await of_lee() == before
    assert before[0]["target"]["identifier"] == "lee@example.com"


async def test_who_is_there_is_not_erased(directory: Directory) -> None:
    """409 for a user that is not deleted, 404 for one that nobody knows, and for a group."""
    kim = (await directory.create_user())["id"]
    assert (await erase(directory, kim)).status == 409
    group = (await directory.create_group("Tunnels"))["id"]
    for unknown in (GONE, "kim", group):
        assert (await erase(directory, unknown)).status == 404


async def test_erasing_twice_does_no_harm(directory: Directory, deleted: str) -> None:
    """The second time finds the same entries, and nothing to do."""
    for _ in range(2):
        assert (await erase(directory, deleted)).status == 202
        await directory.endpoint.services.upkeep.run()
        assert "holm" not in (await everything(directory)).lower()
