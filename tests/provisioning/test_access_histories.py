"""Random histories of rules, users, groups and faults: access is always what the rules say.

The invariant: once nothing is pending, the access in every row is what the set in force grants to
the state that is stored, and every row names that set. And what the log tells of gained and lost
access adds up to the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scim.app import build
from scim.protocol.errors import ScimError
from scim.provisioning import rows
from scim.provisioning.changes import commits, pace
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, LogEntry
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Unavailable
from scim.provisioning.rule_sync import walk as rule_walk
from scim.provisioning.rules.access import CompiledRules, shown_to_rules
from scim.provisioning.rules.rule import Grant, Rule
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_users import users_between
from scim.provisioning.upkeep.access_check import check_access
from scim.provisioning.upkeep.checker import check
from scim.settings import read_settings
from scim.storage.local_vault import LocalVault
from scim.storage.sqlite import SqliteStorage
from scim.web.services import Services
from tests.endpoint import Clock, admin, patch_message
from tests.faults.engine import Fault, Faulty, Killed

SETTINGS = {
    "PUBLIC_BASE_URL": "https://scim.example.com",
    "STORAGE_ENGINE": "sqlite",
    "SQLITE_PATH": "unused",
    "VAULT_ENGINE": "sqlite",
    "VAULT_PATH": "unused",
    "GUARD_USERS": "0",  # so that few are enough to hold a set
}
NAMES = ("North", "South")
TITLES = ("Lead", "Crew")
CONDITIONS = (
    'groups.display eq "North"',
    'groups.display eq "South" and title ne "Lead"',
    'title eq "Lead"',
    "not (groups pr)",
    "active eq true",
)
RULES = [
    Rule(
        id=f"rule-{number}",
        name=f"Rule {number}",
        condition=condition,
        grants=(Grant(tenant="home", role=f"Role {number % 3}"),),
    )
    for number, condition in enumerate(CONDITIONS)
]
WHICH = st.integers(0, 2)
CREATIONS = st.tuples(st.just("create user"), st.sampled_from(TITLES))
CHANGES = st.one_of(
    st.tuples(st.just("title"), WHICH, st.sampled_from(TITLES)),
    st.tuples(st.just("active"), WHICH, st.booleans()),
    st.tuples(st.just("delete user"), WHICH),
    st.tuples(st.just("create group"), st.sampled_from(NAMES)),
    st.tuples(st.just("name"), WHICH, st.sampled_from(NAMES)),
    st.tuples(st.just("join"), WHICH, st.sets(WHICH, min_size=1)),
    st.tuples(st.just("leave"), WHICH, WHICH),
    st.tuples(st.just("delete group"), WHICH),
)
# What is said of a set that is held; whether the timer comes by at once: the other process still
# has the set before.
RULE_CHANGES = st.tuples(
    st.just("rules"),
    st.sets(st.sampled_from(range(len(RULES)))),
    st.sampled_from(["confirm", "confirm", "cancel", "wait"]),
    st.booleans(),
)
TIME = st.sampled_from([("timer",), ("sync",), ("later", 1), ("later", 50), ("later", 130)])
RESTARTS = st.just(("restart",))
Act = tuple[Any, ...]
ACTS: st.SearchStrategy[Act] = st.one_of(CHANGES, CREATIONS, RULE_CHANGES, TIME, RESTARTS)
Trouble = tuple[Fault, int, list[Act]]  # at which call, and what the other process does then
AT = st.integers(1, 6) | st.integers(7, 20)
FAULTS: st.SearchStrategy[Trouble | None] = st.one_of(
    st.none(),
    st.tuples(
        st.sampled_from(
            [
                Fault.DIES_BEFORE,
                Fault.DIES_AFTER,
                Fault.REFUSED,
                Fault.UNANSWERED,
                Fault.LATE,
            ]
        ),
        AT,
        st.just([]),
    ),
    st.tuples(
        st.sampled_from([Fault.OVERTAKEN, Fault.CUT]),
        AT,
        st.lists(ACTS, min_size=1, max_size=4),
    ),
)
HISTORIES = st.lists(st.tuples(st.integers(0, 1), ACTS, FAULTS), min_size=10, max_size=25)


@dataclass
class Process:
    """One of the processes of the installation, with its own caches."""

    storage: Faulty
    services: Services


@dataclass
class World:
    """Two processes on one storage and one clock; a killed one is replaced."""

    inner: SqliteStorage
    vault: LocalVault
    clock: Clock = field(default_factory=lambda: Clock(step=timedelta(milliseconds=100)))
    directory: str = ""
    users: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)
    dead: list[Faulty] = field(default_factory=list)
    made: int = 0

    def process(self) -> Process:
        """Start a process."""
        storage = Faulty(self.inner)
        return Process(storage, build(read_settings(SETTINGS), storage, self.vault, self.clock))

    async def begin(self) -> None:
        """Start both and make a directory."""
        self.processes = [self.process(), self.process()]
        self.directory = (await self.processes[0].services.directories.create("demo")).id
        for act in (
            ("create user", "Lead"),
            ("create user", "Crew"),
            ("create group", "North"),
            ("join", 0, {0, 1}),
            ("rules", {0, 2, 3}, "confirm", False),
            ("timer",),
        ):
            for which in (0, 1)[: 2 if act[0] == "timer" else 1]:
                await self.step(which, act, None)

    async def step(self, which: int, act: Act, fault: Trouble | None) -> None:
        """Act in a process, perhaps with a fault; what a client would be told does not matter."""
        process = self.processes[which]
        storage = process.storage
        storage.calls = 0
        storage.fault, storage.at, between = fault or (None, 0, [])

        async def meanwhile(_: Fault) -> None:
            for each in between:
                await self.step(1 - which, each, None)

        storage.meanwhile = meanwhile
        if act == ("restart",):
            self.dead.append(storage)
            self.processes[which] = self.process()
            return
        try:
            await self._act(process.services, *act)
        except (ScimError, Unavailable):
            pass
        except Killed:
            self.dead.append(storage)
            self.processes[which] = self.process()
        storage.fault = None

    async def land(self) -> None:
        """Let commits take effect that were on their way; the promise gives them half a minute."""
        for storage in [*self.dead, *(each.storage for each in self.processes)]:
            await storage.land()
        self.dead.clear()

    async def end(self) -> None:
        """Let everything that is pending come to its end, in processes that know nothing."""
        await self.land()
        self.processes = [self.process()]
        for _ in range(3):
            await self.processes[0].services.upkeep.run()
            self.clock.forward(minutes=3)

    def _call(self) -> Call:
        now = self.clock()
        return Call(self.directory, resource_id(now), now, actor="a test", policy=Policy())

    async def _act(self, services: Services, name: str, *said: Any) -> None:
        match name, said:
            case "rules", (numbers, said_of_held, synced):
                await self._put_rules(services, numbers, said_of_held, synced=synced)
            case "create user", (title,):
                self.made += 1
                body = {"userName": f"user-{self.made}", "title": title}
                self.users.append((await services.users.create(self._call(), body)).resource["id"])
            case "create group", (display,):
                made = await services.groups.create(self._call(), {"displayName": display})
                self.groups.append(made.resource["id"])
            case (("timer" | "sync" | "later"), _):
                await self._pass_time(services, name, *said)
            case (("title" | "active" | "delete user"), (number, *rest)):
                for user in self.users[number : number + 1]:
                    await self._change_user(services, user, name, *rest)
            case _, (number, *rest):
                for group in self.groups[number : number + 1]:
                    await self._change_group(services, group, name, *rest)

    async def _put_rules(
        self, services: Services, numbers: set[int], said_of_held: str, *, synced: bool
    ) -> None:
        after = tuple(RULES[each] for each in sorted(numbers))
        changes = services.rule_changes
        held = (await changes.change(lambda _: after, admin(self.clock))).saved
        if held and said_of_held == "confirm":
            await changes.confirm(admin(self.clock))
        elif held and said_of_held == "cancel":
            await changes.cancel(admin(self.clock))
        if synced:
            await services.upkeep.run()

    async def _pass_time(self, services: Services, name: str, seconds: int = 0) -> None:
        if name == "timer":
            await services.upkeep.run()
        elif name == "sync":  # the part of the timer's run that a fault shall meet
            await services.rule_sync.run(self.clock() + timedelta(minutes=4))
        elif seconds > 30:
            await self.land()
        self.clock.forward(seconds=seconds)

    async def _change_user(self, services: Services, user: str, name: str, *rest: Any) -> None:
        if name == "delete user":
            await services.users.delete(self._call(), user)
            return
        change = {"op": "replace", "path": name, "value": rest[0]}
        await services.users.patch(self._call(), user, patch_message([change]))

    async def _change_group(self, services: Services, group: str, name: str, *rest: Any) -> None:
        if name == "delete group":
            await services.groups.delete(self._call(), group)
            return
        operations = list(self._operations(name, *rest))
        if operations:
            await services.groups.patch(self._call(), group, patch_message(operations))

    def _operations(self, name: str, said: Any) -> Iterator[dict[str, Any]]:
        if name == "name":
            yield {"op": "replace", "path": "displayName", "value": said}
        elif name == "join":
            members = [{"value": self.users[each]} for each in said if each < len(self.users)]
            if members:
                yield {"op": "add", "path": "members", "value": members}
        elif said < len(self.users):
            yield {"op": "remove", "path": f'members[value eq "{self.users[said]}"]'}


async def wrong(world: World) -> list[Any]:
    """Return the users whose row is not by the set in force, and what the checker finds."""
    services = world.processes[0].services
    in_force = (await services.rules.latest()).stored
    compiled = CompiledRules(in_force.rules, services.rules.kind)
    partition = rows.partition(world.directory)
    told = await access_told(world)
    found: list[Any] = list(await check(world.inner, partition, world.clock()))
    found += (await check_access(world.inner, await services.rules.latest(), world.directory))[0]
    if not (await services.rule_sync.state(world.directory)).finished:
        found.append("the rule sync is not finished")
    async for user in users_between(world.inner, partition, *rows.user_range("", "")):
        expected = compiled.access(world.directory, shown_to_rules(user))
        held = told.pop(user.resource["id"], Counter())
        stored = [(each.tenant, each.role, each.rules) for each in read_access(user)]
        right = [(each.tenant, each.role, each.rules) for each in expected]
        if user.rules != in_force.number or stored != right:
            found.append((user.resource["userName"], user.rules, in_force.number, stored, right))
        if {key: n for key, n in held.items() if n} != {each[:2]: 1 for each in stored}:
            found.append((user.resource["userName"], "the log adds up to", held, stored))
    found += [
        (gone, "still has by the log", held) for gone, held in told.items() if any(held.values())
    ]
    return found


async def access_told(world: World) -> dict[str, Counter[tuple[str, str]]]:
    """Return how often more users gained than lost each role, by what all entries say."""
    told: dict[str, Counter[tuple[str, str]]] = {}
    partition = rows.partition(world.directory)
    async for row in scan_rows(world.inner, partition, rows.LOG, rows.LOG + rows.END):
        entry = LogEntry.model_validate(rows.unpack(row.values))
        for sign, changes in ((1, entry.access_gained), (-1, entry.access_lost)):
            for each in changes:
                for user in each.users or (entry.target.id,):
                    index = rows.log_index(user, row.key)
                    assert await world.inner.get(partition, index), (user, entry)
                    told.setdefault(user, Counter())[each.tenant, each.role] += sign
    return told


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch, small_commits: None) -> None:  # noqa: ARG001 - for its effect
    """Let walks take several commits, too, and nobody wait by the clock on the wall."""
    monkeypatch.setattr(rule_walk, "PAGE", 2)
    monkeypatch.setattr(pace, "ROWS_PER_SECOND", 1_000_000)
    monkeypatch.setattr(commits, "_PAUSE", 0)


@pytest.mark.usefixtures("quick")
@settings(
    max_examples=200,
    deadline=None,
    # Every example takes a storage of its own.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=HISTORIES)
async def test_access_is_what_the_rules_say(
    tmp_path: Path, history: list[tuple[int, Act, Trouble | None]]
) -> None:
    """After any history of two processes.

    Of rules that change, are held, confirmed and cancelled; of an identity provider that comes at
    any moment, also between two pages and between a read and its commit; of kills and restarts,
    refused, unanswered and late commits, and time that passes in the middle.
    """
    vault = LocalVault(tmp_path / "vault.db")
    world = World(SqliteStorage(":memory:"), vault)
    await world.begin()
    for which, act, fault in history:
        await world.step(which, act, fault)
    await world.end()
    assert await wrong(world) == []
    await world.inner.close()
    await vault.close()
