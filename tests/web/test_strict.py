"""Strict directories: what only the dialect of an identity provider allows is refused there."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from scim.protocol.schema import ENTERPRISE_USER, GROUP, USER
from tests.endpoint import Directory, patch_message

KIM = {
    "schemas": [USER],
    "userName": "kim@example.com",
    "roles": [{"value": "Designer", "primary": True}],
}
REPLACE_ACTIVE = {"op": "replace", "path": "active", "value": False}
DEPARTMENT = {"op": "add", "path": f"{ENTERPRISE_USER}:department", "value": "Tunnels"}


@pytest.fixture
async def strict(directory: Directory) -> Directory:
    """Make a strict directory."""
    await set_strict(directory, strict=True)
    return directory


async def set_strict(directory: Directory, *, strict: bool) -> None:
    """Set the policy."""
    path = f"/directories/{directory.id}"
    answer = await directory.endpoint.manage("PATCH", path, {"policy": {"strict": strict}})
    assert answer.status == 200, answer.raw


def user(**attributes: Any) -> dict[str, Any]:
    """Return a body of its own userName."""
    return {"schemas": [USER], "userName": "lee@example.com", **attributes}


BODIES = [
    ("POST", "/Users", {"userName": "lee@example.com"}, ["infer_schemas"]),
    ("POST", "/Users", user(active="True"), ["read_boolean_words"]),
    (
        "POST",
        "/Users",
        user(active="True", **{"name.givenName": "Lee"}),
        ["nest_flat_names", "read_boolean_words"],
    ),
    ("PUT", "/Users/{kim}", {**KIM, "emails": {"value": "a@b.c"}}, ["wrap_single_entry"]),
    (
        "POST",
        "/Groups",
        {"schemas": [GROUP, "urn:acme:Group"], "displayName": "x"},
        ["drop_foreign_schemas"],
    ),
    (
        "PATCH",
        "/Users/{kim}",
        patch_message([{**REPLACE_ACTIVE, "op": "Replace"}]),
        ["lower_case_op"],
    ),
    (
        "PATCH",
        "/Groups/{group}",
        patch_message([{"op": "remove", "path": "members", "value": [{"value": "{kim}"}]}]),
        ["remove_listed_entries"],
    ),
]


@pytest.mark.parametrize(("method", "path", "body", "quirks"), BODIES)
async def test_a_quirk_is_400_and_named(
    directory: Directory, method: str, path: str, body: Any, quirks: list[str]
) -> None:
    """InvalidSyntax, each quirk with what it would have done; nothing is stored, not even a log."""
    kim = await directory.create_user(**KIM)
    group = await directory.create_group("Tunnels", [kim["id"]])
    path = path.format(kim=kim["id"], group=group["id"])
    await set_strict(directory, strict=True)
    before = await directory.state()
    answer = await directory.send(method, path, body)
    assert (answer.status, answer.json["scimType"]) == (400, "invalidSyntax"), answer.raw
    said = answer.json["detail"]
    assert [word.rstrip(":") for word in said.split() if "_" in word] == quirks
    assert await directory.state() == before
    await set_strict(directory, strict=False)
    assert (await directory.send(method, path, body)).status in (200, 201, 204)


async def test_the_detail_says_what_the_quirk_does(strict: Directory) -> None:
    """In words, and where the mode is set."""
    answer = await strict.send("POST", "/Users", user(active="True"))
    assert 'read_boolean_words: Read `"True"` and `"False"`' in answer.json["detail"]
    assert "strict" in answer.json["detail"]


async def test_an_entry_that_a_path_would_create_has_no_target(directory: Directory) -> None:
    """As RFC 7644 §3.5.2.3 says; the whole message is refused."""
    kim = await directory.create_user(**KIM)
    await set_strict(directory, strict=True)
    missing = {"op": "replace", "path": 'emails[type eq "work"].value', "value": "a@b.c"}
    answer = await directory.patch(kim["id"], REPLACE_ACTIVE, missing)
    assert (answer.status, answer.json["scimType"]) == (400, "noTarget")
    assert "create_missing_entry" in answer.json["detail"]
    assert await directory.get(kim["id"]) == kim


FILTERS = [
    ("userName eq kim@example.com", "quote_literals"),
    ('active eq "True"', "read_boolean_literals"),
    ('department eq "x"', "lift_extension_attributes"),
]


@pytest.mark.parametrize(("condition", "quirk"), FILTERS)
@pytest.mark.parametrize("path", ["/Users", "/Users/.search", "/.search"])
async def test_a_quirk_in_a_filter_is_refused(
    strict: Directory, path: str, condition: str, quirk: str
) -> None:
    """InvalidFilter, in lists and in searches."""
    if path == "/Users":
        answer = await strict.send("GET", path, query=f"filter={quote(condition)}")
    else:
        answer = await strict.send("POST", path, {"filter": condition})
    assert (answer.status, answer.json["scimType"]) == (400, "invalidFilter")
    assert quirk in answer.json["detail"]


async def test_a_refused_no_op_is_refused_too(directory: Directory) -> None:
    """A quirk is refused also where nothing would have changed."""
    kim = await directory.create_user(**KIM)
    await set_strict(directory, strict=True)
    assert (await directory.patch(kim["id"], {**REPLACE_ACTIVE, "value": "True"})).status == 400


async def test_standard_requests_pass(strict: Directory) -> None:
    """What the RFCs show is answered as everywhere: nothing else changes."""
    extended = {"schemas": [USER, ENTERPRISE_USER], ENTERPRISE_USER: {"department": "Tunnels"}}
    made = await strict.send("POST", "/Users", {**KIM, **extended, "shoeSize": 43})
    assert made.status == 201, made.raw
    kim = made.json["id"]
    pathless = {"op": "replace", "value": {"displayName": "Kim", "emails": [{"value": "a@b.c"}]}}
    changed = await strict.patch(kim, REPLACE_ACTIVE, DEPARTMENT, pathless)
    assert changed.status == 200, changed.raw
    assert (await strict.send("PUT", f"/Users/{kim}", changed.json)).json == changed.json
    group = {"schemas": [GROUP], "displayName": "Tunnels", "members": [{"value": kim}]}
    made = await strict.send("POST", "/Groups", group)
    assert made.status == 201, made.raw
    remove = {"op": "remove", "path": f'members[value eq "{kim}"]'}
    assert (await strict.patch_group(made.json["id"], remove)).status == 204
    condition = quote(f'userName eq "kim@example.com" and {ENTERPRISE_USER}:department pr')
    found = await strict.send("GET", "/Users", query=f"filter={condition}")
    assert found.json["totalResults"] == 1
    assert (await strict.send("DELETE", f"/Users/{kim}")).status == 204
