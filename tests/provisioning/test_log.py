"""What stands in an entry of the provisioning log."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.identifiers import created_ms, milliseconds
from scim.provisioning.log.entries import Did, LogEntry
from tests.endpoint import Answer, Directory, patch_message
from tests.web.changing_calls import changing_calls

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
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


def patch(path: str, value: Any = None, op: str = "replace") -> Any:
    """Return a PatchOp message of one operation."""
    operation = {"op": op, "path": path} | ({} if value is None else {"value": value})
    return patch_message([operation])


@dataclass
class Case:
    """A call, and what its entry says; the user is in the group Designers before."""

    method: str
    path: str
    body: Any
    operations: tuple[Did, ...]
    changes: tuple[str, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)
    gained: bool = False
    lost: bool = False
    before: Any = None  # a PATCH of the same resource before


CASES: dict[str, Case] = {
    "create a user": Case(
        "POST",
        "/Users",
        {"userName": "lee@example.com"},
        (Did.CREATE,),
        ("userName", "active"),
        {"active": (None, True)},
    ),
    "replace a user": Case(
        "PUT",
        "/Users/{user}",
        REPLACE_USER,
        (Did.UPDATE,),
        ("userType", "title"),
        {"userType": ("Employee", "Contractor")},
    ),
    "update a user": Case(
        "PATCH", "/Users/{user}", patch("title", "Lead"), (Did.UPDATE,), ("title",)
    ),
    "disable a user": Case(
        "PATCH",
        "/Users/{user}",
        patch("active", False),
        (Did.DISABLE,),
        ("active",),
        {"active": (True, False)},
        lost=True,
    ),
    "enable a user": Case(
        "PATCH",
        "/Users/{user}",
        patch("active", True),
        (Did.ENABLE,),
        ("active",),
        {"active": (False, True)},
        gained=True,
        before=patch("active", False),
    ),
    "replace and disable a user": Case(
        "PUT",
        "/Users/{user}",
        USER | {"active": False, "title": "Lead"},
        (Did.UPDATE, Did.DISABLE),
        ("title", "active"),
        {"active": (True, False)},
        lost=True,
    ),
    "delete a user": Case("DELETE", "/Users/{user}", None, (Did.DELETE,), lost=True),
    "create a group": Case(
        "POST",
        "/Groups",
        {"displayName": "Developers", "members": "{user}"},
        (Did.CREATE, Did.ADD_MEMBERS),
        ("displayName",),
        gained=True,
    ),
    "rename a group": Case(
        "PATCH",
        "/Groups/{group}",
        patch("displayName", "South"),
        (Did.UPDATE,),
        ("displayName",),
        lost=True,
    ),
    "remove a member": Case(
        "PATCH", "/Groups/{group}", patch("members", op="remove"), (Did.REMOVE_MEMBERS,), lost=True
    ),
    "add a member": Case(
        "PATCH",
        "/Groups/{group}",
        "{user}",
        (Did.ADD_MEMBERS,),
        gained=True,
        before=patch("members", op="remove"),
    ),
    "replace a group": Case(
        "PUT",
        "/Groups/{group}",
        {"displayName": "Designers", "externalId": "t"},
        (Did.UPDATE, Did.REMOVE_MEMBERS),
        ("externalId",),
        lost=True,
    ),
    "delete a group": Case("DELETE", "/Groups/{group}", None, (Did.DELETE,), lost=True),
}


def sent(body: Any, user: str) -> Any:
    """Return the body of a case, in which the user's id was not known yet."""
    if body == "{user}":
        return patch("members", [{"value": user}], op="add")
    if isinstance(body, dict) and "members" in body:
        return body | {"members": [{"value": user}]}
    return body


async def test_every_operation_has_a_case(directory: Directory) -> None:
    """Whoever adds a call that changes something says here what its entry is."""
    cases = {f"{each.method} {each.path.partition('{')[0]}" for each in CASES.values()}
    bulk = {"POST /Bulk", "POST /Bulk/"}  # below it a POST is told that nothing is there
    assert await changing_calls(directory) == cases | bulk


@pytest.mark.parametrize("way", ["alone", "in bulk"])
@pytest.mark.parametrize("name", CASES)
async def test_an_entry_says_everything(directory: Directory, name: str, way: str) -> None:
    """Every change leaves one entry: who did what to whom, when, how long, in which trace."""
    case = CASES[name]
    user = (await directory.send("POST", "/Users", USER)).json["id"]
    group = (await directory.create_group("Designers", [user]))["id"]
    path, body = case.path.format(user=user, group=group), sent(case.body, user)
    if case.before:
        assert (await directory.send("PATCH", path, case.before)).status < 300
    before = len(await directory.log())
    if way == "alone":
        answer = await directory.send(case.method, path, body, headers=HEADERS)
        assert answer.status < 300, answer.raw
        entry = await logged(directory, answer)
        assert entry.message_id == answer.headers["x-message-id"]
    else:
        operation = {"method": case.method, "path": path, "bulkId": "a"}
        message = {"schemas": [BULK], "Operations": [operation | ({"data": body} if body else {})]}
        answer = await directory.send("POST", "/Bulk", message, headers=HEADERS)
        assert answer.json["Operations"][0]["status"] in ("200", "201", "204"), answer.raw
        entry = (await directory.log())[0]
    assert len(await directory.log()) == before + 1
    kind = "User" if "/Users" in path else "Group"
    names = {user: "kim@example.com", group: "South" if "rename" in name else "Designers"}
    target_id = path.rpartition("/")[2]
    if case.method == "POST":
        target_id = entry.target.id
        assert (await directory.send("GET", f"{path}/{target_id}")).status == 200
    right = {"tenant": "home", "role": "Developers" if "create" in name else "Designers"}
    access = [right | ({"users": [user]} if kind == "Group" else {})]
    assert milliseconds(entry.time) == created_ms(entry.message_id)
    assert entry.duration_ms is not None
    assert entry.duration_ms >= 1
    expected = LogEntry.model_validate(
        {
            "time": entry.time,
            "messageId": entry.message_id,
            "actor": f"token {directory.token.split('_')[1]}",
            "operations": case.operations,
            "target": {
                "type": kind,
                "id": target_id,
                "identifier": names.get(target_id) or body.get("userName") or body["displayName"],
            },
            "changes": case.changes,
            "values": case.values,
            "accessGained": access if case.gained else [],
            "accessLost": access if case.lost else [],
            # None of the bodies names its schemas.
            "quirks": ("infer_schemas",) if case.method in ("POST", "PUT") else (),
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
