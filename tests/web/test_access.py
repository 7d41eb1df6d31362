"""What applications ask: by id, by name, with a token of scope access; and SCIM's own attribute."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from scim.provisioning.rules.access_extension import ACCESS_URN
from scim.provisioning.tokens.tokens import Scope
from tests.endpoint import Answer, Directory, Endpoint

RULE = {
    "name": "Leads",
    "condition": 'title eq "Lead"',
    "grants": [{"tenant": "hr", "role": "Lead"}],
}
KIM = {
    "userName": "Kim",
    "title": "Lead",
    "name": {"givenName": "Kim", "familyName": "Holm"},
    "emails": [
        {"type": "home", "value": "home@example.com"},
        {"type": "work", "value": "work@example.com", "primary": True},
    ],
}


@pytest.fixture
async def rule(endpoint: Endpoint) -> str:
    """Make the rule and return its id."""
    return str((await endpoint.manage("POST", "/rules", RULE)).json["id"])


@pytest.fixture
async def application(directory: Directory) -> Directory:
    """Make a token of scope access."""
    tokens = directory.endpoint.services.tokens
    token = await tokens.create(directory.id, "of an application", Scope.ACCESS)
    return Directory(directory.endpoint, directory.id, token.value)


async def ask(application: Directory, rest: str, method: str = "GET", **headers: str) -> Answer:
    """Send as an application does."""
    sent = {"Authorization": f"Bearer {application.token}"} | headers
    path = f"/access/v1/{application.id}/users{rest}"
    return await application.endpoint.send(method, path, None, sent)


async def test_a_user_is_told_with_profile_and_access(
    directory: Directory, application: Directory, rule: str
) -> None:
    """The same by id and by userName in any case; nothing stands where nothing is known."""
    kim = (await directory.create_user(**KIM))["id"]
    answer = await ask(application, f"/{kim}")
    assert answer.json == {
        "id": kim,
        "userName": "Kim",
        "active": True,
        "profile": {
            "Logon": "Kim",
            "First Name": "Kim",
            "Last Name": "Holm",
            "Email": "work@example.com",
            "Time zone": None,
        },
        "access": [{"tenant": "hr", "role": "Lead", "rules": [rule]}],
    }
    assert answer.headers["Cache-Control"] == "private, max-age=30"
    assert (await ask(application, "?userName=KIM")).raw == answer.raw
    head = await ask(application, f"/{kim}", "HEAD")
    assert (head.status, head.raw, head.headers["ETag"]) == (200, b"", answer.headers["ETag"])


async def test_it_costs_one_round_trip_by_id_and_two_by_name(
    directory: Directory, application: Directory
) -> None:
    """With the token and the directory in the caches."""
    kim = (await directory.create_user(**KIM))["id"]
    await ask(application, f"/{kim}")
    calls = directory.endpoint.storage.calls
    for rest, expected in ((f"/{kim}", {"scan": 1}), ("?userName=kim", {"get": 1, "scan": 1})):
        calls.clear()
        assert (await ask(application, rest)).status == 200
        assert dict(calls) == expected


@pytest.mark.usefixtures("rule")
async def test_an_entity_tag_changes_with_the_access(
    directory: Directory, application: Directory
) -> None:
    """304 while nothing of it has changed; disabled, the user is told without access."""
    kim = (await directory.create_user(**KIM))["id"]
    tag = (await ask(application, f"/{kim}")).headers["ETag"]
    assert (await ask(application, f"/{kim}", **{"If-None-Match": tag})).status == 304
    await directory.patch(kim, {"op": "replace", "path": "active", "value": False})
    answer = await ask(application, f"/{kim}", **{"If-None-Match": tag})
    assert (answer.status, answer.json["active"], answer.json["access"]) == (200, False, [])


async def test_only_a_token_of_scope_access_is_taken(
    directory: Directory, application: Directory
) -> None:
    """Tokens of SCIM are 403 here, this one is 403 there; another directory's is 401."""
    kim = (await directory.create_user(**KIM))["id"]
    refused = await ask(directory, f"/{kim}")
    assert refused.status == 403
    assert 'scope="access"' in refused.headers["WWW-Authenticate"]
    assert (await application.send("GET", f"/Users/{kim}")).status == 403
    other = await directory.endpoint.directory("other")
    stranger = Directory(directory.endpoint, other.id, application.token)
    assert (await ask(stranger, f"/{kim}")).status == 401
    assert (await ask(Directory(directory.endpoint, directory.id, "x"), "")).status == 401


@pytest.mark.parametrize(
    ("rest", "method", "status"),
    [
        ("", "GET", 400),
        ("?userName=", "GET", 400),
        ("?userName=nobody", "GET", 404),
        ("/nobody", "GET", 404),
        ("/a/b", "GET", 404),
        ("?userName=kim", "POST", 405),
        ("?userName=kim", "DELETE", 405),
    ],
)
async def test_bad_questions_are_told(
    application: Directory, rest: str, method: str, status: int
) -> None:
    """A problem document with what to do, and the message id."""
    answer = await ask(application, rest, method)
    assert answer.status == status
    assert answer.json["messageId"] == answer.headers["x-message-id"]


async def test_a_paused_directory_still_tells_applications(
    directory: Directory, application: Directory
) -> None:
    """Pausing ends provisioning, not sign-in."""
    await directory.create_user(**KIM)
    path = f"/directories/{directory.id}"
    assert (await directory.endpoint.manage("PATCH", path, {"state": "paused"})).status == 200
    assert (await directory.send("GET", "/Users")).status == 503
    assert (await ask(application, "?userName=kim")).status == 200


@pytest.mark.usefixtures("rule")
async def test_a_deleted_user_is_told_where_its_record_is_kept(
    directory: Directory, application: Directory
) -> None:
    """Inactive and without access, by id and by name; without a record it is 404."""
    gone = (await directory.create_user(userName="gone"))["id"]
    await directory.send("DELETE", f"/Users/{gone}")
    assert (await ask(application, f"/{gone}")).status == 404
    path = f"/directories/{directory.id}"
    await directory.endpoint.manage("PATCH", path, {"policy": {"deleteUserMeans": "disable"}})
    kim = (await directory.create_user(**KIM))["id"]
    await directory.send("DELETE", f"/Users/{kim}")
    for rest in (f"/{kim}", "?userName=kim"):
        answer = await ask(application, rest)
        assert (answer.status, answer.json["id"]) == (200, kim)
        assert (answer.json["active"], answer.json["access"]) == (False, [])


async def test_a_directory_maps_its_own_profile(
    directory: Directory, application: Directory
) -> None:
    """Names of its own for PATCH paths; a path that means nothing is refused."""
    path = f"/directories/{directory.id}"
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    mapping = {
        "Mail": 'emails[type eq "home"].value',
        "Department": f"{enterprise}:department",
        "Chief": f"{enterprise}:manager.value",
    }
    changed = await directory.endpoint.manage("PATCH", path, {"policy": {"profile": mapping}})
    assert changed.status == 200, changed.raw
    await directory.create_user(**KIM, **{enterprise: {"department": "Tunnels"}})
    answer = await ask(application, "?userName=kim")
    assert answer.json["profile"] == {
        "Mail": "home@example.com",
        "Department": "Tunnels",
        "Chief": None,
    }
    for wrong in ("nope", "name.nope", "password", "emails[nope pr].value", "emails["):
        refused = await directory.endpoint.manage(
            "PATCH", path, {"policy": {"profile": {"X": wrong}}}
        )
        assert refused.status == 422, wrong
        assert refused.json["errors"][0]["pointer"] == "/policy/profile"


async def shown(directory: Directory, user: str, query: str) -> Any:
    """Return a user as SCIM shows it."""
    return (await directory.send("GET", f"/Users/{user}", query=query)).json


async def test_scim_shows_access_to_whoever_asks_for_it(directory: Directory, rule: str) -> None:
    """By name alone; it can be filtered, nobody can write it, and no rule can test it."""
    body = {**KIM, ACCESS_URN: {"access": [{"tenant": "hr", "role": "King"}]}}
    kim = (await directory.create_user(**body))["id"]
    name = f"{ACCESS_URN}:access"
    access = [{"tenant": "hr", "role": "Lead", "rules": [rule]}]
    found = await shown(directory, kim, f"attributes={quote(name)},userName")
    assert found[ACCESS_URN] == {"access": access}
    assert ACCESS_URN in found["schemas"]
    for query in ("", "attributes=userName", "excludedAttributes=name"):
        other = await shown(directory, kim, query)
        assert ACCESS_URN not in other
        assert ACCESS_URN not in other["schemas"]
    for role, total in (("Lead", 1), ("King", 0)):
        query = "filter=" + quote(f'{name}.role eq "{role}"')
        assert (await directory.send("GET", "/Users", query=query)).json["totalResults"] == total
    patch = {"op": "replace", "path": "title", "value": "Other"}
    answer = await directory.send(
        "PATCH",
        f"/Users/{kim}",
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [patch]},
        query=f"attributes={quote(name)}",
    )
    assert ACCESS_URN not in answer.json
    refused = await directory.endpoint.manage("POST", "/rules", {**RULE, "condition": f"{name} pr"})
    assert refused.status == 422
