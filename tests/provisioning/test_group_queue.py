"""The line before each group: what waits together is stored together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from scim.protocol.errors import InvalidValue
from scim.provisioning import rows
from scim.provisioning.groups import queue as group_queue
from scim.provisioning.groups.queue import GroupQueue, Turn
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Unavailable
from scim.provisioning.upkeep.checker import check
from tests.endpoint import Directory, patch_message

NOBODY = "01a21495-4fc4-76a8-9df8-bcc38afc03fb"
TOGETHER = 16  # small changes of one member each in a commit of 100 rows


class Maker:
    """Makes small changes when it is let; a change is a number, its result the double of it."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self.let = asyncio.Event()

    async def make(self, turns: Sequence[Turn[int, int]]) -> None:
        await self.let.wait()
        self.made.append([turn.change for turn in turns])
        for turn in turns:
            if turn.change < 0:
                turn.done.set_exception(ValueError(turn.change))
            elif turn.change == 0:
                raise KeyError
            else:
                turn.done.set_result(2 * turn.change)


@pytest.fixture
async def maker() -> Maker:
    """Return a maker that has to be let."""
    return Maker()


@pytest.fixture
async def queue(maker: Maker) -> GroupQueue[int, int]:
    """Return a queue of which three changes go together."""
    return GroupQueue(maker.make, lambda before, _: len(before) < 3)


async def joined(queue: GroupQueue[int, int], *changes: int) -> list[asyncio.Task[int]]:
    """Put changes in line, in this order."""
    tasks = [asyncio.create_task(queue.together("g", each)) for each in changes]
    await asyncio.sleep(0)
    return tasks


async def test_those_that_wait_are_made_together(queue: GroupQueue[int, int], maker: Maker) -> None:
    """The first is made at once, the others as many together as fit, in their order."""
    tasks = await joined(queue, 1, 2, 3, 4, 5)
    maker.let.set()
    assert await asyncio.gather(*tasks) == [2, 4, 6, 8, 10]
    assert maker.made == [[1], [2, 3, 4], [5]]


async def test_groups_do_not_wait_for_each_other(queue: GroupQueue[int, int], maker: Maker) -> None:
    """A group whose line stands still holds up nobody else."""
    async with queue.alone("other"):
        maker.let.set()
        assert await queue.together("g", 1) == 2


async def test_a_change_alone_waits_and_is_waited_for(
    queue: GroupQueue[int, int], maker: Maker
) -> None:
    """What is made alone begins when the changes before are made, and holds the line."""
    tasks = await joined(queue, 1)

    async def alone() -> None:
        async with queue.alone("g"):
            assert maker.made == [[1]]
            tasks.extend(await joined(queue, 2))
            assert maker.made == [[1]]

    other = asyncio.create_task(alone())
    await asyncio.sleep(0)
    maker.let.set()
    await other
    assert await asyncio.gather(*tasks) == [2, 4]


async def test_a_refusal_is_its_own(queue: GroupQueue[int, int], maker: Maker) -> None:
    """One that is refused is refused alone; a failure of all is everybody's, and of no more."""
    tasks = await joined(queue, 1, 2, -3, 0, 5, 6)
    maker.let.set()
    found: list[Any] = await asyncio.gather(*tasks, return_exceptions=True)
    assert maker.made == [[1], [2, -3, 0], [5, 6]]
    assert [found[0], found[1], found[4], found[5]] == [2, 4, 10, 12]
    assert [type(found[2]), type(found[3])] == [ValueError, KeyError]


async def test_whoever_gives_up_leaves_the_line(queue: GroupQueue[int, int], maker: Maker) -> None:
    """A cancelled call takes nobody with it; those it worked for are told to come again."""
    async with queue.alone("g"):
        tasks = await joined(queue, 1, 2, 3, 4)
    await asyncio.sleep(0)
    tasks[0].cancel()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(tasks[1], timeout=5)
    maker.let.set()
    assert await tasks[3] == 8
    assert maker.made == [[4]]


async def test_a_change_given_up_in_line_is_not_made(maker: Maker) -> None:
    """A call that is cancelled while it waits leaves no change behind, and holds up nobody."""
    queue = GroupQueue[int, int](maker.make, lambda _, __: False)
    tasks = await joined(queue, 1, 2, 3)
    tasks[1].cancel()
    maker.let.set()
    assert await asyncio.wait_for(tasks[2], timeout=5) == 6
    assert maker.made == [[1], [3]]


async def test_nobody_waits_for_ever(
    queue: GroupQueue[int, int], maker: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who does not come to the head in time is told to come again, and nothing was made."""
    monkeypatch.setattr(group_queue, "WAIT", 0.01)
    async with queue.alone("g"):
        with pytest.raises(Unavailable):
            await queue.together("g", 1)
        with pytest.raises(Unavailable):
            async with queue.alone("g"):
                pytest.fail("two at the head of a line")
    maker.let.set()
    assert await queue.together("g", 2) == 4
    assert maker.made == [[2]]


def adding(directory: Directory, group: str, *users: str) -> Any:
    """Return the coroutine of a call that adds members, behind HTTP."""
    services = directory.endpoint.services
    now = services.now()
    call = Call(directory.id, resource_id(now), now, actor="a test", policy=Policy())
    value = [{"value": each} for each in users]
    message = patch_message([{"op": "add", "path": "members", "value": value}])
    return services.groups.patch(call, group, message)


async def test_many_calls_on_one_group_are_few_commits(directory: Directory) -> None:
    """Twenty calls at once: one commit, then sixteen, then the rest; each has its version."""
    users = [(await directory.create_user())["id"] for _ in range(TOGETHER + 4)]
    group = (await directory.create_group("Tunnels"))["id"]
    storage = directory.endpoint.storage
    storage.calls.clear()
    made = await asyncio.gather(*(adding(directory, group, user) for user in users))
    assert storage.calls["commit"] == 3
    assert [each.resource["meta"]["version"] for each in made] == [
        f'W/"{number}"' for number in range(2, TOGETHER + 6)
    ]
    assert await directory.members(group) == set(users)
    log = [each for each in await directory.log() if each.operations == ("addMembers",)]
    assert len(log) == len(users)
    services = directory.endpoint.services
    assert await check(services.storage, rows.partition(directory.id), services.now()) == []


async def test_one_bad_call_among_many(directory: Directory) -> None:
    """An id that nobody has refuses the call that names it, and none that waits beside it."""
    users = [(await directory.create_user())["id"] for _ in range(4)]
    group = (await directory.create_group("Tunnels"))["id"]
    calls = [adding(directory, group, each) for each in [*users[:2], NOBODY]]
    calls += [adding(directory, group, *users[2:])]
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(each, InvalidValue) for each in found] == [False, False, True, False]
    assert await directory.members(group) == set(users)


async def test_the_same_member_twice(directory: Directory) -> None:
    """Calls that add the same member beside each other all succeed, and one has done it."""
    lee, kim = [(await directory.create_user())["id"] for _ in range(2)]
    group = (await directory.create_group("Tunnels"))["id"]
    made = await asyncio.gather(*(adding(directory, group, each) for each in (lee, kim, kim, kim)))
    assert [each.resource["meta"]["version"] for each in made] == ['W/"2"', *['W/"3"'] * 3]
    assert await directory.members(group) == {lee, kim}
