"""Failures beside SCIM: what applications ask, and the token endpoint."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from scim.provisioning.log.entries import Outcome
from scim.provisioning.tokens.tokens import Scope
from tests.endpoint import Directory, Endpoint
from tests.web.oauth_client import ask, new_client, post

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
GONE = "01a21293-b657-78c4-939f-61a62126ba7a"


@pytest.fixture
async def kim(directory: Directory) -> str:
    """Make a user."""
    return str((await directory.create_user(userName="kim@example.com"))["id"])


# Name of a case: method, path, scope; status, cause, and the name of the target.
QUESTIONS: dict[str, tuple[tuple[str, str, Scope], tuple[int, str, str]]] = {
    "token of another scope": (
        ("GET", "/{kim}", Scope.SCIM_READ),
        (403, "scopeTooSmall", "kim@example.com"),
    ),
    "nobody named": (("GET", "", Scope.ACCESS), (400, "nobodyNamed", "")),
    "a change": (("DELETE", "/{kim}", Scope.ACCESS), (405, "methodUnknown", "kim@example.com")),
    "query unreadable": (("GET", "?userName=%ff", Scope.ACCESS), (400, "queryUnreadable", "")),
    "query twice": (("GET", "?userName=a&username=b", Scope.ACCESS), (400, "queryUnreadable", "")),
    "by name": (("POST", "?userName=lee", Scope.ACCESS), (405, "methodUnknown", "lee")),
}


@pytest.mark.parametrize("name", QUESTIONS)
async def test_a_refused_question_says_everything(
    directory: Directory, kim: str, name: str
) -> None:
    """Who asked of whom, when, and why there was no answer; not the health of the provider."""
    (method, path, scope), (status, cause, identifier) = QUESTIONS[name]
    endpoint = directory.endpoint
    token = await endpoint.services.tokens.create(directory.id, "of an application", scope)
    sent = {
        "Authorization": f"Bearer {token.value}",
        "User-Agent": "app/1.0",
        "traceparent": TRACE,
    }
    address = f"/access/v1/{directory.id}/users{path.format(kim=kim)}"
    for _ in range(3):
        answer = await endpoint.send(method, address, None, sent)
        assert answer.status == status, answer.raw
    entry = (await directory.failures())[0]
    shown = entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert shown.pop("durationMs") > 0
    assert shown.pop("time")
    shown.pop("scimType", None)
    assert shown == {
        "messageId": answer.headers["x-message-id"],
        "actor": f"token {token.value.split('_')[1]}",
        "operations": [],
        "target": {
            "type": "Access",
            "id": kim if "{kim}" in path else "",
            "identifier": identifier,
        },
        "outcome": "refused",
        "userAgent": "app/1.0",
        "traceparent": TRACE,
        "status": status,
        "detail": answer.json["detail"],
        "cause": cause,
        "adds": {"failed": 1},
    }
    (event,) = (await endpoint.manage("GET", f"/directories/{directory.id}/failed-events")).json[
        "items"
    ]
    assert (event["count"], event["messageId"]) == (3, entry.message_id)
    await endpoint.services.upkeep.run()
    found = await endpoint.manage("GET", f"/directories/{directory.id}/status")
    assert (found.json["health"], found.json["statistics"]["today"]["failed"]) == ("healthy", 3)


async def test_a_question_without_an_answer_is_no_failure(directory: Directory, kim: str) -> None:
    """404 leaves nothing; a token that is not valid is counted."""
    endpoint = directory.endpoint
    token = await endpoint.services.tokens.create(directory.id, "x", Scope.ACCESS)
    address = f"/access/v1/{directory.id}/users/"
    good, bad = ({"Authorization": f"Bearer {each}"} for each in (token.value, "nonsense"))
    assert (await endpoint.send("GET", address + GONE, None, good)).status == 404
    assert (await endpoint.send("GET", address + kim, None, bad)).status == 401
    assert await directory.failures() == []
    await endpoint.services.contacts.write()
    found = await endpoint.manage("GET", f"/directories/{directory.id}/status")
    assert found.json["contact"]["unauthorized"] == 1


async def event(directory: Directory) -> Any:
    """Return the one failed event."""
    path = f"/directories/{directory.id}/failed-events"
    (found,) = (await directory.endpoint.manage("GET", path)).json["items"]
    return found


async def test_who_gets_no_access_token_is_one_event(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """Counted and sampled, by whichever process was asked, until the provider is let in again."""
    caplog.set_level(logging.INFO, "rollcall")
    endpoint = directory.endpoint
    client = await new_client(directory)
    for sent in (
        {"client_secret": "nonsense"},
        {"grant_type": "password"},
        {"client_id": "nobody"},
    ):
        assert (await client.ask(**sent)).status in (400, 401)
    assert (await post(directory, b"\xff")).status == 400
    assert await directory.failures() == []
    await endpoint.services.contacts.write()
    found = await event(directory)
    assert (found["count"], found["status"], found["state"]) == (4, 400, "open")
    assert (found["actor"], found["outcome"], found["operations"]) == ("unknown", "refused", [])
    assert "access token" in found["cause"]
    assert "client secret" in found["advice"]
    assert found["detail"] == "The form cannot be read."
    told = [e.__dict__ for e in caplog.records if e.__dict__["event"] == "credentials_refused"]
    assert [(each["directory"], each["count"]) for each in told] == [(directory.id, 4)]
    endpoint.clock.forward(minutes=6)
    let_in = Directory(endpoint, directory.id, await client.token())
    assert (await let_in.send("GET", "/Users")).status == 200
    await endpoint.services.contacts.write()
    assert (await event(directory))["state"] == "resolved"


async def test_a_vault_that_is_away_is_no_credential_refused(
    endpoint: Endpoint, directory: Directory
) -> None:
    """What failed because of us is an event, and counts as no call without a valid credential."""
    token = await endpoint.services.tokens.create(directory.id, "never seen")
    await endpoint.services.vault.close()
    stranger = Directory(endpoint, directory.id, token.value)
    assert (await stranger.send("GET", "/Users")).status == 503
    await endpoint.services.contacts.write()
    found = await event(directory)
    assert (found["count"], found["status"], found["outcome"]) == (1, 503, Outcome.FAILED)
    status = await endpoint.manage("GET", f"/directories/{directory.id}/status")
    assert status.json["contact"]["unauthorized"] == 0


async def test_a_flood_at_the_token_endpoint_is_one_event(directory: Directory) -> None:
    """However many they are, they cost a few rows in five minutes, and none for no directory."""
    endpoint = directory.endpoint
    for _ in range(50):
        assert (await ask(directory, {"grant_type": "odd"})).status == 400
    nowhere = Directory(endpoint, "nobody-here", "x")
    assert (await ask(nowhere, {"grant_type": "odd"})).status == 400
    written = endpoint.storage.written
    await endpoint.services.contacts.write()
    assert endpoint.storage.written - written == 3  # the contacts, the event and its place
    endpoint.clock.forward(minutes=1)
    assert (await ask(directory, {"grant_type": "odd"})).status == 400
    await endpoint.services.contacts.write()
    assert (await event(directory))["count"] == 50


async def test_an_address_where_nobody_is_let_in_is_one_event(directory: Directory) -> None:
    """Another version, or the Base URL alone; a read that finds nothing there is none."""
    endpoint = directory.endpoint
    for method, path in (
        ("GET", f"/scim/v1/{directory.id}/Users"),
        ("POST", f"/scim/v3/{directory.id}/Users"),
        ("POST", f"/scim/v2/{directory.id}"),
        ("GET", f"/scim/v2/{directory.id}"),
        ("GET", "/scim"),
    ):
        assert (await endpoint.send(method, path, None, {})).status in (400, 404)
    assert await directory.failures() == []
    await endpoint.services.contacts.write()
    path = f"/directories/{directory.id}/failed-events"
    found = (await endpoint.manage("GET", path)).json["items"]
    assert sorted((each["status"], each["count"]) for each in found) == [(400, 2), (404, 1)]
    (version,) = [each for each in found if each["status"] == 400]
    assert "version of SCIM" in version["cause"]
    assert "Tenant URL" in version["advice"]
