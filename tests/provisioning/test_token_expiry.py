"""Admins are told of tokens that are about to expire: once per token and threshold."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from scim.provisioning.log.entries import Did
from tests.endpoint import Directory


@pytest.fixture
async def telemetry(caplog: pytest.LogCaptureFixture) -> Any:
    """Return a function that gives the days left of the records since it was last called."""
    caplog.set_level(logging.INFO, "rollcall")

    def told() -> list[int]:
        records = [each for each in caplog.records if "token_expiring" in str(each.__dict__)]
        caplog.clear()
        return [each.__dict__["daysLeft"] for each in records]

    return told


async def test_each_threshold_is_told_once(directory: Directory, telemetry: Any) -> None:
    """30, 14, 7 and 1 days before the expiry, and on the day, with a run every hour."""
    clock, upkeep = directory.endpoint.clock, directory.endpoint.services.upkeep
    clock.forward(days=330)
    told: list[int] = []
    for _ in range(40 * 4):
        await upkeep.run()
        told += telemetry()
        clock.forward(hours=6)
    assert told == [30, 14, 7, 1, 0]
    log = [each for each in await directory.log() if each.operations == (Did.EXPIRING,)]
    assert len(log) == 5
    assert {(each.actor, each.target.type, each.target.identifier) for each in log} == {
        ("upkeep", "Token", "of a test")
    }


async def test_missed_runs_are_caught_up(directory: Directory, telemetry: Any) -> None:
    """Of several thresholds that were missed only the last is told."""
    clock, upkeep = directory.endpoint.clock, directory.endpoint.services.upkeep
    for days, expected in ((340, [25]), (20, [5]), (30, [-25]), (1, [])):
        clock.forward(days=days)
        await upkeep.run()
        assert telemetry() == expected


async def test_overlapping_runs_tell_once(directory: Directory, telemetry: Any) -> None:
    """The commit that flags the token decides who tells."""
    directory.endpoint.clock.forward(days=340)
    upkeep = directory.endpoint.services.upkeep
    await asyncio.gather(*(upkeep.run() for _ in range(5)))
    assert telemetry() == [25]
    assert [each.operations for each in await directory.log()] == [(Did.EXPIRING,)]


async def test_the_record_names_the_token_and_holds_no_secret(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """Directory, token id and days left; an alert is built on the event."""
    caplog.set_level(logging.INFO, "rollcall")
    directory.endpoint.clock.forward(days=340)
    await directory.endpoint.services.upkeep.run()
    (record,) = caplog.records
    told = record.__dict__
    assert (told["event"], told["directory"]) == ("token_expiring", directory.id)
    assert told["tokenId"] == directory.token.split("_")[1]
    assert directory.token.split("_")[2] not in str(told)


@pytest.mark.parametrize("days", [1, 7, 14, 30])
async def test_a_short_life_is_no_surprise(directory: Directory, telemetry: Any, days: int) -> None:
    """A token made for so many days is not told of at once."""
    path = f"/directories/{directory.id}/tokens"
    body = {"description": "short", "expiresInDays": days}
    await directory.endpoint.manage("POST", path, body)
    await directory.endpoint.services.upkeep.run()
    assert telemetry() == []


@pytest.mark.parametrize("used", [True, False])
async def test_a_replaced_token_is_told_of_only_while_it_is_used(
    directory: Directory, telemetry: Any, *, used: bool
) -> None:
    """Otherwise it lapses as it was meant to."""
    endpoint = directory.endpoint
    endpoint.clock.forward(days=340)
    path = f"/directories/{directory.id}/tokens/{directory.token.split('_')[1]}/rotate"
    assert (await endpoint.manage("POST", path, {})).status == 201
    if used:
        endpoint.clock.forward(minutes=2)
        await directory.send("GET", "/Users")
    await endpoint.services.upkeep.run()
    assert telemetry() == ([25] if used else [])


async def test_revoked_tokens_and_deleted_directories_are_not_told_of(
    directory: Directory, telemetry: Any
) -> None:
    """They have ended already."""
    endpoint = directory.endpoint
    other = await endpoint.directory("other")
    token = directory.token.split("_")[1]
    await endpoint.manage("DELETE", f"/directories/{directory.id}/tokens/{token}")
    await endpoint.manage("DELETE", f"/directories/{other.id}")
    endpoint.clock.forward(days=20)
    await endpoint.services.upkeep.run()
    endpoint.clock.forward(days=320)
    await endpoint.services.upkeep.run()
    assert telemetry() == []
