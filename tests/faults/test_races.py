"""Processes on one SQLite file, hundreds of changes at once: a serial order explains all."""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.log.entries import LogEntry, Outcome
from scim.provisioning.scans import scan_rows
from scim.provisioning.upkeep.checker import check
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Directory, patch_message, running
from tests.faults.racer import Answer, Task
from tests.faults.serial_order import Change, State, Step, replayed

RACE = 200  # changes of each process
SEED = 4
NOTHING = Change()
NEAR = 32  # versions between the two reads of a change that finds nothing to do


@dataclass(frozen=True)
class Sent:
    """A request to one group, one user, or the deletion of a user, and what it means."""

    method: str
    path: str
    body: Any = None
    group: str = ""
    user: str = ""
    change: Change = NOTHING

    @property
    def deletes(self) -> bool:
        return self.method == "DELETE"


@dataclass(frozen=True)
class Made:
    """A request, its answer, and the message ids of all its tries."""

    sent: Sent
    status: int
    tag: str
    messages: Sequence[str]

    @property
    def version(self) -> int:
        return number_of(self.tag) if self.tag else 0


@dataclass
class Stage:
    """A filled store that processes race on."""

    folder: Path
    directory: Directory
    storage: SqliteStorage
    users: list[str] = field(default_factory=list)
    groups: dict[str, State] = field(default_factory=dict)

    async def fill(self, users: int, groups: int, members: int) -> None:
        """Make users, and groups whose members the first users are."""
        self.users = [(await self.directory.create_user())["id"] for _ in range(users)]
        some = self.users[:members]
        for number in range(groups):
            made = await self.directory.create_group(f"Group {number}", some)
            self.groups[made["id"]] = State(made["displayName"], frozenset(some))

    def task(self, requests: Sequence[Sent], **options: Any) -> Task:
        """Return what one process has to do."""
        return Task(
            store=str(self.folder / "store.db"),
            vault=str(self.folder / "vault.db"),
            directory=self.directory.id,
            token=self.directory.token,
            requests=[(each.method, each.path, each.body) for each in requests],
            **options,
        )


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Run the product on a file, at the time of the clock on the wall."""
    storage = SqliteStorage(tmp_path / "store.db")
    async with running(tmp_path, storage) as endpoint:
        endpoint.clock.moment = datetime.now(UTC)
        yield Stage(tmp_path, await endpoint.directory("demo"), storage)


@asynccontextmanager
async def racer(task: Task) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start a process that is ready for the task."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.faults.racer",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"{task.line()}\n".encode())
    assert await process.stdout.readline() == b"ready\n"
    yield process
    assert await process.wait() == 0


async def answers(process: asyncio.subprocess.Process) -> list[Answer]:
    """Let the process begin and return its answers."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(b"go\n")
    found: list[Answer] = json.loads(await process.stdout.readline())
    return found


async def raced(*tasks: Task) -> tuple[list[Answer], float]:
    """Run processes beside each other; return all answers, and the seconds that it took."""
    async with asyncio.TaskGroup() as group:
        contexts = [racer(task) for task in tasks]
        started = [group.create_task(context.__aenter__()) for context in contexts]
    begun = time.monotonic()
    found = await asyncio.gather(*(answers(each.result()) for each in started))
    seconds = time.monotonic() - begun
    for context in contexts:
        await context.__aexit__(None, None, None)
    return [each for some in found for each in some], seconds


def one_of_the_group(stage: Stage, chance: random.Random, number: int) -> Sent:
    """Return a change on the first group, or of one of its users."""
    (group,) = stage.groups
    user = chance.choice(stage.users)
    match number % 50:
        case 5 | 30:
            return renamed(group, f"Name {chance.random()}")
        case 11 | 36:
            members = chance.sample(stage.users, 6)
            return replaced(group, f"Put {chance.random()}", members)
        case 17:
            return deleted(stage.users.pop())
        case 23 | 48:
            return user_named(user, f"{chance.random()}@example.com")
    return joined(group, user) if chance.random() < 0.5 else left(group, user)


def one_of_the_user(stage: Stage, chance: random.Random, number: int) -> Sent:
    """Return a change of the first user, or of its membership of any group."""
    user, group = stage.users[0], chance.choice(list(stage.groups))
    match number % 25:
        case 5:
            return renamed(group, f"Name {chance.random()}")
        case 11:
            return replaced(group, f"Put {chance.random()}", stage.users[:3])
        case 17 | 23:
            return user_named(user, f"{chance.random()}@example.com")
    return joined(group, user) if chance.random() < 0.5 else left(group, user)


def joined(group: str, user: str) -> Sent:
    """Add a member."""
    body = patch_message([{"op": "add", "path": "members", "value": [{"value": user}]}])
    change = Change(add=frozenset([user]))
    return Sent("PATCH", f"/Groups/{group}", body, group, change=change)


def left(group: str, user: str) -> Sent:
    """Remove a member."""
    body = patch_message([{"op": "remove", "path": f'members[value eq "{user}"]'}])
    change = Change(remove=frozenset([user]))
    return Sent("PATCH", f"/Groups/{group}", body, group, change=change)


def renamed(group: str, name: str) -> Sent:
    """Rename a group."""
    body = patch_message([{"op": "replace", "path": "displayName", "value": name}])
    return Sent("PATCH", f"/Groups/{group}", body, group, change=Change(name))


def replaced(group: str, name: str, members: Sequence[str]) -> Sent:
    """PUT a group."""
    body = {"displayName": name, "members": [{"value": each} for each in members]}
    change = Change(name, only=frozenset(members))
    return Sent("PUT", f"/Groups/{group}", body, group, change=change)


def deleted(user: str) -> Sent:
    """Delete a user."""
    return Sent("DELETE", f"/Users/{user}", change=Change(remove=frozenset([user])))


def user_named(user: str, name: str) -> Sent:
    """Change a userName."""
    body = patch_message([{"op": "replace", "path": "userName", "value": name}])
    return Sent("PATCH", f"/Users/{user}", body, user=user)


@pytest.mark.parametrize(
    ("kind", "users", "groups", "members"),
    [(one_of_the_group, 24, 1, 8), (one_of_the_user, 4, 20, 1)],
    ids=["one group", "one user in many groups"],
)
async def test_a_serial_order_explains_everything(
    stage: Stage, kind: Any, users: int, groups: int, members: int
) -> None:
    """Members, names and versions are those of the changes one after another; no row is wrong."""
    await stage.fill(users, groups, members)
    chance = random.Random(SEED)  # noqa: S311 - the same race each time
    everyone = list(stage.users)
    made = [kind(stage, chance, number) for number in range(2 * RACE)]
    sent = [*made[::2], *made[1::2]]  # the two processes begin with changes of the same time
    versions = {user: await version(stage, f"/Users/{user}") for user in everyone}
    found, _ = await raced(stage.task(sent[:RACE]), stage.task(sent[RACE:]))
    calls = [Made(*each) for each in zip(sent, *zip(*found, strict=True), strict=True)]
    assert {call.status for call in calls} <= {200, 204, 400, 404}
    partition = rows.partition(stage.directory.id)
    assert await check(stage.storage, partition, datetime.now(UTC)) == []
    effective = await serial_order(stage, calls)
    for group in stage.groups:
        for step in await steps_of(stage, group, calls, effective):
            for user in everyone:
                versions[user] += step.touches(user)
    for call in effective:
        if call.sent.user:
            versions[call.sent.user] += 1
        if call.sent.deletes:
            versions[call.sent.path[7:]] = 0
    assert {user: await version(stage, f"/Users/{user}") for user in everyone} == versions


async def serial_order(stage: Stage, calls: Sequence[Made]) -> list[Made]:
    """Return the calls that changed something, in the order in which they did."""
    partition = rows.partition(stage.directory.id)
    found = [
        row
        async for row in scan_rows(stage.storage, partition, rows.LOG, rows.LOG + rows.END)
        if LogEntry.model_validate(rows.unpack(row.values)).outcome is Outcome.SUCCESS
    ]
    # SQLite's etags count the commits.
    commits = {rows.unpack(row.values)["messageId"]: int(row.etag) for row in found}
    assert len(commits) == len(found), "a call is in the log twice"
    order = [
        (commits[message], call.version, number)
        for number, call in enumerate(calls)
        for message in call.messages
        if message in commits
    ]
    assert len({number for *_, number in order}) == len(order), "a change happened twice"
    return [calls[number] for *_, number in sorted(order)]


async def steps_of(
    stage: Stage, group: str, calls: Sequence[Made], effective: Sequence[Made]
) -> list[Step]:
    """Return the steps of a group, after checking that they lead to what is stored now."""
    first = stage.groups[group]
    own = [call for call in effective if call.sent.group == group or call.sent.deletes]
    steps = replayed(first, [call.sent.change for call in own])
    states = [first, *(step.after for step in steps)]
    shown = (await stage.directory.send("GET", f"/Groups/{group}")).json
    members = frozenset(each["value"] for each in shown.get("members", []))
    assert State(shown["displayName"], members) == states[-1]
    assert number_of(shown["meta"]["version"]) == len(states)
    for call in calls:
        if call.sent.group != group or call.status >= 300 or len(call.messages) > 1:
            continue
        after = states[call.version - 1]
        if call in effective:
            assert call.sent.change.after(after) == after, "its version holds what it did"
        else:
            around = states[max(0, call.version - NEAR) : call.version + NEAR]
            assert any(call.sent.change.after(state) == state for state in around), "it was lost"
    return steps


async def version(stage: Stage, path: str) -> int:
    """Return the number of a resource's version."""
    answer = await stage.directory.send("GET", path)
    return number_of(answer.json["meta"]["version"]) if answer.status == 200 else 0


def number_of(tag: str) -> int:
    """Return the number in an entity tag."""
    return int(tag.strip('W/"'))


async def test_a_group_takes_25_changes_a_second(stage: Stage) -> None:
    """Four processes, 15 ms from their storage, put 50 members each into one group."""
    await stage.fill(200, 1, 0)
    (group,) = stage.groups
    sent = [[joined(group, user) for user in stage.users[start::4]] for start in range(4)]
    found, seconds = await raced(*(stage.task(some, latency=0.015) for some in sent))
    assert Counter(status for status, *_ in found) == {204: 200}
    assert await stage.directory.members(group) == set(stage.users)
    assert 200 / seconds > 25
