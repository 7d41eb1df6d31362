"""Failed events through the management API."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest

from scim.provisioning.log import event_report
from scim.provisioning.log.entries import Did
from tests.endpoint import Answer, Directory

GONE = "01a21293-b657-78c4-939f-61a62126ba7a"
KIM = {"userName": "kim@example.com"}


async def read(directory: Directory, path: str = "", **query: Any) -> Answer:
    """Read failed events."""
    asked = f"?{urlencode(query)}" if query else ""
    address = f"/directories/{directory.id}/failed-events{path}{asked}"
    return await directory.endpoint.manage("GET", address)


async def items(directory: Directory, **query: Any) -> list[Any]:
    """Return all items, page by page."""
    found: list[Any] = []
    while True:
        answer = await read(directory, **query)
        assert answer.status == 200, answer.raw
        found += answer.json["items"]
        if answer.json["nextCursor"] is None:
            return found
        query["cursor"] = answer.json["nextCursor"]


async def set_state(directory: Directory, event: Any, state: str, **headers: str) -> Answer:
    """PATCH the state of an event."""
    path = f"/directories/{directory.id}/failed-events/{event['id']}"
    return await directory.endpoint.manage("PATCH", path, {"state": state}, headers)


@pytest.fixture
async def kim(directory: Directory) -> str:
    """Make a user, a group, and some failures: twice a taken name, a wrong value, a member."""
    kim: str = (await directory.create_user(**KIM))["id"]
    group = (await directory.create_group("Tunnels"))["id"]
    for _ in range(2):
        await directory.send("POST", "/Users", {"userName": "KIM@example.com", "password": "x"})
        directory.endpoint.clock.forward(hours=1)
    await directory.patch(kim, {"op": "replace", "path": "active", "value": "perhaps"})
    add = {"op": "add", "path": "members", "value": [{"value": GONE}]}
    await directory.patch_group(group, add)
    return kim


async def test_an_event_says_everything(directory: Directory, kim: str) -> None:
    """What failed how often and when, why, what to do; and the last call, field by field."""
    event = (await items(directory))[-1]
    assert (await read(directory, f"/{event['id']}")).json == event
    entry = (await directory.failures())[2]
    assert event == {
        "id": event["id"],
        "state": "open",
        "count": 2,
        "firstSeen": event["firstSeen"],
        "lastSeen": event["time"],
        "resolvedBy": None,
        "body": '{"userName":"KIM@example.com","password":"***"}',
        "time": event["time"],
        "messageId": entry.message_id,
        "directory": directory.id,
        "actor": f"token {directory.token.split('_')[1]}",
        "operations": ["create"],
        "target": {"type": "User", "id": "", "identifier": "KIM@example.com"},
        "outcome": "refused",
        "changes": [],
        "accessGained": [],
        "accessLost": [],
        "accessCut": False,
        "quirks": ["infer_schemas"],
        "ignored": [],
        "durationMs": entry.duration_ms,
        "userAgent": entry.user_agent,
        "traceparent": "",
        "job": None,
        "status": 409,
        "scimType": "uniqueness",
        "detail": entry.detail,
        "causeName": "nameTaken",
        "cause": "Another user or group of this directory has the name already.",
        "advice": event["advice"],
    }
    assert event["firstSeen"] < event["lastSeen"]
    assert kim


@pytest.mark.parametrize(
    ("query", "causes"),
    [
        ({}, ["A member", "A value", "Another"]),
        ({"user": "kim@EXAMPLE.com"}, ["A value", "Another"]),
        ({"operation": "addMembers"}, ["A member"]),
        ({"outcome": "failed"}, []),
        ({"to": "2026-11-25T13:30:00Z"}, ["Another"]),
        ({"from": "2026-11-25T13:30:00Z"}, ["A member", "A value"]),
        ({"state": "open"}, ["A member", "A value", "Another"]),
        ({"state": "resolved"}, []),
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 100])
@pytest.mark.usefixtures("kim")
async def test_events_are_found(
    directory: Directory, query: dict[str, str], causes: list[str], limit: int
) -> None:
    """By who, what, how and when; newest first, page by page."""
    found = await items(directory, limit=limit, **query)
    assert [
        each["cause"][: len(cause)] for each, cause in zip(found, causes, strict=True)
    ] == causes


async def test_an_event_is_found_by_its_message(directory: Directory, kim: str) -> None:
    """Any of the calls that it counts leads to it."""
    first, last = [(await directory.failures())[index].message_id for index in (3, 2)]
    (found,) = await items(directory, messageId=first)
    assert found["messageId"] == last
    assert await items(directory, messageId=kim) == []


async def test_a_later_success_resolves_it(directory: Directory, kim: str) -> None:
    """The same kind of change on the same target, or the user made at last; by its message id."""
    member, value, taken = await items(directory)
    enabled = await directory.patch(kim, {"op": "replace", "path": "active", "value": False})
    assert {each["state"] for each in await items(directory)} == {"open"}
    await directory.patch(kim, {"op": "replace", "path": "userName", "value": "holm@example.com"})
    made = await directory.send("POST", "/Users", KIM)
    add = {"op": "add", "path": "members", "value": [{"value": kim}]}
    added = await directory.patch_group(member["target"]["id"], add)
    enabled = await directory.patch(kim, {"op": "replace", "path": "active", "value": True})
    found = await items(directory, state="resolved")
    assert [each["id"] for each in found] == [each["id"] for each in (member, value, taken)]
    assert [each["resolvedBy"] for each in found] == [
        answer.headers["x-message-id"] for answer in (added, enabled, made)
    ]
    # It fails again: open again.
    await directory.send("POST", "/Users", {"userName": "KIM@example.com"})
    (again,) = await items(directory, state="open")
    assert (again["id"], again["count"]) == (taken["id"], 3)


async def test_a_change_that_goes_through_resolves_an_update(
    directory: Directory, kim: str
) -> None:
    """An update is resolved by any later change of the same user, not by its deletion."""
    wrong = {"op": "replace", "path": "title[", "value": "x"}
    for way, state in (("disable", "resolved"), ("delete", "open")):
        await directory.patch(kim, wrong)
        if way == "disable":
            await directory.patch(kim, {"op": "replace", "path": "active", "value": False})
        else:
            await directory.send("DELETE", f"/Users/{kim}")
        (event,) = await items(directory, user=kim, operation="update")
        assert event["state"] == state


async def test_a_group_made_at_last_resolves_its_event(directory: Directory) -> None:
    """By the message id of the call that made it, also when it has another name by now."""
    first = (await directory.create_group("Tunnels"))["id"]
    await directory.send("POST", "/Groups", {"displayName": "Tunnels"})
    assert (await items(directory))[0]["state"] == "open"
    await directory.send("DELETE", f"/Groups/{first}")
    made = await directory.send("POST", "/Groups", {"displayName": "tunnels"})
    rename = {"op": "replace", "path": "displayName", "value": "Bridges"}
    await directory.patch_group(made.json["id"], rename)
    (event,) = await items(directory)
    assert (event["state"], event["resolvedBy"]) == ("resolved", made.headers["x-message-id"])


async def test_a_user_of_the_name_resolves_no_group(directory: Directory) -> None:
    """What was not made was a group."""
    assert (await directory.send("POST", "/Groups", {"displayName": "", "x": 1})).status == 400
    body = {"displayName": "Tunnels", "members": [{"value": GONE}]}
    assert (await directory.send("POST", "/Groups", body)).status == 400
    await directory.create_user(userName="Tunnels")
    assert {each["state"] for each in await items(directory)} == {"open"}
    await directory.create_group("Tunnels")
    assert [each["state"] for each in await items(directory)] == ["resolved", "open"]


async def test_an_event_can_be_ignored(directory: Directory, kim: str) -> None:
    """Until it is opened again, however often it comes; both stand in the log."""
    event = (await items(directory, user=kim))[0]
    tag = (await read(directory, f"/{event['id']}")).headers["ETag"]
    assert (await set_state(directory, event, "ignored", **{"If-Match": '"x"'})).status == 412
    ignored = await set_state(directory, event, "ignored", **{"If-Match": tag})
    assert (ignored.status, ignored.json["state"]) == (200, "ignored")
    await directory.patch(kim, {"op": "replace", "path": "active", "value": "perhaps"})
    (again,) = await items(directory, state="ignored")
    assert (again["id"], again["count"]) == (event["id"], 2)
    assert (await set_state(directory, event, "ignored")).status == 200
    assert (await set_state(directory, event, "open")).json["state"] == "open"
    log = [each for each in await directory.log() if each.target.type == "FailedEvent"]
    assert [each.operations for each in log] == [(Did.REOPEN,), (Did.IGNORE,)]
    assert {each.target.identifier for each in log} == {event["id"]}
    assert {each.actor for each in log} == {"management key"}


@pytest.mark.parametrize("event", ["none", "../log", GONE, f"{GONE}_User_nameTaken_create"])
async def test_an_event_that_is_none_is_404(directory: Directory, event: str) -> None:
    """For reading and changing alike."""
    assert (await read(directory, f"/{event.replace('/', '%2F')}")).status == 404


async def test_resolved_is_no_state_to_set(directory: Directory, kim: str) -> None:
    """It is worked out; 422 says what can be set."""
    event = (await items(directory, user=kim))[0]
    answer = await set_state(directory, event, "resolved")
    assert answer.status == 422
    assert "'open' or 'ignored'" in answer.json["errors"][0]["detail"]
    assert (await read(directory, state="odd")).status == 400


@pytest.mark.usefixtures("kim")
async def test_events_are_read_as_csv(directory: Directory) -> None:
    """A line an event, with its count, cause and advice."""
    answer = await read(directory, format="csv")
    lines = [*csv.DictReader(StringIO(answer.raw.decode()))]
    assert [each["count"] for each in lines] == ["1", "1", "2"]
    assert lines[-1]["identifier"] == "KIM@example.com"
    assert lines[-1]["causeName"] == "nameTaken"
    assert lines[-1]["advice"].startswith("Let the identity provider match")


@pytest.mark.usefixtures("kim")
async def test_a_rare_state_is_looked_for_in_pieces(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer looks at a bounded number of events; an empty page leads on."""
    event = (await items(directory))[-1]
    await set_state(directory, event, "ignored")
    monkeypatch.setattr(event_report, "READ_MOST", 2)
    first = (await read(directory, state="ignored")).json
    assert (first["items"], bool(first["nextCursor"])) == ([], True)
    assert [each["id"] for each in await items(directory, state="ignored")] == [event["id"]]
