"""The status of a directory."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.log import contacts
from scim.provisioning.log.contacts import read_contacts
from tests.endpoint import Directory, Endpoint, patch_message

NOTHING = {
    "users": {"created": 0, "updated": 0, "enabled": 0, "disabled": 0, "deleted": 0},
    "groups": {"created": 0, "updated": 0, "deleted": 0, "membersAdded": 0, "membersRemoved": 0},
    "failed": 0,
}


async def status(directory: Directory) -> Any:
    """Return the status; what was noted is written first."""
    await directory.endpoint.services.upkeep.run()
    answer = await directory.endpoint.manage("GET", f"/directories/{directory.id}/status")
    assert answer.status == 200, answer.raw
    return answer.json


async def stored_requests(directory: Directory) -> int:
    """Return the number of requests that every process knows of."""
    storage = directory.endpoint.services.storage
    return (await read_contacts(storage, rows.partition(directory.id)))[0].requests


def done(**numbers: int) -> Any:
    """Return what was done, as statistics show it: `users_created=1`, `failed=1`."""
    found: Any = {**NOTHING, "users": {**NOTHING["users"]}, "groups": {**NOTHING["groups"]}}  # type: ignore[dict-item]  # a table of tables and a number
    for name, number in numbers.items():
        family, _, counter = name.partition("_")
        if counter:
            found[family][counter] = number
        else:
            found[family] = number
    return found


async def change_much(directory: Directory) -> list[str]:
    """Change something of every kind."""
    people = [(await directory.create_user())["id"] for _ in range(3)]
    await directory.patch(people[0], {"op": "replace", "path": "title", "value": "Engineer"})
    await directory.patch(people[0], {"op": "replace", "path": "active", "value": False})
    await directory.patch(people[0], {"op": "replace", "path": "active", "value": True})
    await directory.patch(people[1], {"op": "replace", "path": "active", "value": False})
    await directory.send("DELETE", f"/Users/{people[2]}")
    group = (await directory.create_group("Tunnels", people[:2]))["id"]
    await directory.patch_group(group, {"op": "remove", "path": f'members[value eq "{people[0]}"]'})
    await directory.patch_group(group, {"op": "replace", "path": "displayName", "value": "North"})
    other = (await directory.create_group("Other"))["id"]
    await directory.send("DELETE", f"/Groups/{other}")
    await directory.send("POST", "/Users", {"userName": ""})
    return people


DONE = {
    "users_created": 3,
    "users_updated": 1,
    "users_disabled": 2,
    "users_enabled": 1,
    "users_deleted": 1,
    "groups_created": 2,
    "groups_updated": 1,
    "groups_deleted": 1,
    "groups_membersAdded": 1,
    "groups_membersRemoved": 1,
    "failed": 1,
}


async def test_a_new_directory_has_done_nothing(directory: Directory) -> None:
    """Zeros, no contact, and no reason to call it healthy."""
    assert await status(directory) == {
        "users": {"active": 0, "inactive": 0},
        "groups": 0,
        "memberships": 0,
        "statistics": dict.fromkeys(("today", "days7", "days30", "total"), NOTHING),
        "contact": {
            "first": None,
            "last": None,
            "lastChange": None,
            "intervalSeconds": None,
            "requests": 0,
            "reads": 0,
            "unauthorized": 0,
            "lastUnauthorized": None,
        },
        "health": "silent",
        "quirks": {},
        "strictWouldRefuse": 0,
    }


async def test_a_contact_is_seen_at_once(directory: Directory) -> None:
    """Right after the first test of a connection, before anything of it is stored."""
    address = f"/directories/{directory.id}/status"
    await Directory(directory.endpoint, directory.id, "mistyped").send("GET", "/Users")
    found = (await directory.endpoint.manage("GET", address)).json
    assert (found["health"], found["contact"]["unauthorized"]) == ("silent", 1)
    await directory.send("GET", "/Users?filter=userName+eq+%22nobody%22")
    found = (await directory.endpoint.manage("GET", address)).json
    assert (found["health"], found["contact"]["reads"]) == ("healthy", 1)
    assert found["contact"]["first"] == found["contact"]["last"] is not None
    assert (await status(directory))["contact"] == found["contact"]


async def test_everything_is_counted(directory: Directory) -> None:
    """What is there, and what was done of every kind, before the log is folded and after."""
    await change_much(directory)
    for _ in range(2):
        found = await status(directory)
        assert found["users"] == {"active": 1, "inactive": 1}
        assert (found["groups"], found["memberships"]) == (1, 1)
        assert found["statistics"] == {
            each: done(**DONE) for each in ("today", "days7", "days30", "total")
        }
        directory.endpoint.clock.forward(minutes=5)


async def test_a_day_goes_on_after_folding(directory: Directory) -> None:
    """What is folded of a day and what came since are one number, again and again."""
    for number in range(1, 4):
        await directory.create_user()
        for _ in range(2):
            found = (await status(directory))["statistics"]
            assert found["today"] == found["total"] == done(users_created=number)
            directory.endpoint.clock.forward(minutes=3)


@pytest.mark.usefixtures("small_commits")
async def test_a_long_change_counts_once(directory: Directory) -> None:
    """However many commits it takes."""
    people = [(await directory.create_user())["id"] for _ in range(6)]
    group = (await directory.create_group("Tunnels"))["id"]
    add = {"op": "add", "path": "members", "value": [{"value": each} for each in people]}
    assert (await directory.patch_group(group, add)).status == 204
    found = await status(directory)
    assert found["statistics"]["today"]["groups"]["membersAdded"] == 1
    assert found["memberships"] == 6


async def test_statistics_have_days(directory: Directory) -> None:
    """Today, 7 and 30 days each end today; all time is never forgotten; folding changes nothing."""
    clock, made = directory.endpoint.clock, []
    for days in (40, 23, 6, 1):
        made.append(clock.moment)
        await directory.create_user()
        await directory.endpoint.services.upkeep.run()
        clock.moment = made[-1] + timedelta(days=days)
    # Users were made 70, 30, 7 and 1 days ago.
    await directory.create_user()
    found = (await status(directory))["statistics"]
    created = [found[each]["users"]["created"] for each in ("today", "days7", "days30", "total")]
    assert created == [1, 2, 3, 5]


async def test_a_day_ends_at_midnight(directory: Directory) -> None:
    """Today begins at midnight UTC."""
    clock = directory.endpoint.clock
    clock.moment = clock.moment.replace(hour=23, minute=59, second=59)
    await directory.create_user()
    clock.forward(seconds=1)
    await directory.create_user()
    assert (await status(directory))["statistics"]["today"]["users"]["created"] == 1


async def test_contacts_are_counted(directory: Directory) -> None:
    """First, last, last change; requests, reads, and calls that nobody may make."""
    clock = directory.endpoint.clock
    begun = clock.moment
    kim = (await directory.create_user())["id"]
    clock.forward(minutes=7)
    await directory.get(kim)
    await directory.send("POST", "/Users/.search", {})
    await directory.send("GET", "/Users", query="filter=x")
    stranger = Directory(directory.endpoint, directory.id, "nonsense")
    assert (await stranger.send("GET", "/Users")).status == 401
    found = (await status(directory))["contact"]
    assert (found["requests"], found["reads"], found["unauthorized"]) == (4, 2, 1)
    times = [datetime.fromisoformat(found[each]) - begun for each in ("first", "lastChange")]
    assert max(times) < timedelta(minutes=1)
    times = [datetime.fromisoformat(found[each]) - begun for each in ("last", "lastUnauthorized")]
    assert timedelta(minutes=7) < min(times) <= max(times) < timedelta(minutes=8)
    # A second time within five minutes nothing is written.
    await directory.get(kim)
    assert (await status(directory))["contact"]["requests"] == 5
    assert await stored_requests(directory) == 4
    clock.forward(minutes=5)
    assert (await status(directory))["contact"]["requests"] == 5
    assert await stored_requests(directory) == 5


async def test_quirks_are_counted(directory: Directory) -> None:
    """Each by its name, of reads, changes and bulk; and how many requests a strict mode refuses."""
    await directory.create_user()
    await directory.create_user(schemas=["urn:ietf:params:scim:schemas:core:2.0:User"])
    bulk = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
        "Operations": [{"method": "POST", "path": "/Groups", "data": {"displayName": "North"}}],
    }
    bulk["Operations"][0]["bulkId"] = "a"  # type: ignore[index]  # a list of one
    await directory.send("POST", "/Bulk", bulk)
    found = await status(directory)
    assert found["quirks"]["infer_schemas"] == 2
    assert found["strictWouldRefuse"] == 2


async def cycle(directory: Directory, minutes: int, times: int) -> None:
    """Let the identity provider come by every so many minutes."""
    for _ in range(times):
        await directory.send("GET", "/Users")
        await directory.endpoint.services.upkeep.run()
        directory.endpoint.clock.forward(minutes=minutes)


async def test_an_idp_that_stays_away_is_silent(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """After three of its usual intervals; it is told of once, and again for another silence."""
    caplog.set_level(logging.INFO, "rollcall")
    await cycle(directory, 40, 5)
    found = await status(directory)
    assert (found["health"], round(found["contact"]["intervalSeconds"] / 60)) == ("healthy", 40)
    for _ in range(2):
        directory.endpoint.clock.forward(minutes=79)
        assert (await status(directory))["health"] == "healthy"
        directory.endpoint.clock.forward(minutes=2)
        assert (await status(directory))["health"] == "silent"
        assert (await status(directory))["health"] == "silent"
        await cycle(directory, 40, 1)
        assert (await status(directory))["health"] == "healthy"
    told = [each.__dict__ for each in caplog.records if each.__dict__["event"] == "idp_silent"]
    assert [(each["directory"], each["minutes"]) for each in told] == [(directory.id, 121)] * 2


async def test_one_that_fails_is_failing(directory: Directory) -> None:
    """If most of what it sent of late failed, and not only a little; old failures count no more."""
    for number in range(3):
        assert (await status(directory))["health"] == ("healthy" if number else "silent")
        await directory.send("POST", "/Users", {"userName": ""})
        directory.endpoint.clock.forward(minutes=6)
    assert (await status(directory))["health"] == "failing"
    for _ in range(3):
        await directory.create_user()
    assert (await status(directory))["health"] == "healthy"
    for _ in range(4):
        await directory.send("POST", "/Users", {"userName": ""})
    assert (await status(directory))["health"] == "failing"
    directory.endpoint.clock.forward(days=1)
    assert (await status(directory))["health"] == "healthy"


async def test_one_that_is_not_let_in_is_failing(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """A token that has expired is one failed event with a count, until a new one is used."""
    caplog.set_level(logging.INFO, "rollcall")
    endpoint = directory.endpoint
    await cycle(directory, 40, 4)
    endpoint.clock.forward(days=400)
    for _ in range(3):
        assert (await directory.send("GET", "/Users")).status == 401
    found = await status(directory)
    assert (found["health"], found["contact"]["unauthorized"]) == ("failing", 3)
    events = await endpoint.manage("GET", f"/directories/{directory.id}/failed-events")
    (event,) = events.json["items"]
    assert (event["status"], event["count"], event["state"]) == (401, 3, "open")
    assert "has expired" in event["cause"]
    assert "Secret Token" in event["advice"]
    assert directory.token.split("_")[1] in event["detail"]
    assert await directory.failures() == []
    told = [e.__dict__ for e in caplog.records if e.__dict__["event"] == "credentials_refused"]
    assert [(each["directory"], each["count"]) for each in told] == [(directory.id, 3)]
    token = await endpoint.services.tokens.create(directory.id, "new")
    await Directory(endpoint, directory.id, token.value).send("GET", "/Users")
    events = await endpoint.manage("GET", f"/directories/{directory.id}/failed-events")
    assert events.json["items"][0]["state"] == "resolved"
    assert (await status(directory))["health"] == "healthy"


async def test_strangers_fill_no_store(
    endpoint: Endpoint, directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls on directories that are none leave nothing; a flood of them pushes out its like."""
    monkeypatch.setattr(contacts, "REMEMBERED", 10)
    await directory.send("GET", "/Users")
    for number in range(40):
        other = Directory(endpoint, f"nobody-{number}", "nonsense")
        assert (await other.send("POST", "/Users", patch_message([]))).status == 401
    odd = Directory(endpoint, "N%C3%B8body", "nonsense")
    assert (await odd.send("GET", "/Users")).status == 401
    assert len(endpoint.services.contacts._refused) == 10
    assert (await status(directory))["contact"]["requests"] == 1
    assert not endpoint.services.contacts._refused
    for number in range(40):
        partition = rows.partition(f"nobody-{number}")
        assert (await endpoint.services.storage.scan(partition, "", rows.END)).rows == []


async def nobody_hears(_: contacts.Refused) -> None:
    """Take what is told of refusals."""


async def test_two_processes_add_up(directory: Directory) -> None:
    """Each writes its own contacts on top of the other's."""
    services = directory.endpoint.services
    other = contacts.ContactBook(services.storage, services.now, nobody_hears)
    for book in (services.contacts, other, other):
        book.note(directory.id, ["infer_schemas"], read=True, changed=False)
    await other.write()
    await services.contacts.write()
    found, _ = await read_contacts(services.storage, rows.partition(directory.id))
    assert (found.requests, found.reads, found.quirks) == (3, 3, {"infer_schemas": 3})
