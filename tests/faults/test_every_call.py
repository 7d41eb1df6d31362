"""Every storage call of every operation fails once in every way; nothing is lost or halved."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.ports import COMMIT_ROWS, Insert, Unavailable
from scim.provisioning.rule_sync import walk as rule_walk
from scim.provisioning.rules.rule import Grant, Rule
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_users import load_user
from scim.provisioning.upkeep.checker import check
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Answer, Directory, Endpoint, admin, running
from tests.faults.engine import Fault, Faulty, Killed, Shared

MANAGER = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
MANY = 5  # members: a change of all takes several commits of the few that these tests allow


@dataclass
class Stage:
    """What the operations act on."""

    directory: Directory
    kim: str
    lee: str
    group: str
    crowd: list[str]
    large: str


@dataclass(frozen=True)
class Act:
    """An operation, and how to tell from outside whether it has happened."""

    name: str
    do: Callable[[Stage], Awaitable[Answer]]
    seen: Callable[[Stage], Awaitable[Any]]
    large: bool = False


def members(*ids: str) -> list[dict[str, str]]:
    """Return a members list."""
    return [{"value": each} for each in ids]


async def user_names(stage: Stage) -> list[str]:
    """Return all userNames."""
    body = (await stage.directory.send("GET", "/Users", query="count=200")).json
    return sorted(each["userName"] for each in body["Resources"])


async def kim_as_shown(stage: Stage) -> Any:
    """Return what a GET shows of kim, versions and times apart; and what rules grant it."""
    answer = await stage.directory.send("GET", f"/Users/{stage.kim}")
    if answer.status != 200:
        return 404
    shown = {k: v for k, v in answer.json.items() if k != "meta"}
    return shown, await access_of(stage, stage.kim)


async def access_of(stage: Stage, user_id: str) -> list[str]:
    """Return the roles that stand in a user's row."""
    storage, partition = (
        stage.directory.endpoint.services.storage,
        rows.partition(stage.directory.id),
    )
    user = await load_user(storage, partition, user_id)
    return [each.role for each in read_access(user)] if user else []


async def groups_as_shown(stage: Stage) -> Any:
    """Return the names and members of all groups, and the groups of some users."""
    body = (await stage.directory.send("GET", "/Groups")).json
    shown = {
        each["displayName"]: sorted(member["value"] for member in each.get("members", []))
        for each in body["Resources"]
    }
    people = [stage.kim, stage.lee, *stage.crowd[:1]]
    answers = [await stage.directory.send("GET", f"/Users/{each}") for each in people]
    groups_of = [
        sorted(group["display"] for group in answer.json.get("groups", [])) for answer in answers
    ]
    return shown, groups_of, [await access_of(stage, each) for each in people]


async def everything(stage: Stage) -> Any:
    """Return all of it."""
    return await user_names(stage), await kim_as_shown(stage), await groups_as_shown(stage)


def patch(operation: dict[str, Any], which: str = "group") -> Callable[[Stage], Awaitable[Answer]]:
    """Return the PATCH of a group."""
    return lambda stage: stage.directory.patch_group(getattr(stage, which), operation)


async def apply_rule(stage: Stage) -> Answer:
    """Disable a rule, and apply that to everyone as the timer does."""
    endpoint = stage.directory.endpoint
    answer = await endpoint.manage("PATCH", "/rules/everybody", {"enabled": False})
    if answer.status < 300:
        with suppress(Killed, Unavailable):  # the next run is due in a minute
            await endpoint.services.rule_sync.run(endpoint.clock.moment + timedelta(minutes=4))
    return answer


async def rule_as_applied(stage: Stage) -> Any:
    """Return the rule's state, and what two users have."""
    rule = (await stage.directory.endpoint.manage("GET", "/rules/everybody")).json
    people = [await access_of(stage, each) for each in (stage.kim, stage.lee)]
    return rule["enabled"], rule["inForce"], people


ACTS = [
    Act(
        "create a user",
        lambda s: s.directory.send("POST", "/Users", {"userName": "new@example.com"}),
        user_names,
    ),
    Act(
        "rename a user",
        lambda s: s.directory.patch(
            s.kim, {"op": "replace", "path": "userName", "value": "holm@example.com"}
        ),
        user_names,
    ),
    Act(
        "replace a user",
        lambda s: s.directory.send(
            "PUT", f"/Users/{s.kim}", {"userName": "kim@example.com", "title": "Engineer"}
        ),
        kim_as_shown,
    ),
    Act(
        "disable a user",
        lambda s: s.directory.patch(s.kim, {"op": "replace", "path": "active", "value": False}),
        kim_as_shown,
    ),
    Act("delete a user", lambda s: s.directory.send("DELETE", f"/Users/{s.kim}"), everything),
    Act(
        "create a group",
        lambda s: s.directory.send(
            "POST", "/Groups", {"displayName": "New", "members": members(s.kim)}
        ),
        groups_as_shown,
    ),
    Act(
        "add a member",
        lambda s: patch({"op": "add", "path": "members", "value": members(s.lee)})(s),
        groups_as_shown,
    ),
    Act(
        "remove a member",
        lambda s: patch({"op": "remove", "path": f'members[value eq "{s.kim}"]'})(s),
        groups_as_shown,
    ),
    Act(
        "replace the members",
        lambda s: s.directory.send(
            "PUT", f"/Groups/{s.group}", {"displayName": "Tunnels", "members": members(s.lee)}
        ),
        groups_as_shown,
    ),
    Act(
        "rename a group",
        patch({"op": "replace", "path": "displayName", "value": "North"}),
        groups_as_shown,
    ),
    Act("apply a changed rule", apply_rule, rule_as_applied),
    Act("delete a group", lambda s: s.directory.send("DELETE", f"/Groups/{s.group}"), everything),
    Act(
        "add many members",
        lambda s: patch({"op": "add", "path": "members", "value": members(*s.crowd)})(s),
        groups_as_shown,
        large=True,
    ),
    Act(
        "rename a large group",
        patch({"op": "replace", "path": "displayName", "value": "Crowd North"}, "large"),
        groups_as_shown,
        large=True,
    ),
    Act(
        "delete a large group",
        lambda s: s.directory.send("DELETE", f"/Groups/{s.large}"),
        everything,
        large=True,
    ),
]


RULES = tuple(
    Rule(id=name, name=name, condition=condition, grants=(Grant(tenant="home", role=name),))
    for name, condition in (
        ("member", 'groups.display eq "Tunnels"'),
        ("crowd", 'groups.display sw "Crowd N" or groups.display eq "North"'),
        ("engineer", 'title eq "Engineer" or userName sw "holm"'),
        ("everybody", "active eq true"),
    )
)


async def set_up(endpoint: Endpoint, *, large: bool) -> Stage:
    """Fill a directory; every act changes what some rule tests."""
    await endpoint.services.rule_changes.change(lambda _: RULES, admin(endpoint.clock))
    directory = await endpoint.directory("demo")
    kim, lee = [
        (await directory.create_user(userName=f"{name}@example.com", externalId=name))["id"]
        for name in ("kim", "lee")
    ]
    await directory.patch(lee, {"op": "add", "path": MANAGER, "value": {"value": kim}})
    group = await directory.create_group("Tunnels", [kim])
    crowd = [(await directory.create_user())["id"] for _ in range(MANY if large else 1)]
    crowded = await directory.create_group("Crowd", crowd)
    return Stage(directory, kim, lee, group["id"], crowd, crowded["id"])


async def problems(stage: Stage) -> list[Any]:
    """Return what the checker finds."""
    services = stage.directory.endpoint.services
    return await check(services.storage, rows.partition(stage.directory.id), services.now())


async def copied(storage: SqliteStorage, directory: str) -> SqliteStorage:
    """Return another store with the same rows."""
    copy = SqliteStorage(":memory:")
    for partition in (rows.INSTALLATION, rows.partition(directory)):
        found = [row async for row in scan_rows(storage, partition, "", rows.END)]
        for start in range(0, len(found), COMMIT_ROWS):
            inserts = [Insert(row.key, row.values) for row in found[start : start + COMMIT_ROWS]]
            await copy.commit(partition, inserts)
    return copy


@dataclass(frozen=True)
class Outcome:
    """What came of an act: the status, whether the fault met it, and what is seen afterwards.

    `after` the process was replaced and the timer came by; `repeated`: after the client sent the
    request once more.
    """

    status: int
    met: bool
    overtaken: bool
    unclear: bool
    after: str
    repeated: str


async def overtake(stage: Stage) -> bool:
    """Change what most acts change too, as another process does; False if a part had to wait."""
    name = {"op": "add", "path": "nickName", "value": "Overtaken"}
    first = await stage.directory.patch(stage.kim, name)
    lee = {"op": "add", "path": "members", "value": members(stage.lee)}
    second = await stage.directory.patch_group(stage.large, lee)
    return 503 not in (first.status, second.status)


async def outcome(
    folder: Path,
    stage: Stage,
    storage: SqliteStorage,
    act: Act,
    fault: Fault | None,
    at: int,
    *,
    overtaken: bool = False,
) -> Outcome:
    """Run an act with one fault on a copy of the storage, perhaps after what overtakes others."""
    inner = await copied(storage, stage.directory.id)
    faulty = Faulty(inner, fault, at)
    async with running(folder, faulty) as endpoint:
        # The token is verified before anything fails.
        endpoint.clock.moment = stage.directory.endpoint.clock.moment
        moved = replace(stage, directory=replace(stage.directory, endpoint=endpoint))
        faulty.fault = None
        await moved.directory.send("GET", "/Users", query="count=0")

        unclear: list[Fault] = []

        async def meanwhile(fault: Fault) -> None:
            async with running(folder, Shared(inner)) as other:
                other.clock.moment = endpoint.clock.moment
                if fault is Fault.FROZEN:
                    endpoint.clock.forward(hours=1)
                    other.clock.forward(minutes=59)
                    await other.services.upkeep.run()
                else:
                    # A second at each look: waiting for an open job ends soon.
                    other.clock.step = timedelta(seconds=1)
                    directory = replace(stage.directory, endpoint=other)
                    if not await overtake(replace(stage, directory=directory)):
                        unclear.append(fault)

        if overtaken:
            await overtake(moved)
        faulty.calls, faulty.fault, faulty.meanwhile = 0, fault, meanwhile
        answer = await act.do(moved)
        met, overtaken, faulty.fault = faulty.happened, faulty.overtaken, None
        await faulty.land()
        moment = endpoint.clock.moment
    # The process is gone; another one finds its storage, and the timer comes by.
    async with running(folder, inner) as endpoint:
        endpoint.clock.moment = moment + timedelta(minutes=3)
        moved = replace(stage, directory=replace(stage.directory, endpoint=endpoint))
        endpoint.clock.forward(minutes=61 if fault is Fault.FROZEN else 0)
        await endpoint.services.upkeep.run()
        assert await problems(moved) == [], (fault, at - 1)
        after = shape(await act.seen(moved))
        await act.do(moved)
        assert await problems(moved) == [], (fault, at - 1)
        repeated = shape(await act.seen(moved))
        return Outcome(answer.status, met, overtaken, bool(unclear), after, repeated)


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
@pytest.mark.usefixtures("small_commits")
async def test_every_call_can_fail(
    tmp_path: Path, act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After any fault the change is there as a whole or not at all; if answered 2xx, it is.

    And a client that repeats the request ends in the same state as without a fault.
    """
    monkeypatch.setattr(rule_walk, "PAGE", 1)
    storage = SqliteStorage(":memory:")
    async with running(tmp_path, storage) as endpoint:
        stage = await set_up(endpoint, large=act.large)
        before = shape(await act.seen(stage))
        alone = await outcome(tmp_path, stage, storage, act, None, 0)
        second = await outcome(tmp_path, stage, storage, act, None, 0, overtaken=True)
        assert alone.status < 300
        assert alone.after != before
        for fault in Fault:
            at = 1
            while True:
                bad = await outcome(tmp_path, stage, storage, act, fault, at)
                if not bad.met:
                    break
                at += 1
                if bad.unclear:
                    continue
                good = second if bad.overtaken else alone
                if good is alone:
                    assert bad.after in (before, good.after), (fault, at - 1)
                if bad.status < 300:
                    assert bad.after == good.after, (fault, at - 1)
                assert bad.repeated == good.after, (fault, at - 1)
            assert at > 1, "the fault met the act at least once"


def shape(seen: Any) -> str:
    """Return what is seen with the ids of resources left out that a run makes anew."""
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "id", str(seen))
