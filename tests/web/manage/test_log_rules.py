"""Changes of the rules stand in the log of the installation."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.ports import Unavailable
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Directory, Endpoint, admin, running
from tests.faults.engine import Fault, Faulty, Shared
from tests.provisioning.test_retention import later
from tests.web.manage.test_log import items

GRANTS = [{"tenant": "hr", "role": "Crew"}]
RULE = {"name": "Crew", "condition": 'title eq "x"', "grants": GRANTS}


def told(entry: Any) -> tuple[Any, ...]:
    """Return what an entry says was done, to what, and which attributes changed."""
    changes = [each["attribute"] for each in entry["changes"]]
    return entry["operations"], entry["target"]["type"], entry["target"]["identifier"], changes


async def test_every_change_of_the_rules_is_an_entry(directory: Directory) -> None:
    """Made, changed, confirmed, discarded, applied again, deleted: by whom, in which call."""
    endpoint = directory.endpoint
    for number in range(15):
        await directory.create_user(title="x" if number else "y")
    made = await endpoint.manage("POST", "/rules", RULE)
    path = f"/rules/{made.json['id']}"
    await endpoint.services.upkeep.run()
    condition = {"condition": 'title eq "z"', "name": "Gang"}
    calls = [
        made,
        await endpoint.manage("PATCH", path, condition),  # almost all would lose access: held
        await endpoint.manage("POST", "/rule-sync/cancel"),
        await endpoint.manage("PATCH", path, condition),
        await endpoint.manage("POST", "/rule-sync/confirm"),
        await endpoint.manage("POST", "/rule-sync"),
        await endpoint.manage("DELETE", path),
    ]
    assert [each.status // 100 for each in calls] == [2] * 7, [each.raw for each in calls]
    same = await endpoint.manage("PATCH", "/rules/nothing", {})
    assert same.status == 404
    found = [each for each in await items(directory, "/log") if each["directory"] is None]
    assert [told(each) for each in reversed(found)] == [
        (["create"], "Rule", "Crew", []),
        (["update"], "Rule", "Gang", ["name", "condition"]),
        (["cancel"], "Rules", "set 2 of the rules", []),
        (["update"], "Rule", "Gang", ["name", "condition"]),
        (["confirm"], "Rules", "set 2 of the rules", []),
        (["applyRules"], "Rules", "set 3 of the rules", []),
        (["delete"], "Rule", "Gang", []),
    ]
    messages = [each.headers["x-message-id"] for each in calls]
    assert [each["messageId"] for each in reversed(found)] == messages
    assert {each["actor"] for each in found} == {"management key"}
    for message in messages:
        (entry,) = await items(directory, "/log", messageId=message)
        assert entry in found


async def test_rules_of_the_app_setting_are_told(tmp_path: Path) -> None:
    """The timer has merged them, and the log says why."""
    inner = SqliteStorage(":memory:")
    async with running(tmp_path, Shared(inner)) as endpoint:
        await endpoint.services.rules.latest()
        moment = endpoint.clock.moment
    declared = json.dumps([{"name": "Crew", "group": "Crew", "grants": GRANTS}])
    async with running(tmp_path, inner, RULES=declared) as endpoint:
        endpoint.clock.moment = moment
        directory = await endpoint.directory("demo")
        for _ in range(2):
            await endpoint.services.upkeep.run()
        (entry,) = [e for e in await items(directory, "/log") if e["target"]["type"] == "Rules"]
        assert (entry["operations"], entry["actor"]) == (["update"], "app setting RULES")


async def test_a_change_and_its_entry_go_together(tmp_path: Path) -> None:
    """Whichever storage call fails in whatever way: both are there, or neither."""
    for fault in (Fault.REFUSED, Fault.UNANSWERED, Fault.LATE):
        at, met = 1, True
        while met:
            inner = SqliteStorage(":memory:")
            faulty = Faulty(inner)
            async with running(tmp_path, faulty) as endpoint:
                changes = endpoint.services.rule_changes
                number = (await changes.read()).in_force.number
                faulty.calls, faulty.fault, faulty.at, faulty.happened = 0, fault, at, False
                with suppress(Unavailable):
                    await changes.change(lambda known: known[1:], admin(endpoint.clock))
                met, faulty.fault = faulty.happened, None
                await faulty.land()
                after = await changes.read()
                changed = after.saved is not None or after.in_force.number != number
                page = await inner.scan(rows.INSTALLATION, rows.LOG, rows.LOG + rows.END)
                assert len(page.rows) == changed, (fault, at)
            at += 1
        assert at > 3


async def test_it_goes_with_its_time(endpoint: Endpoint) -> None:
    """After the days of retention, as all entries; nothing has to be counted first."""
    await endpoint.manage("POST", "/rules", RULE)
    await later(endpoint, days=179)
    storage = endpoint.services.storage
    for prefix in (rows.LOG, "i_"):
        assert (await storage.scan(rows.INSTALLATION, prefix, prefix + rows.END)).rows
    await later(endpoint, days=2)
    for prefix in (rows.LOG, "i_"):
        assert not (await storage.scan(rows.INSTALLATION, prefix, prefix + rows.END)).rows


@pytest.mark.parametrize("name", ["rules-1", "Crew"])
async def test_a_directory_shows_nothing_of_it(directory: Directory, name: str) -> None:
    """Rules belong to no directory."""
    await directory.endpoint.manage("POST", "/rules", RULE)
    assert await items(directory) == []
    assert await items(directory, user=name) == []
