"""Reports of the log say what access a change gave and took."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any

import pytest

from scim.provisioning.log import access_changes, report
from scim.provisioning.log.access_changes import AccessChange, AccessChanges
from tests.endpoint import Directory
from tests.web.manage.test_log import items, read


def access(entry: Any) -> tuple[list[Any], list[Any]]:
    """Return what an entry says of gained and lost access: tenant, role, users, their ids."""
    gained, lost = (
        [(e["tenant"], e["role"], e["users"], sorted(e["userIds"])) for e in entry[name]]
        for name in ("accessGained", "accessLost")
    )
    return gained, lost


async def test_a_membership_tells_each_member_what_it_brought(directory: Directory) -> None:
    """The group's entry says who gained and lost what; a user's report what the user did."""
    kim = (await directory.create_user(userName="kim"))["id"]
    lee = (await directory.create_user(userName="lee"))["id"]
    group = (await directory.create_group("Designers", [kim, lee]))["id"]
    remove = {"op": "remove", "path": f'members[value eq "{kim}"]'}
    await directory.patch_group(group, remove)
    left, made, *_ = await items(directory)
    assert access(made) == ([("home", "Designers", 2, sorted([kim, lee]))], [])
    assert access(left) == ([], [("home", "Designers", 1, [kim])])
    one = ("home", "Designers", 1, [kim])
    for name in ("KIM", kim):
        found = await items(directory, user=name)
        assert [access(each) for each in found] == [([], [one]), ([one], []), ([], [])]
    assert [access(each) for each in await items(directory, user=group)] == [
        access(left),
        access(made),
    ]


async def test_a_change_of_a_user_tells_what_it_brought(directory: Directory) -> None:
    """Disabled it loses all, enabled it has it again, deleted it loses it for good."""
    kim = (await directory.create_user(userName="kim"))["id"]
    await directory.create_group("Designers", [kim])
    await directory.create_group("Developers", [kim])
    for active in (False, True):
        await directory.patch(kim, {"op": "replace", "path": "active", "value": active})
    await directory.patch(kim, {"op": "replace", "path": "title", "value": "Engineer"})
    await directory.send("DELETE", f"/Users/{kim}")
    both = [("home", each, 1, [kim]) for each in ("Designers", "Developers")]
    found = [access(each) for each in await items(directory)]
    assert found[:4] == [([], both), ([], []), (both, []), ([], both)]


@pytest.mark.usefixtures("small_commits")
async def test_a_long_change_tells_it_as_one(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All commits together by time, its own to each member; beyond a number it says it is cut."""
    people = [(await directory.create_user())["id"] for _ in range(5)]
    group = (await directory.create_group("Designers"))["id"]
    value = [{"value": each} for each in people]
    await directory.patch_group(group, {"op": "add", "path": "members", "value": value})
    whole = (await items(directory))[0]
    assert access(whole) == ([("home", "Designers", 5, sorted(people))], [])
    assert whole["accessCut"] is False
    for each in people:
        own = (await items(directory, user=each))[0]
        assert access(own) == ([("home", "Designers", 1, [each])], [])
    monkeypatch.setattr(report, "PARTS_MOST", 2)
    cut = (await items(directory))[0]
    assert (cut["accessGained"][0]["users"], cut["accessCut"]) == (3, True)


async def test_a_rule_sync_tells_each_user(directory: Directory) -> None:
    """The entry of a set of rules says who gained what; a user's report what the user did."""
    kim, lee = [(await directory.create_user(title=each))["id"] for each in ("x", "y")]
    rule = {
        "name": "Crew",
        "condition": 'title eq "x"',
        "grants": [{"tenant": "hr", "role": "Crew"}],
    }
    assert (await directory.endpoint.manage("POST", "/rules", rule)).status == 201
    await directory.endpoint.services.upkeep.run()
    gained: tuple[list[Any], list[Any]] = ([("hr", "Crew", 1, [kim])], [])
    assert access((await items(directory))[0]) == gained
    assert access((await items(directory, user=kim))[0]) == gained
    assert [each["operations"] for each in await items(directory, user=lee)] == [["create"]]


async def test_a_spreadsheet_shows_it(directory: Directory) -> None:
    """A column each, with role and tenant."""
    kim = (await directory.create_user())["id"]
    await directory.create_group("Designers", [kim])
    await directory.create_group("Developers", [kim])
    await directory.patch(kim, {"op": "replace", "path": "active", "value": False})
    answer = await read(directory, format="csv")
    lines = [*csv.DictReader(StringIO(answer.raw.decode()))]
    assert lines[0]["accessLost"] == "Designers in home, Developers in home"
    assert [each["accessGained"] for each in lines] == [
        "",
        "Developers in home",
        "Designers in home",
        "",
    ]


def test_an_entry_holds_so_much(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond is left out, and the entry says so; users of one role stay together."""
    changes = AccessChanges()
    for user in ("a", "b"):
        changes.note(user, [("home", "Old")], [("home", "New"), ("hr", "New")])
    told = changes.told("a")
    gained = [AccessChange(tenant=each, role="New", users=("a", "b")) for each in ("home", "hr")]
    assert (list(told.gained), told.cut) == (gained, False)
    assert told.lost == (AccessChange(tenant="home", role="Old", users=("a", "b")),)
    monkeypatch.setattr(access_changes, "CHARACTERS", 150)
    told = changes.told("a")
    assert (list(told.gained), told.lost, told.cut) == (gained[:1], (), True)
