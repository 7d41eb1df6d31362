"""The policy of a directory, set through the management API, as its identity provider meets it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scim.protocol.schema import ENTERPRISE_USER, USER
from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.log.entries import Did
from scim.provisioning.ports import Delete
from scim.provisioning.stored_users import load_user
from scim.provisioning.upkeep.checker import check
from scim.provisioning.users.former import load_former
from scim.settings import Settings, SettingsError, read_settings
from tests.endpoint import Directory, Endpoint, running

# What miniOrange's page calls mandatory.
MINIORANGE = [
    "userName",
    "name.givenName",
    "name.familyName",
    'emails[type eq "work"].value',
    "displayName",
    "active",
]
KIM: dict[str, Any] = {
    "schemas": [USER],
    "userName": "kim@example.com",
    "name": {"givenName": "Kim", "familyName": "Lee"},
    "emails": [{"value": "kim@example.com", "type": "work"}],
    "displayName": "Kim Lee",
    "active": True,
}
DEACTIVATE = {"op": "replace", "path": "active", "value": False}
RENAME = {"op": "replace", "path": "displayName", "value": "Kim Park"}


async def set_policy(directory: Directory, **policy: Any) -> None:
    """Override the installation's policy."""
    path = f"/directories/{directory.id}"
    answer = await directory.endpoint.manage("PATCH", path, {"policy": policy})
    assert answer.status == 200, answer.raw


async def checked(directory: Directory) -> list[Any]:
    """Return what the checker finds."""
    services = directory.endpoint.services
    return [*await check(services.storage, rows.partition(directory.id), services.now())]


@pytest.mark.parametrize("path", MINIORANGE[1:])
async def test_what_is_required_must_come(directory: Directory, path: str) -> None:
    """POST and PUT without it are 400 invalidValue naming it; with all of them they pass."""
    await set_policy(directory, requiredAttributes=MINIORANGE)
    body = {**KIM, "name": dict(KIM["name"])}
    name, _, sub = path.partition("[")[0].partition(".")
    if sub:
        del body[name][sub]
    elif name == "emails":
        body["emails"] = [{"value": "kim@example.com", "type": "home"}]
    else:
        del body[name]
    refused = await directory.send("POST", "/Users", body)
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
    assert refused.json["detail"].startswith(path)
    made = await directory.send("POST", "/Users", KIM)
    assert made.status == 201
    refused = await directory.send("PUT", f"/Users/{made.json['id']}", body)
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
    assert (await directory.send("PUT", f"/Users/{made.json['id']}", KIM)).status == 200


async def test_a_patch_may_not_take_what_is_required(directory: Directory) -> None:
    """400 invalidValue, and nothing of the message is done; to replace it is allowed."""
    await set_policy(directory, requiredAttributes=MINIORANGE)
    kim = await directory.create_user(**KIM)
    remove = {"op": "remove", "path": 'emails[type eq "work"]'}
    refused = await directory.patch(kim["id"], RENAME, remove)
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
    assert MINIORANGE[3] in refused.json["detail"]
    assert await directory.get(kim["id"]) == kim
    assert (await directory.patch(kim["id"], RENAME)).status == 200


async def test_what_was_missing_before_holds_nothing_up(directory: Directory) -> None:
    """A user from before the policy can be deactivated."""
    kim = await directory.create_user()
    await set_policy(directory, requiredAttributes=MINIORANGE)
    assert (await directory.patch(kim["id"], DEACTIVATE)).json["active"] is False


async def test_an_extension_or_its_attribute_can_be_required(directory: Directory) -> None:
    """By the URN, alone or before the name."""
    await set_policy(directory, requiredAttributes=[ENTERPRISE_USER])
    assert (await directory.send("POST", "/Users", KIM)).status == 400
    body = {**KIM, ENTERPRISE_USER: {"division": "Tunnels"}}
    assert (await directory.send("POST", "/Users", body)).status == 201
    await set_policy(directory, requiredAttributes=[f"{ENTERPRISE_USER}:department"])
    body = {**body, "userName": "lee@example.com"}
    assert (await directory.send("POST", "/Users", body)).status == 400


async def users_and_groups(directory: Directory) -> dict[str, str]:
    """Create kim (active), lee (inactive), and the group Tunnels that kim is in."""
    kim = (await directory.create_user(**KIM))["id"]
    lee = (await directory.create_user(userName="lee@example.com", active=False))["id"]
    return {"kim": kim, "lee": lee, "group": (await directory.create_group("Tunnels", [kim]))["id"]}


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """Return the message of the operations."""
    return {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": list(operations),
    }


ADD_LEE = {"op": "add", "path": "members", "value": [{"value": "{lee}"}]}
ADD_KIM = {"op": "add", "path": "members", "value": [{"value": "{kim}"}]}
REMOVE_KIM = {"op": "remove", "path": 'members[value eq "{kim}"]'}

SWITCHED = [
    ("createUsers", "POST", "/Users", {"userName": "park@example.com"}),
    ("updateUsers", "PATCH", "/Users/{kim}", patch(RENAME)),
    ("updateUsers", "PATCH", "/Users/{kim}", patch(RENAME, DEACTIVATE)),
    ("updateUsers", "PUT", "/Users/{kim}", {**KIM, "displayName": "Kim Park"}),
    ("updateUsers", "PATCH", "/Users/{lee}", patch({**DEACTIVATE, "value": True})),
    ("deactivateUsers", "PATCH", "/Users/{kim}", patch(DEACTIVATE)),
    ("deactivateUsers", "PATCH", "/Users/{kim}", patch(RENAME, DEACTIVATE)),
    ("deactivateUsers", "PATCH", "/Users/{kim}", patch({"op": "remove", "path": "active"})),
    ("deactivateUsers", "PUT", "/Users/{kim}", {**KIM, "active": False}),
    ("deleteUsers", "DELETE", "/Users/{kim}", None),
    ("createGroups", "POST", "/Groups", {"displayName": "Towers"}),
    ("updateGroups", "PATCH", "/Groups/{group}", patch({**RENAME, "value": "North"})),
    ("updateGroups", "PUT", "/Groups/{group}", {"displayName": "North"}),
    ("deleteGroups", "DELETE", "/Groups/{group}", None),
    ("changeMemberships", "PATCH", "/Groups/{group}", patch(ADD_LEE)),
    ("changeMemberships", "PATCH", "/Groups/{group}", patch(REMOVE_KIM)),
    ("changeMemberships", "PUT", "/Groups/{group}", {"displayName": "Tunnels"}),
    (
        "changeMemberships",
        "POST",
        "/Groups",
        {"displayName": "Towers", "members": [{"value": "{kim}"}]},
    ),
]


def filled(value: Any, ids: dict[str, str]) -> Any:
    """Return the JSON with the ids in the places named."""
    if isinstance(value, dict):
        return {name: filled(each, ids) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, ids) for each in value]
    if isinstance(value, str):
        for name, each in ids.items():
            value = value.replace(f"{{{name}}}", each)
    return value


@pytest.mark.parametrize(("switch", "method", "path", "body"), SWITCHED)
async def test_what_is_switched_off_is_501(
    directory: Directory, switch: str, method: str, path: str, body: Any
) -> None:
    """The detail names the switch and the app setting, and nothing is stored; on, it passes."""
    ids = await users_and_groups(directory)
    await set_policy(directory, **{switch: False})
    before = await directory.state()
    sent = (method, filled(path, ids), filled(body, ids))
    answer = await directory.send(*sent)
    assert answer.status == 501, answer.raw
    assert answer.json["detail"].startswith(switch)
    named = next(word for word in answer.json["detail"].split() if word.startswith("ALLOW_"))
    assert named.rstrip(".") in Settings.model_fields
    assert await directory.state() == before
    await set_policy(directory, **{switch: True})
    assert (await directory.send(*sent)).status in (200, 201, 204)


OTHERS = [
    ("updateUsers", "PATCH", "/Users/{kim}", patch(DEACTIVATE)),
    ("updateUsers", "PUT", "/Users/{kim}", {**KIM, "active": False}),
    ("updateUsers", "PATCH", "/Users/{kim}", patch({**RENAME, "value": "Kim Lee"})),
    ("deactivateUsers", "PATCH", "/Users/{lee}", patch(DEACTIVATE)),
    ("updateUsers", "PUT", "/Users/{kim}", KIM),
    ("changeMemberships", "PATCH", "/Groups/{group}", patch({**RENAME, "value": "North"})),
    (
        "changeMemberships",
        "PATCH",
        "/Groups/{group}",
        patch({**ADD_LEE, "value": [{"value": "{kim}"}]}),
    ),
    ("changeMemberships", "DELETE", "/Groups/{group}", None),
    ("updateGroups", "PATCH", "/Groups/{group}", patch(ADD_LEE)),
    ("deleteUsers", "PATCH", "/Users/{kim}", patch(DEACTIVATE)),
]


@pytest.mark.parametrize(("switch", "method", "path", "body"), OTHERS)
async def test_a_switch_stops_nothing_else(
    directory: Directory, switch: str, method: str, path: str, body: Any
) -> None:
    """What needs another switch passes, and so does what changes nothing."""
    ids = await users_and_groups(directory)
    await set_policy(directory, **{switch: False})
    answer = await directory.send(method, filled(path, ids), filled(body, ids))
    assert answer.status in (200, 204), answer.raw


@pytest.mark.parametrize("groups", [0, 1, 40])
async def test_a_deleted_user_can_stay_on_record(directory: Directory, groups: int) -> None:
    """Gone for SCIM, the userName free, a new POST gives a new id; the record is linked from it."""
    await set_policy(directory, deleteUserMeans="disable")
    kim = await directory.create_user(**KIM)
    for each in range(groups):
        await directory.create_group(f"Group {each}", [kim["id"]])
    assert (await directory.send("DELETE", f"/Users/{kim['id']}")).status == 204
    for method, body in (("GET", None), ("PUT", KIM), ("PATCH", patch(RENAME)), ("DELETE", None)):
        assert (await directory.send(method, f"/Users/{kim['id']}", body)).status == 404
    for query in ("", 'filter=userName eq "kim@example.com"', "filter=active eq false"):
        found = await directory.send("GET", "/Users", query=query.replace(" ", "%20"))
        assert found.json["totalResults"] == 0

    again = await directory.create_user(**{**KIM, "userName": "KIM@example.com"})
    assert again["id"] != kim["id"]
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    record = await load_former(storage, partition, kim["id"])
    assert record is not None
    assert record.resource == {
        **{name: each for name, each in kim.items() if name != "meta"},
        "active": False,
        "meta": record.resource["meta"],
    }
    await directory.patch(again["id"], {"op": "replace", "path": "userName", "value": "park"})
    await directory.create_group("Towers", [again["id"]])
    linked = await load_user(storage, partition, again["id"])
    assert linked is not None
    assert linked.former == kim["id"]
    assert await checked(directory) == []


async def test_a_record_leads_to_the_one_before(directory: Directory) -> None:
    """Deleted twice, the second record names the first."""
    await set_policy(directory, deleteUserMeans="disable")
    ids = []
    for _ in range(2):
        ids.append((await directory.create_user(**KIM))["id"])
        await directory.send("DELETE", f"/Users/{ids[-1]}")
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    first, second = [await load_former(storage, partition, each) for each in ids]
    assert first is not None
    assert second is not None
    assert (first.former, second.former) == ("", ids[0])


async def test_by_default_a_deleted_user_leaves_no_record(directory: Directory) -> None:
    """Nothing but the log is left."""
    kim = await directory.create_user(**KIM)
    await directory.send("DELETE", f"/Users/{kim['id']}")
    assert {key[:2] for key in await directory.state()} == {"h_", "i_", "l_"}


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize("number", [1, 40])
async def test_deactivating_can_mean_deleting(
    directory: Directory, number: int, *, kept: bool
) -> None:
    """PATCH and PUT of active false answer with the inactive user, and it is gone from then on."""
    means = "disable" if kept else "delete"
    await set_policy(directory, deactivateUserMeans="delete", deleteUserMeans=means)
    kim = await directory.create_user(**KIM)
    lee = await directory.create_user(userName="lee@example.com")
    groups = [
        (await directory.create_group(f"Group {each}", [kim["id"]]))["id"] for each in range(number)
    ]
    answers = [
        await directory.patch(kim["id"], RENAME, DEACTIVATE),
        await directory.send(
            "PUT", f"/Users/{lee['id']}", {"userName": "lee@example.com", "active": False}
        ),
    ]
    assert [(each.status, each.json["active"]) for each in answers] == [(200, False)] * 2
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    for each in (kim, lee):
        assert (await directory.send("GET", f"/Users/{each['id']}")).status == 404
        assert (await load_former(storage, partition, each["id"]) is not None) == kept
    assert await directory.members(groups[0]) == set()
    known = await totals.read(storage, partition, directory.endpoint.services.now())
    assert (known["users"], known["activeUsers"], known["usersDeleted"]) == (0, 0, 2)
    assert (await directory.log())[0].operations == (Did.DISABLE, Did.DELETE)
    assert await checked(directory) == []


async def test_a_user_may_be_created_inactive(directory: Directory) -> None:
    """Also where deactivating means deleting: it was never active."""
    await set_policy(directory, deactivateUserMeans="delete")
    kim = await directory.create_user(**{**KIM, "active": False})
    assert (await directory.patch(kim["id"], RENAME, DEACTIVATE)).status == 200
    assert (await directory.get(kim["id"]))["displayName"] == "Kim Park"


async def test_a_directory_overrides_settings_field_by_field(tmp_path: Path) -> None:
    """What it does not set follows the app settings, also after they change."""
    async with running(
        tmp_path, ALLOW_DELETE_USERS="false", ALLOW_CREATE_GROUPS="no", STRICT="true"
    ) as endpoint:
        directory = await endpoint.directory("demo")
        await set_policy(directory, deleteUsers=True)
        path = f"/directories/{directory.id}"
        shown = (await endpoint.manage("GET", path)).json
        assert shown["policy"] == {"deleteUsers": True}
        assert shown["effectivePolicy"]["createGroups"] is False
        kim = await directory.create_user(schemas=[USER])
        assert (await directory.send("DELETE", f"/Users/{kim['id']}")).status == 204
        assert (await directory.send("POST", "/Groups", {"displayName": "x"})).status == 501
        await endpoint.manage("PATCH", path, {"policy": {"deleteUsers": None}})
        shown = (await endpoint.manage("GET", path)).json
        assert shown["policy"] == {}
        assert shown["effectivePolicy"]["deleteUsers"] is False


async def test_one_directory_is_not_bound_by_anothers_policy(endpoint: Endpoint) -> None:
    """A switch of one is none of the other."""
    one, other = await endpoint.directory("one"), await endpoint.directory("other")
    await set_policy(one, createUsers=False)
    assert (await one.send("POST", "/Users", KIM)).status == 501
    assert (await other.send("POST", "/Users", KIM)).status == 201


async def test_a_policy_comes_with_a_new_directory(endpoint: Endpoint) -> None:
    """POST takes it, and it holds from the first call on."""
    policy = {"createUsers": False, "requiredAttributes": ["displayName"]}
    made = await endpoint.manage("POST", "/directories", {"name": "demo", "policy": policy})
    assert (made.status, made.json["policy"]) == (201, policy)
    directory = Directory(endpoint, made.json["id"], made.json["token"]["value"])
    assert (await directory.send("POST", "/Users", KIM)).status == 501


WRONG = [
    ({"policy": {"deleteUser": True}}, "/policy/deleteUser", "Extra"),
    ({"policy": {"delete_users": True}}, "/policy/delete_users", "Extra"),
    ({"policy": {"deleteUsers": "yes"}}, "/policy/deleteUsers", "boolean"),
    ({"policy": {"deleteUserMeans": "hide"}}, "/policy/deleteUserMeans", "'disable'"),
    ({"policy": {"requestsPerSecond": 0}}, "/policy/requestsPerSecond", "greater"),
    ({"policy": {"requiredAttributes": ["shoe"]}}, "/policy/requiredAttributes", "shoe"),
    ({"policy": {"requiredAttributes": ["password"]}}, "/policy/requiredAttributes", "password"),
    ({"policy": {"requiredAttributes": ["groups"]}}, "/policy/requiredAttributes", "read-only"),
    ({"policy": {"requiredAttributes": ["a b"]}}, "/policy/requiredAttributes", "Column 3"),
    ({"policy": {"requiredAttributes": ["userName"] * 51}}, "/policy/requiredAttributes", "50"),
    ({"policy": []}, "/policy", "dictionary"),
    ({"name": None}, "/name", "required"),
    ({"id": "mine"}, "/id", "Extra"),
]


@pytest.mark.parametrize(("body", "pointer", "says"), WRONG)
async def test_a_wrong_policy_is_422(
    directory: Directory, body: Any, pointer: str, says: str
) -> None:
    """The problem document points to it; the policy stays as it was."""
    await set_policy(directory, strict=True)
    path = f"/directories/{directory.id}"
    answer = await directory.endpoint.manage("PATCH", path, body)
    assert answer.status == 422, answer.raw
    [error] = answer.json["errors"]
    assert error["pointer"] == pointer
    assert says in error["detail"]
    assert (await directory.endpoint.manage("GET", path)).json["policy"] == {"strict": True}


async def test_a_directory_can_be_renamed(endpoint: Endpoint) -> None:
    """Its old name is free, its new one taken; 409 names who has a name that is taken."""
    one, other = await endpoint.directory("one"), await endpoint.directory("other")
    path = f"/directories/{one.id}"
    taken = await endpoint.manage("PATCH", path, {"name": "OTHER"})
    assert taken.status == 409
    assert other.id in taken.json["detail"]
    media_type = {"Content-Type": "application/merge-patch+json"}
    renamed = await endpoint.manage("PATCH", path, {"name": "first"}, media_type)
    assert (renamed.status, renamed.json["name"]) == (200, "first")
    assert (await endpoint.manage("POST", "/directories", {"name": "One"})).status == 201
    assert (await endpoint.manage("POST", "/directories", {"name": "First"})).status == 409
    assert (await endpoint.manage("PATCH", "/directories/nobody", {"name": "x"})).status == 404


async def test_a_policy_reaches_other_processes_within_a_minute(
    tmp_path: Path, directory: Directory
) -> None:
    """Until then they go by what they read; the process that made the change goes by it at once."""
    endpoint = directory.endpoint
    async with running(tmp_path, storage=endpoint.storage.inner) as elsewhere:
        elsewhere.clock.moment = endpoint.clock.moment
        there = Directory(elsewhere, directory.id, directory.token)
        assert (await there.send("POST", "/Users", KIM)).status == 201
        assert (await directory.send("POST", "/Users", KIM)).status == 409
        await set_policy(directory, createUsers=False)
        assert (await directory.send("POST", "/Users", KIM)).status == 501
        assert (await there.send("POST", "/Users", KIM)).status == 409
        elsewhere.clock.forward(seconds=60)
        assert (await there.send("POST", "/Users", KIM)).status == 501


async def test_a_record_is_found_by_its_name(directory: Directory) -> None:
    """The checker misses the row that finds it."""
    await set_policy(directory, deleteUserMeans="disable")
    kim = await directory.create_user(**KIM)
    await directory.send("DELETE", f"/Users/{kim['id']}")
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    index = next(key for key in await directory.state() if key.startswith("w_"))
    await storage.commit(partition, [Delete(index, None)])
    assert [each.key for each in await checked(directory)] == [index]


def test_a_wrong_requirement_is_a_problem_of_the_settings() -> None:
    """Each name that no client can fill is told, beside the problems of other settings."""
    environ = {"REQUIRED_ATTRIBUTES": "userName, shoeSize,, groups", "REQUESTS_PER_SECOND": "0"}
    with pytest.raises(SettingsError) as raised:
        read_settings(environ)
    told = raised.value.problems
    assert "REQUIRED_ATTRIBUTES: shoeSize is no attribute of User." in told
    assert "REQUIRED_ATTRIBUTES: groups is read-only: no client can send it." in told
    assert [each.split(":")[0] for each in told].count("REQUIRED_ATTRIBUTES") == 2
    assert any(each.startswith("REQUESTS_PER_SECOND") for each in told)
