"""The check of access finds every user who has other access than the rules in force grant."""

from __future__ import annotations

import dataclasses
from typing import Any

import orjson
import pytest

from scim.provisioning import rows
from scim.provisioning.changes import user_rows
from scim.provisioning.ports import Put
from scim.provisioning.rule_sync.walk import SyncState
from scim.provisioning.rules.rulings import Ruled
from scim.provisioning.stored_users import load_user
from scim.provisioning.upkeep import access_check
from scim.provisioning.upkeep.access_check import check_access
from tests.endpoint import Directory
from tests.provisioning.test_rule_sync import put, rule

HELD = {"tenant": "home", "role": "One", "rules": ["One"], "since": "", "message": ""}


async def found(directory: Directory) -> dict[str, str]:
    """Return what is said of each user, by id."""
    services = directory.endpoint.services
    problems, cursor = await check_access(
        services.storage, await services.rules.latest(), directory.id
    )
    assert cursor == ""
    return {rows.last_part(each.key): each.problem for each in problems}


async def damage(directory: Directory, user_id: str, **values: Any) -> None:
    """Give a user's row other access, or the number of other rules."""
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    user = await load_user(storage, partition, user_id)
    assert user is not None
    if "access" in values:
        values["access"] = orjson.dumps(values["access"]).decode()
    await storage.commit(partition, [user_rows.own_row(Ruled(dataclasses.replace(user, **values)))])


@pytest.fixture
async def synced(directory: Directory) -> Directory:
    """Return a directory to which a rule for crews is applied."""
    await put(directory.endpoint, rule("One", 'title eq "Crew"'))
    await directory.endpoint.services.upkeep.run()
    directory.endpoint.clock.forward(minutes=3)
    await directory.endpoint.services.upkeep.run()
    return directory


@pytest.mark.parametrize(
    ("title", "active", "access", "problem"),
    [
        ("Crew", True, [HELD], ""),
        ("Lead", True, [], ""),
        ("Crew", False, [], ""),
        ("Crew", True, [], "lacks One in home by One"),
        ("Lead", True, [HELD], "has One in home by One"),
        ("Crew", False, [HELD], "has One in home by One"),
        ("Crew", True, [HELD, HELD], "has One in home by One"),
        ("Crew", True, [HELD | {"role": "Two"}], "lacks One in home by One, has Two in home"),
        ("Crew", True, [HELD | {"rules": ["Old"]}], "has One in home by Old"),
    ],
)
async def test_other_access_than_the_rules_grant_is_found(
    synced: Directory, title: str, *, active: bool, access: list[Any], problem: str
) -> None:
    """What is missing and what is too much, and nothing of those whose access is right."""
    await synced.create_user(title="Crew")
    user = (await synced.create_user(title=title, active=active))["id"]
    await damage(synced, user, access=access)
    said = await found(synced)
    assert list(said) == ([user] if problem else [])
    assert problem in said.get(user, "")


async def test_nothing_is_wrong_while_rules_are_applied(synced: Directory) -> None:
    """Due, on its way or to be closed: the walk still comes by. Behind a finished one nobody is."""
    user = (await synced.create_user(title="Crew"))["id"]
    endpoint = synced.endpoint
    await damage(synced, user, access=[])
    assert list(await found(synced)) == [user]
    await put(endpoint, rule("One", 'title eq "Crew"'), rule("Two"))
    assert await found(synced) == {}
    await endpoint.services.upkeep.run()
    assert not (await endpoint.services.rule_sync.state(synced.id)).finished
    await damage(synced, user, rules=1)
    assert await found(synced) == {}
    storage, partition = endpoint.services.storage, rows.partition(synced.id)
    row = await storage.get(partition, rows.RULE_SYNC)
    assert row is not None
    state = SyncState.model_validate(rows.unpack(row.values))
    finished = state.model_copy(update={"finished": True}).model_dump(mode="json")
    await storage.commit(partition, [Put(rows.RULE_SYNC, rows.pack(finished))])
    assert await found(synced) == {user: "was left behind by set 3 of the rules"}
    await damage(synced, user, rules=4, access=[])
    assert await found(synced) == {}


async def test_a_check_goes_from_slice_to_slice(
    synced: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The job tells of everyone, whatever fits a slice; each slice is a step of the job."""
    monkeypatch.setattr(access_check, "USERS", 2)
    users = [(await synced.create_user(title="Crew"))["id"] for _ in range(5)]
    for each in users[1:]:
        await damage(synced, each, access=[])
    endpoint = synced.endpoint
    begun = await endpoint.manage("POST", f"/directories/{synced.id}/check")
    await endpoint.services.upkeep.run()
    job = (await endpoint.manage("GET", f"/jobs/{begun.json['id']}")).json
    assert (job["state"], job["total"]) == ("done", 4)
    assert [each.split(":")[0] for each in job["problems"]] == [
        rows.user(each) for each in users[1:]
    ]
    stored = await endpoint.services.jobs.read(synced.id, begun.json["id"])
    assert stored is not None
    assert stored.batch == 4
