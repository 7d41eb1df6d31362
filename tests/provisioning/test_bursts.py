"""Bursts of deactivations and deletions are let through and told of, once."""

from __future__ import annotations

import logging

import pytest

from tests.endpoint import Directory


async def cease(directory: Directory, users: int, *, delete: bool = False) -> None:
    """Make users, and deactivate or delete each a little later."""
    ids = [(await directory.create_user())["id"] for _ in range(users)]
    off = {"op": "replace", "path": "active", "value": False}
    for each in ids:
        answer = await (
            directory.send("DELETE", f"/Users/{each}") if delete else directory.patch(each, off)
        )
        assert answer.status < 300


async def told(directory: Directory, caplog: pytest.LogCaptureFixture) -> list[tuple[int, int]]:
    """Let the timer come by once the log has settled; return how many ceased and are left."""
    directory.endpoint.clock.forward(minutes=3)
    with caplog.at_level(logging.WARNING, "rollcall"):
        await directory.endpoint.services.upkeep.run()
    records = [
        each for each in caplog.records if getattr(each, "event", "") == "deactivation_burst"
    ]
    caplog.clear()
    return [(vars(each)["deactivated"], vars(each)["active"]) for each in records]


@pytest.mark.parametrize("delete", [False, True])
async def test_a_burst_is_told_once(
    directory: Directory, caplog: pytest.LogCaptureFixture, *, delete: bool
) -> None:
    """More than ten and more than a fifth within an hour; again only an hour later."""
    await directory.create_user()
    await cease(directory, 11, delete=delete)
    assert await told(directory, caplog) == [(11, 1)]
    await cease(directory, 3)
    assert await told(directory, caplog) == []
    directory.endpoint.clock.forward(hours=1)
    await cease(directory, 11)
    assert await told(directory, caplog) == [(11, 1)]


async def test_few_are_no_burst(directory: Directory, caplog: pytest.LogCaptureFixture) -> None:
    """Ten are none, nor is a fifth of all, nor more that come over more than an hour."""
    await cease(directory, 10)
    assert await told(directory, caplog) == []
    directory.endpoint.clock.forward(hours=1)
    await cease(directory, 10)
    assert await told(directory, caplog) == []
    for _ in range(44):
        await directory.create_user()
    directory.endpoint.clock.forward(hours=1)
    await cease(directory, 11)
    assert await told(directory, caplog) == []


async def test_what_was_counted_before_counts_with_what_comes(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """Runs of the timer in between change nothing."""
    await cease(directory, 6)
    assert await told(directory, caplog) == []
    await cease(directory, 6)
    assert await told(directory, caplog) == [(12, 0)]
