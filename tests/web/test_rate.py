"""The rate of a directory: 429 beyond it, before anything is read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scim.protocol.errors import TooManyRequests
from scim.web.rate import REMEMBERED, Rate
from tests.endpoint import Directory, running

NOON = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)


class Watch:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.moment = NOON

    def __call__(self) -> datetime:
        return self.moment


def passed(rate: Rate, directory: str, per_second: int, tries: int) -> int:
    """Return how many of so many requests pass."""
    count = 0
    for _ in range(tries):
        try:
            rate.take(directory, per_second)
        except TooManyRequests:
            continue
        count += 1
    return count


@pytest.mark.parametrize("per_second", [1, 4, 100])
def test_a_second_of_requests_may_come_at_once(per_second: int) -> None:
    """Then as many as time brings, and after a pause no more than in the first second."""
    watch = Watch()
    rate = Rate(watch)
    assert passed(rate, "one", per_second, per_second + 5) == per_second
    watch.moment += timedelta(seconds=1 / per_second)
    assert passed(rate, "one", per_second, 5) == 1
    watch.moment += timedelta(hours=1)
    assert passed(rate, "one", per_second, per_second + 5) == per_second


def test_directories_have_rates_of_their_own() -> None:
    """One that sends too much takes nothing from another."""
    rate = Rate(Watch())
    assert passed(rate, "one", 2, 5) == 2
    assert passed(rate, "other", 2, 5) == 2


def test_a_clock_that_is_set_back_locks_nobody_out() -> None:
    """The bucket fills again from the new time on."""
    watch = Watch()
    rate = Rate(watch)
    passed(rate, "one", 2, 5)
    watch.moment -= timedelta(hours=1)
    assert passed(rate, "one", 2, 5) == 0
    watch.moment += timedelta(seconds=1)
    assert passed(rate, "one", 2, 5) == 2


def test_memory_is_bounded() -> None:
    """The directory that was quiet longest is forgotten, and one that is busy is not."""
    rate = Rate(Watch())
    passed(rate, "busy", 2, 2)
    for number in range(REMEMBERED + 10):
        rate.take(f"d{number}", 2)
        assert passed(rate, "busy", 2, 1) == 0
    assert len(rate._buckets) == REMEMBERED


async def test_too_many_requests_are_429(tmp_path: Path) -> None:
    """A SCIM error with Retry-After; a second later all is well.

    The first one is kept as a failed event; for a minute no other costs a storage call.
    """
    async with running(tmp_path, REQUESTS_PER_SECOND="2") as endpoint:
        directory = await endpoint.directory("demo")
        await directory.send("GET", "/Schemas")
        await directory.send("GET", "/Schemas")
        assert (await directory.send("GET", "/Users")).status == 429
        (kept,) = await directory.failures()
        assert kept.cause == "tooFast"
        endpoint.storage.calls.clear()
        refused = await directory.send("GET", "/Users")
        assert (refused.status, refused.headers["Retry-After"]) == (429, "1")
        assert refused.json["status"] == "429"
        assert "2 requests per second" in refused.json["detail"]
        assert not endpoint.storage.calls
        endpoint.clock.forward(seconds=int(refused.headers["Retry-After"]))
        assert (await directory.send("GET", "/Users")).status == 200


async def test_the_rate_is_a_directorys_policy(directory: Directory) -> None:
    """Its own overrides the installation's, from the next request on."""
    path = f"/directories/{directory.id}"
    await directory.send("GET", "/Schemas")
    await directory.endpoint.manage("PATCH", path, {"policy": {"requestsPerSecond": 1}})
    assert (await directory.send("GET", "/Schemas")).status == 200
    assert (await directory.send("GET", "/Schemas")).status == 429
    other = await directory.endpoint.directory("other")
    for _ in range(3):
        assert (await other.send("GET", "/Schemas")).status == 200


async def test_only_who_has_a_token_counts(tmp_path: Path) -> None:
    """A flood without one is 401 and takes nothing from the directory."""
    async with running(tmp_path, REQUESTS_PER_SECOND="1") as endpoint:
        directory = await endpoint.directory("demo")
        for _ in range(3):
            refused = await directory.send("GET", "/Users", headers={"Authorization": "Bearer x"})
            assert refused.status == 401
        assert (await directory.send("GET", "/Users")).status == 200
