"""A value from elsewhere: how fresh it is, and how long it outlives an outage of its source."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from scim.provisioning import refreshed
from scim.provisioning.ports import Unavailable
from scim.provisioning.refreshed import ASKED_AGAIN, Refreshed
from tests.endpoint import Clock

FRESH = timedelta(minutes=1)
OUTAGE = timedelta(minutes=15)


class Source:
    """Counts up; refuses while it is `down`, waits while it is `silent`."""

    def __init__(self) -> None:
        self.asked = 0
        self.down = False
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.open.wait()
        if self.down:
            raise Unavailable("the source is down")
        return number


@pytest.fixture
def source() -> Source:
    """Make a source that answers."""
    return Source()


@pytest.fixture
def clock() -> Clock:
    """Make a clock."""
    return Clock()


@pytest.fixture
def value(source: Source, clock: Clock) -> Refreshed[int]:
    """Make a value that nobody has asked for yet."""
    return Refreshed(source, clock, fresh=FRESH, outage=OUTAGE)


async def test_a_fresh_value_is_not_fetched(
    value: Refreshed[int], source: Source, clock: Clock
) -> None:
    """It is fetched again when its time is over."""
    assert [await value.get() for _ in range(3)] == [1, 1, 1]
    clock.forward(seconds=60)
    assert [await value.get() for _ in range(3)] == [2, 2, 2]
    assert source.asked == 2


async def test_all_who_wait_share_one_fetch(value: Refreshed[int], source: Source) -> None:
    """Also when one of them gives up waiting."""
    source.open.clear()
    waiting = [asyncio.create_task(value.get()) for _ in range(5)]
    await asyncio.sleep(0)
    waiting[0].cancel()
    source.open.set()
    assert await asyncio.gather(*waiting[1:]) == [1] * 4
    assert source.asked == 1


async def test_an_old_value_outlives_an_outage_of_its_length(
    value: Refreshed[int], source: Source, clock: Clock
) -> None:
    """Not a second longer; and as soon as the source may be asked again, all is well."""
    assert await value.get() == 1
    source.down = True
    clock.forward(minutes=14, seconds=59)
    assert await value.get() == 1
    clock.forward(seconds=1)
    with pytest.raises(Unavailable):
        await value.get()
    source.down = False
    clock.forward(seconds=ASKED_AGAIN.total_seconds())
    assert await value.get() > 1


async def test_without_a_length_an_outage_lasts_as_long_as_it_likes(
    source: Source, clock: Clock
) -> None:
    """The old value serves."""
    value = Refreshed(source, clock, fresh=FRESH, outage=None)
    assert await value.get() == 1
    source.down = True
    clock.forward(days=365)
    assert await value.get() == 1


async def test_a_source_that_is_down_is_seldom_asked(
    value: Refreshed[int], source: Source, clock: Clock
) -> None:
    """Once in five seconds, whether there is an old value or none."""
    source.down = True
    for _ in range(10):
        with pytest.raises(Unavailable):
            await value.get()
    assert source.asked == 1
    source.down = False
    clock.forward(seconds=5)
    assert await value.get() == 2
    source.down = True
    clock.forward(minutes=1)
    assert [await value.get() for _ in range(10)] == [2] * 10
    assert source.asked == 3


async def test_whoever_misses_something_may_ask_sooner(
    value: Refreshed[int], source: Source, clock: Clock
) -> None:
    """A value younger than demanded is given as it is; without an answer there is none."""
    assert await value.get() == 1
    clock.forward(seconds=10)
    assert await value.younger_than(timedelta(seconds=20)) == 1
    assert await value.younger_than(timedelta(seconds=5)) == 2
    assert await value.get() == 2
    source.down = True
    clock.forward(seconds=10)
    with pytest.raises(Unavailable):
        await value.younger_than(timedelta(seconds=5))


async def test_a_late_answer_counts(
    value: Refreshed[int], source: Source, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a silent source says after everybody's patience is the value from then on."""
    monkeypatch.setattr(refreshed, "PATIENCE", 0.01)
    assert await value.get() == 1
    source.open.clear()
    clock.forward(minutes=1)
    assert await value.get() == 1
    source.open.set()
    assert await value.younger_than(timedelta(seconds=30)) == 2
    assert await value.get() == 2
    assert await value.younger_than(timedelta(0)) == 3  # and it may be asked again at once


async def test_a_fetch_that_began_too_early_is_not_enough(
    value: Refreshed[int], source: Source
) -> None:
    """Whoever has just changed the source waits for it, and then asks anew."""
    source.open.clear()
    early = asyncio.create_task(value.get())
    await asyncio.sleep(0)
    late = asyncio.create_task(value.younger_than(timedelta(0)))
    await asyncio.sleep(0)
    source.open.set()
    assert (await early, await late) == (1, 2)
