"""Rule sync: a new set reaches every user, whatever happens meanwhile."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from scim.provisioning import rows
from scim.provisioning.changes import pace
from scim.provisioning.log.entries import LogEntry
from scim.provisioning.ports import Operation, Unavailable
from scim.provisioning.rule_sync import walk as rule_walk
from scim.provisioning.rule_sync.changes import RULES_MOST, TooManyRules
from scim.provisioning.rule_sync.effects import Comparison, Effects
from scim.provisioning.rule_sync.sync import SETTLED
from scim.provisioning.rules.rule import Grant, Rule
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_users import users_between
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Directory, Endpoint, admin, running
from tests.faults.engine import Shared

DEFAULTS = 1  # the number of the first set


def rule(name: str, condition: str = "userName pr", **said: object) -> Rule:
    """Return a rule that grants the role of its name."""
    grants = (Grant(tenant="home", role=name),)
    return Rule.model_validate(
        {"id": name, "name": name, "condition": condition, **said} | {"grants": grants}
    )


async def put(endpoint: Endpoint, *rules: Rule) -> None:
    """Put rules in force in place of all others, however many lose access."""
    changes = endpoint.services.rule_changes
    after = await changes.change(lambda _: rules, admin(endpoint.clock))
    if after.saved:
        await changes.confirm(admin(endpoint.clock))


async def access(directory: Directory) -> list[tuple[list[str], int]]:
    """Return roles and number of the rules of all users, in the order of their creation."""
    first, last = rows.user_range("", "")
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    return [
        ([each.role for each in read_access(user)], user.rules)
        async for user in users_between(storage, partition, first, last)
    ]


async def sync_entries(directory: Directory) -> list[tuple[LogEntry, list[str]]]:
    """Return the log entries of the rule sync, oldest first, with the users they are found by."""
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    users = {
        user.resource["id"]
        async for user in users_between(storage, partition, *rows.user_range("", ""))
    }
    index = [row.key async for row in scan_rows(storage, partition, "i_", "i_" + rows.END)]
    found = []
    async for row in scan_rows(storage, partition, rows.LOG, rows.LOG + rows.END):
        entry = LogEntry.model_validate(rows.unpack(row.values))
        if "applyRules" in entry.operations:
            subjects = [key.split("_")[1] for key in index if key.endswith(row.key[2:])]
            found.append((entry, sorted(users.intersection(subjects))))
    return found[::-1]


async def test_a_new_set_reaches_everyone(directory: Directory) -> None:
    """The timer applies it to all users; who is inactive gets the number and no access."""
    await directory.create_user()
    await directory.create_user(active=False)
    await put(directory.endpoint, rule("One"), rule("Two", 'userName co "1@"'))
    assert await access(directory) == [([], DEFAULTS), ([], DEFAULTS)]
    await directory.endpoint.services.upkeep.run()
    assert await access(directory) == [(["One", "Two"], 2), ([], 2)]


async def test_the_log_tells_whose_access_a_set_changed(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One entry with its parts, found by every user whose access changed and by no other."""
    monkeypatch.setattr(rule_walk, "PAGE", 2)
    ids = [(await directory.create_user(title="x" if n % 2 else "y"))["id"] for n in range(5)]
    await put(directory.endpoint, rule("One", 'title eq "x"'))
    await directory.endpoint.services.upkeep.run()
    entries = await sync_entries(directory)
    assert [entry.part for entry, _ in entries] == [0, 1, 2]
    assert len({entry.message_id for entry, _ in entries}) == 1
    assert [users for _, users in entries] == [[], [ids[1]], [ids[3]]]
    # Nothing changes: nothing is told.
    await directory.endpoint.services.rule_changes.reapply(admin(directory.endpoint.clock))
    await directory.endpoint.services.upkeep.run()
    assert await sync_entries(directory) == entries
    assert {number for _, number in await access(directory)} == {3}


async def test_the_closing_walk_catches_what_comes_late(tmp_path: Path) -> None:
    """A process that still applies the set before stores a user behind the walk."""
    inner = SqliteStorage(":memory:")
    async with running(tmp_path, Shared(inner)) as late, running(tmp_path, Shared(inner)) as other:
        directory = await late.directory("demo")
        await directory.create_user()
        other.clock.moment = late.clock.moment
        await put(other, rule("One"))
        await other.services.upkeep.run()
        await directory.create_user()
        assert await access(directory) == [(["One"], 2), ([], DEFAULTS)]
        await other.services.upkeep.run()
        assert await access(directory) == [(["One"], 2), ([], DEFAULTS)]  # not due yet
        other.clock.forward(minutes=2)
        await other.services.upkeep.run()
        assert await access(directory) == [(["One"], 2), (["One"], 2)]
        assert (await other.services.rule_sync.state(directory.id)).finished


async def test_a_number_is_never_lowered(tmp_path: Path) -> None:
    """Who finds a later set in a row applies that one, though its own is no minute old."""
    inner = SqliteStorage(":memory:")
    async with running(tmp_path, Shared(inner)) as late, running(tmp_path, Shared(inner)) as other:
        directory = await late.directory("demo")
        kim = (await directory.create_user())["id"]
        other.clock.moment = late.clock.moment
        await put(other, rule("One"))
        await other.services.upkeep.run()
        patched = await directory.patch(kim, {"op": "add", "path": "title", "value": "x"})
        assert patched.status == 200
        assert await access(directory) == [(["One"], 2)]


async def test_a_walk_goes_on_where_it_was_left(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slice ends with its time; the next one begins behind it and counts on."""
    monkeypatch.setattr(rule_walk, "PAGE", 2)
    for _ in range(5):
        await directory.create_user()
    endpoint = directory.endpoint
    await put(endpoint, rule("One"))
    sync, now = endpoint.services.rule_sync, endpoint.services.now
    endpoint.clock.step = endpoint.clock.step * 1000
    done = []
    while not (await sync.state(directory.id)).walked:
        await sync.run(now() + endpoint.clock.step * 8)
        done.append((await sync.state(directory.id)).done)
    assert done[-1] == 5
    assert len(done) > 1
    assert {tuple(roles) for roles, _ in await access(directory)} == {("One",)}


class Unlucky(Shared):
    """A storage that refuses some commits, and does others without an answer."""

    commits = 0

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        self.commits += 1
        if self.commits % 7 == 3:
            raise Unavailable("throttled")
        await super().commit(partition, operations)
        if self.commits % 7 == 6:
            raise Unavailable("no answer")


async def test_a_walk_outlasts_refused_and_unanswered_commits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are sent again, in the same run, and nobody is counted twice or not at all."""
    monkeypatch.setattr(rule_walk, "PAGE", 1)
    monkeypatch.setattr(pace, "ROWS_PER_SECOND", 1_000_000)
    inner = SqliteStorage(":memory:")
    async with running(tmp_path, Shared(inner)) as endpoint:
        directory = await endpoint.directory("demo")
        for _ in range(12):
            await directory.create_user()
        await put(endpoint, rule("One"))
        moment = endpoint.clock.moment
    async with running(tmp_path, Unlucky(inner)) as endpoint:
        endpoint.clock.moment = moment
        await endpoint.services.rule_sync.run(moment + timedelta(minutes=4))
        state = await endpoint.services.rule_sync.state(directory.id)
        assert (state.walked, state.done, state.changed) == (True, 12, 12)
        entries = await sync_entries(Directory(endpoint, directory.id, ""))
        assert [len(users) for _, users in entries] == [0, *[1] * 12]


async def test_declared_rules_are_merged_by_the_timer(tmp_path: Path) -> None:
    """A changed app setting replaces the declared rules alone, and only the timer does it."""
    inner = SqliteStorage(":memory:")

    def declared(*roles: str) -> str:
        return json.dumps(
            [
                {
                    "name": each,
                    "condition": "userName pr",
                    "grants": [{"tenant": "t", "role": each}],
                }
                for each in roles
            ]
        )

    async with running(tmp_path, Shared(inner), RULES=declared("One")) as endpoint:
        directory = await endpoint.directory("demo")
        await directory.create_user()
        assert await access(directory) == [(["One"], 1)]
        moment = endpoint.clock.moment
    async with running(tmp_path, Shared(inner), RULES=declared("Two")) as endpoint:
        endpoint.clock.moment = moment
        moved = Directory(endpoint, directory.id, directory.token)
        await moved.create_user(userName="other")
        assert [roles for roles, _ in await access(moved)] == [["One"], ["One"]]
        await endpoint.services.upkeep.run()
        assert await access(moved) == [(["Two"], 2), (["Two"], 2)]
        names = [each.name for each in (await endpoint.services.rule_changes.read()).latest]
        assert [name for name in names if name in ("One", "Two")] == ["Two"]
        await endpoint.services.upkeep.run()
        assert (await endpoint.services.rule_changes.read()).in_force.number == 2


async def test_declared_rules_that_do_not_fit_are_put_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The set in force stays, the timer tells of it, and its other work goes on."""
    inner = SqliteStorage(":memory:")
    async with running(tmp_path, Shared(inner)) as endpoint:
        directory = await endpoint.directory("demo")
        await directory.create_user()
        await put(endpoint, *(rule(f"Rule {number}") for number in range(RULES_MOST)))
        moment = endpoint.clock.moment
    one = {"name": "One", "group": "One", "grants": [{"tenant": "t", "role": "r"}]}
    async with running(tmp_path, Shared(inner), RULES=json.dumps([one])) as endpoint:
        endpoint.clock.moment = moment
        await endpoint.services.upkeep.run()
        assert "event=upkeep_put_off" in caplog.text
        [(roles, number)] = await access(Directory(endpoint, directory.id, ""))
        assert (len(roles), number) == (RULES_MOST, 2)


async def test_a_set_has_room_in_its_row(endpoint: Endpoint) -> None:
    """Rules that are too long together are refused; effects on very many roles are cut."""
    changes = endpoint.services.rule_changes
    long = 'userName eq "' + "x" * 3_900 + '"'
    await put(endpoint, *(rule(f"Rule {number}", long) for number in range(70)))
    with pytest.raises(TooManyRules, match="300000 characters"):
        await put(endpoint, *(rule(f"Rule {number}", long) for number in range(80)))
    assert len((await changes.read()).latest) == 70
    directory = await endpoint.directory("demo")
    for _ in range(11):
        await directory.create_user()
    grants = tuple(Grant(tenant="t" * 100, role=f"{'r' * 90}{number}") for number in range(450))
    rules = [
        rule(f"Rule {number}").model_copy(update={"grants": grants[number * 50 :][:50]})
        for number in range(9)
    ]
    services = endpoint.services
    effects = await Comparison(await services.rules.latest(), rules, (), names=0).look_on(
        services.storage, [directory.id], Effects(), services.now, services.now() + SETTLED
    )
    assert (effects.users, effects.losing, len(effects.lost)) == (11, 11, 200)


@pytest.mark.parametrize(("having", "losing", "held"), [(12, 10, False), (12, 11, True)])
async def test_many_lose_access_only_when_somebody_confirms(
    directory: Directory, having: int, losing: int, *, held: bool
) -> None:
    """A set is counted first; beyond the measure it stays saved until it is confirmed."""
    for number in range(having):
        await directory.create_user(title="x" if number < losing else "y")
    endpoint = directory.endpoint
    await put(endpoint, rule("One"))
    await endpoint.services.upkeep.run()
    changes = endpoint.services.rule_changes
    after = await changes.change(lambda _: (rule("One", 'title eq "y"'),), admin(endpoint.clock))
    assert bool(after.saved) is held
    assert after.in_force.number == (2 if held else 3)
    if after.saved:
        assert after.saved.state == "held"
        assert (after.saved.effects.losing, after.saved.effects.having) == (losing, having)
        await endpoint.services.upkeep.run()
        assert (await changes.read()).saved is not None
        assert (await changes.confirm(admin(endpoint.clock))).in_force.number == 3
    await endpoint.services.upkeep.run()
    roles: Sequence[list[str]] = [roles for roles, _ in await access(directory)]
    assert roles.count(["One"]) == having - losing
