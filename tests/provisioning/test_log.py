"""What stands in an entry of the provisioning log."""

from __future__ import annotations

from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.identifiers import created_ms, milliseconds
from scim.provisioning.log.entries import Did, LogEntry
from tests.endpoint import Answer, Directory, patch_message

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
HEADERS = {"User-Agent": "idp/1.0", "traceparent": TRACE}


async def logged(directory: Directory, answer: Answer) -> LogEntry:
    """Return the entry of a call, found by the key that its message id names."""
    message = answer.headers["x-message-id"]
    key = rows.log(created_ms(message), message)
    row = await directory.endpoint.services.storage.get(rows.partition(directory.id), key)
    assert row is not None
    return LogEntry.model_validate(rows.unpack(row.values))


USER = {"userName": "kim@example.com", "userType": "Employee", "title": "Engineer"}
REPLACE_USER = {"userName": "kim@example.com", "userType": "Contractor"}
CASES: dict[str, tuple[str, str, Any, tuple[Did, ...], tuple[str, ...], dict[str, Any]]] = {
    "create a user": (
        "POST",
        "/Users",
        {"userName": "lee@example.com"},
        (Did.CREATE,),
        ("userName", "active"),
        {"active": (None, True)},
    ),
    "replace a user": (
        "PUT",
        "/Users/{user}",
        REPLACE_USER,
        (Did.UPDATE,),
        ("userType", "title"),
        {"userType": ("Employee", "Contractor")},
    ),
    "disable a user": (
        "PATCH",
        "/Users/{user}",
        patch_message([{"op": "replace", "path": "active", "value": False}]),
        (Did.DISABLE,),
        ("active",),
        {"active": (True, False)},
    ),
    "delete a user": ("DELETE", "/Users/{user}", None, (Did.DELETE,), (), {}),
    "create a group": (
        "POST",
        "/Groups",
        {"displayName": "North", "members": [{"value": "{user}"}]},
        (Did.CREATE, Did.ADD_MEMBERS),
        ("displayName",),
        {},
    ),
    "rename a group": (
        "PATCH",
        "/Groups/{group}",
        patch_message([{"op": "replace", "path": "displayName", "value": "South"}]),
        (Did.UPDATE,),
        ("displayName",),
        {},
    ),
    "replace a group": (
        "PUT",
        "/Groups/{group}",
        {"displayName": "Tunnels", "externalId": "t"},
        (Did.UPDATE, Did.REMOVE_MEMBERS),
        ("externalId",),
        {},
    ),
    "delete a group": ("DELETE", "/Groups/{group}", None, (Did.DELETE,), (), {}),
}


@pytest.mark.parametrize("case", CASES)
async def test_an_entry_says_everything(directory: Directory, case: str) -> None:
    """Every change leaves one entry: who did what to whom, when, how long, in which trace."""
    method, path, body, operations, changes, values = CASES[case]
    user = (await directory.send("POST", "/Users", USER)).json["id"]
    group = (await directory.create_group("Tunnels", [user]))["id"]
    before = len(await directory.log())
    path = path.format(user=user, group=group)
    if method == "POST" and "members" in body:
        body = body | {"members": [{"value": user}]}
    answer = await directory.send(method, path, body, headers=HEADERS)
    assert answer.status < 300, answer.raw
    assert len(await directory.log()) == before + 1
    entry = await logged(directory, answer)
    target_id = path.rpartition("/")[2] if method != "POST" else answer.json["id"]
    kind = "User" if "/Users" in path else "Group"
    names = {user: "kim@example.com", group: "South" if "rename" in case else "Tunnels"}
    identifier = names.get(target_id) or answer.json.get("userName") or answer.json["displayName"]
    token = directory.token.split("_")[1]
    assert milliseconds(entry.time) == created_ms(entry.message_id)
    assert entry.duration_ms is not None
    assert entry.duration_ms >= 1
    expected = LogEntry.model_validate(
        {
            "time": entry.time,
            "messageId": answer.headers["x-message-id"],
            "actor": f"token {token}",
            "operations": operations,
            "target": {"type": kind, "id": target_id, "identifier": identifier},
            "changes": changes,
            "values": values,
            # None of the bodies names its schemas.
            "quirks": ("infer_schemas",) if method in ("POST", "PUT") else (),
            "userAgent": "idp/1.0",
            "durationMs": entry.duration_ms,
            "traceparent": TRACE,
            "adds": entry.adds,
        }
    )
    assert entry.model_dump() == expected.model_dump()


async def test_a_trace_that_is_none_is_left_out(directory: Directory) -> None:
    """A traceparent that does not fit the standard is not kept."""
    sent = {"traceparent": "<script>"}
    answer = await directory.send("POST", "/Users", USER, headers=sent)
    assert (await logged(directory, answer)).traceparent == ""


async def test_values_are_kept_of_what_the_policy_names(directory: Directory) -> None:
    """Old and new values stand in the log for the attributes of the policy, in any case, alone."""
    policy = {"policy": {"loggedValues": ["TITLE", "name"]}}
    path = f"/directories/{directory.id}"
    assert (await directory.endpoint.manage("PATCH", path, policy)).status == 200
    user = await directory.create_user(**USER, name={"familyName": "Holm"})
    answer = await directory.patch(user["id"], {"op": "remove", "path": "title"})
    assert (await logged(directory, answer)).values == {"title": ("Engineer", None)}


@pytest.mark.parametrize("name", ["password", "urn:example:1.0:User:apiKey", "accessToken"])
async def test_secrets_are_no_harmless_values(directory: Directory, name: str) -> None:
    """A policy that names a secret among the values to log is refused."""
    policy = {"policy": {"loggedValues": [name]}}
    answer = await directory.endpoint.manage("PATCH", f"/directories/{directory.id}", policy)
    assert answer.status == 422
    assert f"{name} is never logged" in answer.raw.decode()


async def test_a_user_is_found_by_every_name_it_had(directory: Directory) -> None:
    """Each userName leads to the user, in any case, after a change of name and after deletion."""
    user = await directory.create_user(userName="Kim@example.com")
    await directory.patch(
        user["id"], {"op": "replace", "path": "userName", "value": "holm@example.com"}
    )
    await directory.send("DELETE", f"/Users/{user['id']}")
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    for name in ("kim@example.com", "holm@example.com"):
        digest = rows.digest(name)
        assert await storage.get(partition, rows.name_holder(digest, user["id"])) is not None
        assert await storage.get(partition, rows.held_name(user["id"], digest)) is not None
