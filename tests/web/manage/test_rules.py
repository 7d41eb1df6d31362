"""Rules, tenants, previews and the rule sync of the management API; the seeds' scenario."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning.tokens.stored import Scope
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Answer, Directory, Endpoint, running
from tests.faults.engine import Shared

GRANT = {"tenant": "hr", "role": "Designer"}
EXTENSION = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"
SHIFT = {"name": "shift", "type": "string"}
NEW = {"name": "HR", "group": "HR-Designers", "grants": [GRANT]}


async def made(endpoint: Endpoint, **content: Any) -> Any:
    """Make a rule and return it."""
    answer = await endpoint.manage("POST", "/rules", NEW | content)
    assert answer.status == 201, answer.raw
    return answer.json


async def patched(endpoint: Endpoint, rule: str, **change: Any) -> Any:
    """Change a rule and return it."""
    answer = await endpoint.manage("PATCH", f"/rules/{rule}", change)
    assert answer.status == 200, answer.raw
    return answer.json


async def holders(endpoint: Endpoint, query: str = "role=Designer") -> list[str]:
    """Return the userNames of those who have access."""
    items = (await endpoint.manage("GET", f"/access?{query}")).json["items"]
    return [each["userName"] for each in items]


async def synced(endpoint: Endpoint) -> Any:
    """Run the timer now and once more when late commits have landed; return the rule sync."""
    await endpoint.services.upkeep.run()
    endpoint.clock.forward(minutes=3)
    await endpoint.services.upkeep.run()
    return (await endpoint.manage("GET", "/rule-sync")).json


async def test_the_scenario_of_the_seeds(directory: Directory) -> None:
    """A rule for a group gives and takes its role with everything that concerns a member.

    With the answer to a call of the identity provider; a change of the rule, by the timer.
    """
    endpoint = directory.endpoint
    rule = (await made(endpoint))["id"]
    await synced(endpoint)
    kim = (await directory.create_user(userName="kim"))["id"]
    group = (await directory.create_group("HR-Designers"))["id"]
    token = await endpoint.services.tokens.create(directory.id, "asks", Scope.ACCESS)

    async def has_role() -> bool:
        """Return what everyone is told; all are told the same."""
        sent = {"Authorization": f"Bearer {token.value}"}
        asked = await endpoint.send("GET", f"/access/v1/{directory.id}/users/{kim}", None, sent)
        why = await endpoint.manage(
            "GET", f"/directories/{directory.id}/users/{kim}/why?tenant=hr&role=Designer"
        )
        shown = await directory.send("GET", f"/Users/{kim}", query=f"attributes={EXTENSION}:access")
        right = [{**GRANT, "rules": [rule]}]
        told = (
            await holders(endpoint) == ["kim"],
            asked.json["access"] == right,
            why.json["granted"],
            shown.json.get(EXTENSION, {}).get("access") == right,
        )
        assert len(set(told)) == 1, told
        return told[0]

    async def member(op: str) -> None:
        await directory.patch_group(group, {"op": op, "path": "members", "value": [{"value": kim}]})

    async def active(value: bool) -> None:  # noqa: FBT001 - the attribute's value
        await directory.patch(kim, {"op": "replace", "path": "active", "value": value})

    async def name(value: str) -> None:
        await directory.patch_group(group, {"op": "replace", "path": "displayName", "value": value})

    async def enabled(value: bool) -> None:  # noqa: FBT001 - as above
        await patched(endpoint, rule, enabled=value)
        await endpoint.services.upkeep.run()

    assert not await has_role()
    for change, has in (
        (member("add"), True),
        (member("remove"), False),
        (member("add"), True),
        (active(False), False),
        (active(True), True),
        (enabled(False), False),
        (enabled(True), True),
        (name("Others"), False),
        (name("HR-Designers"), True),
    ):
        await change
        assert await has_role() is has
    await endpoint.manage("DELETE", f"/rules/{rule}")
    await endpoint.services.upkeep.run()
    assert not await has_role()


async def test_default_rules_are_made_once(endpoint: Endpoint) -> None:
    """Five stand there at first, each for its group; one that is deleted stays deleted."""
    items = (await endpoint.manage("GET", "/rules")).json["items"]
    assert {(each["group"], each["grants"][0]["role"]) for each in items} == {
        (name, name)
        for name in (
            "Participants",
            "Designers",
            "Developers",
            "Automation Admins",
            "Administrators",
        )
    }
    assert {each["grants"][0]["tenant"] for each in items} == {"home"}
    assert (await endpoint.manage("DELETE", f"/rules/{items[0]['id']}")).status == 200
    await endpoint.services.upkeep.run()
    left = (await endpoint.manage("GET", "/rules")).json["items"]
    assert [each["id"] for each in left] == [each["id"] for each in items[1:]]


async def test_a_rule_is_read_changed_and_deleted(endpoint: Endpoint) -> None:
    """A merge patch changes what it names; one form of condition takes the place of another."""
    rule = await made(endpoint)
    path = f"/rules/{rule['id']}"
    assert (await endpoint.manage("GET", path)).json == rule
    condition = 'groups.display eq "HR" and userType ne "Contractor"'
    after = await patched(endpoint, rule["id"], group=None, condition=condition)
    assert after == rule | {"group": None, "condition": condition}
    stale = await endpoint.manage("DELETE", path, headers={"If-Match": '"x"'})
    assert stale.status == 412
    assert (await endpoint.manage("DELETE", path)).status == 200
    assert (await endpoint.manage("GET", path)).status == 404


@pytest.mark.parametrize(
    ("content", "pointer", "detail"),
    [
        ({"condition": 'userName eq "x', "group": None}, "/condition", "Column 13"),
        ({"condition": "nope pr", "group": None}, "/condition", "nope (column 1)"),
        ({"condition": "active eq true"}, "", "exactly one"),
        ({"directory": "nowhere"}, "/directory", "no directory"),
        ({"grants": []}, "/grants", "at least 1"),
        ({"id": "mine"}, "/id", "not permitted"),
        ({"user_role": "x", "group": None}, "/user_role", "not permitted"),
    ],
)
async def test_a_mistake_is_placed(
    endpoint: Endpoint, content: Any, pointer: str, detail: str
) -> None:
    """422 with a pointer, and the column within a condition; nothing is stored."""
    before = (await endpoint.manage("GET", "/rules")).raw
    answer = await endpoint.manage("POST", "/rules", NEW | content)
    assert answer.status == 422
    faults = {each["pointer"]: each["detail"] for each in answer.json["errors"]}
    assert detail in faults[pointer]
    assert (await endpoint.manage("GET", "/rules")).raw == before


async def test_declared_rules_are_read_only(tmp_path: Path) -> None:
    """They are listed with their source, and say where to change them."""
    async with running(tmp_path, RULES=json.dumps([NEW])) as endpoint:
        items = (await endpoint.manage("GET", "/rules")).json["items"]
        [declared] = [each for each in items if each["source"] == "settings"]
        path = f"/rules/{declared['id']}"
        for method, body in (("PATCH", {"enabled": False}), ("DELETE", None)):
            refused = await endpoint.manage(method, path, body)
            assert refused.status == 409
            assert "RULES" in refused.json["detail"]
        assert (await endpoint.manage("GET", path)).json == declared


async def test_a_rule_whose_attribute_is_declared_no_more_says_so(tmp_path: Path) -> None:
    """It matches nobody; the list tells why, until the schema is back or the rule is changed."""
    schema = {"id": "urn:example:User", "name": "x", "attributes": [SHIFT]}
    inner = SqliteStorage(":memory:")
    schemas = json.dumps([schema])
    async with running(tmp_path, Shared(inner), EXTENSION_SCHEMAS=schemas) as endpoint:
        rule = await made(endpoint, group=None, condition='urn:example:User:shift eq "night"')
        assert rule["problem"] is None
    async with running(tmp_path, Shared(inner)) as endpoint:
        items = (await endpoint.manage("GET", "/rules")).json["items"]
        problems = {each["name"]: each["problem"] for each in items if each["problem"]}
        assert list(problems) == ["HR"]
        assert problems["HR"].startswith("urn:example:User:shift (column 1) is no attribute")
        after = await patched(endpoint, rule["id"], condition=None, group="HR-Designers")
        assert after["problem"] is None


async def test_tenants_and_roles_are_those_that_rules_name(endpoint: Endpoint) -> None:
    """Each tenant with its roles and rules."""
    rule = await made(endpoint, grants=[GRANT, {"tenant": "west", "role": "Lead"}])
    items = (await endpoint.manage("GET", "/tenants")).json["items"]
    assert [each["tenant"] for each in items] == ["home", "hr", "west"]
    assert items[1] == {"tenant": "hr", "roles": ["Designer"], "rules": [rule["id"]]}


async def many(directory: Directory, number: int) -> None:
    """Make users who have the role Designer by a rule."""
    await made(directory.endpoint, group=None, condition='title eq "Designer"')
    for each in range(number):
        await directory.create_user(userName=f"user-{each:02d}", title="Designer")


async def designer_rule(endpoint: Endpoint) -> str:
    """Return the id of the rule that `many` makes."""
    items = (await endpoint.manage("GET", "/rules")).json["items"]
    return str(next(each["id"] for each in items if each["name"] == "HR"))


async def test_a_preview_tells_who_gains_and_loses(directory: Directory) -> None:
    """For a new, a changed and a removed rule, with numbers and names; nothing is stored."""
    endpoint = directory.endpoint
    await many(directory, 25)
    await directory.create_user(userName="other", title="Lead")
    rule = await designer_rule(endpoint)
    before = (await endpoint.manage("GET", "/rules")).raw

    async def preview(**asked: Any) -> Any:
        answer = await endpoint.manage("POST", "/rule-previews", asked)
        assert answer.status == 200, answer.raw
        assert answer.json["complete"]
        return answer.json

    names = [f"user-{each:02d}" for each in range(20)]
    leads = {**NEW, "group": None, "condition": 'title eq "Lead"'}
    new = await preview(rule={**leads, "grants": [{"tenant": "hr", "role": "Lead"}]})
    assert new["gained"] == [{"tenant": "hr", "role": "Lead", "users": 1, "userNames": ["other"]}]
    assert (new["lost"], new["having"], new["losing"], new["held"]) == ([], 25, 0, False)
    changed = await preview(id=rule, rule=leads)
    assert [each["users"] for each in changed["gained"]] == [1]
    assert [(each["users"], each["userNames"]) for each in changed["lost"]] == [(25, names)]
    removed = await preview(id=rule)
    assert (removed["gained"], removed["losing"], removed["held"]) == ([], 25, True)
    assert (await endpoint.manage("GET", "/rules")).raw == before


async def test_a_preview_knows_what_other_rules_grant(directory: Directory) -> None:
    """Nobody loses a role that another rule grants too, or gains one that is there."""
    endpoint = directory.endpoint
    await many(directory, 3)
    await directory.create_user(userName="lead", title="Lead")
    lead = {"tenant": "hr", "role": "Lead"}
    content = {"name": "Other", "group": None, "condition": "title pr", "grants": [GRANT, lead]}
    other = (await made(endpoint, **content))["id"]

    async def preview(**asked: Any) -> Any:
        shown = (await endpoint.manage("POST", "/rule-previews", asked)).json
        lists = (shown["gained"], shown["lost"])
        numbers = [{each["role"]: each["users"] for each in those} for those in lists]
        return *numbers, shown["having"], shown["losing"]

    assert await preview(id=await designer_rule(endpoint)) == ({}, {}, 4, 0)  # not synced yet
    await synced(endpoint)
    both = {**NEW, "group": None, "condition": 'title sw "L"', "grants": [GRANT, lead]}
    assert await preview(id=await designer_rule(endpoint)) == ({}, {}, 4, 0)
    assert await preview(rule=both) == ({}, {}, 4, 0)
    assert await preview(id=other) == ({}, {"Designer": 1, "Lead": 4}, 4, 4)
    assert await preview(id=other, rule=both) == ({}, {"Lead": 3}, 4, 3)


async def test_a_preview_ends_in_time(directory: Directory) -> None:
    """It answers what it knows so far, and says that this is not all."""
    endpoint = directory.endpoint
    await many(directory, 60)
    endpoint.clock.step *= 20_000  # every look at the clock takes 20 s
    rule = await designer_rule(endpoint)
    answer = (await endpoint.manage("POST", "/rule-previews", {"id": rule})).json
    assert not answer["complete"]
    assert 0 < answer["losing"] < 60


async def test_many_lose_access_only_when_it_is_confirmed(directory: Directory) -> None:
    """A rule whose end takes access from many is in force until somebody confirms."""
    endpoint = directory.endpoint
    await many(directory, 12)
    rule = await designer_rule(endpoint)
    assert (await patched(endpoint, rule, enabled=False))["inForce"] is False
    sync = await synced(endpoint)
    assert sync["saved"]["state"] == "held"
    assert (sync["saved"]["having"], sync["saved"]["losing"]) == (12, 12)
    assert len(await holders(endpoint)) == 12
    cancelled = await endpoint.manage("POST", "/rule-sync/cancel")
    assert cancelled.json["saved"] is None
    assert (await endpoint.manage("GET", f"/rules/{rule}")).json["enabled"] is True
    await endpoint.manage("DELETE", f"/rules/{rule}")
    confirmed = await endpoint.manage("POST", "/rule-sync/confirm")
    assert confirmed.json["number"] == sync["number"] + 1
    assert (await endpoint.manage("POST", "/rule-sync/confirm")).status == 409
    await synced(endpoint)
    assert await holders(endpoint) == []


@pytest.mark.parametrize("decision", ["confirm", "cancel"])
async def test_no_other_set_is_confirmed_than_was_shown(
    directory: Directory, decision: str
) -> None:
    """A set that was saved after the one that an admin has read is not decided on for it."""
    endpoint = directory.endpoint
    await many(directory, 12)
    await endpoint.manage("DELETE", f"/rules/{await designer_rule(endpoint)}")
    read = await endpoint.manage("GET", "/rule-sync")
    await made(endpoint)
    since = (await endpoint.manage("GET", "/rule-sync")).json
    assert since["saved"]["state"] == "held"

    async def decided(shown: Any, headers: dict[str, str] | None = None) -> int:
        body = {"savedAt": shown["saved"]["savedAt"]}
        return (await endpoint.manage("POST", f"/rule-sync/{decision}", body, headers)).status

    assert await decided(read.json) == 409
    assert await decided(since, {"If-Match": read.headers["ETag"]}) == 412
    assert (await endpoint.manage("GET", "/rule-sync")).json == since
    assert await decided(since) == 200
    assert (await endpoint.manage("GET", "/rule-sync")).json["saved"] is None


async def test_progress_is_shown(directory: Directory) -> None:
    """Every directory tells its state, how many users are done, and how many have other access."""
    endpoint = directory.endpoint
    for _ in range(3):
        await directory.create_user(title="Designer")

    def progress(sync: Answer) -> tuple[Any, ...]:
        [one] = sync.json["directories"]
        return one["state"], one["done"], one["total"], one["changed"]

    await made(endpoint, group=None, condition='title eq "Designer"')
    assert progress(await endpoint.manage("GET", "/rule-sync")) == ("due", 0, 3, 0)
    await endpoint.services.upkeep.run()
    assert progress(await endpoint.manage("GET", "/rule-sync")) == ("closing", 3, 3, 3)
    endpoint.clock.forward(minutes=2)
    await endpoint.services.upkeep.run()
    assert progress(await endpoint.manage("GET", "/rule-sync")) == ("synced", 3, 3, 3)
    again = await endpoint.manage("POST", "/rule-sync")
    assert (again.status, progress(again)) == (202, ("due", 0, 3, 0))
