"""PATCH messages of every wrong shape: refused as a whole, and the error names the operation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import Directory, patch_message
from tests.web.refusals import refused

PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
LONG = "x" * 100_000


def one(**operation: Any) -> dict[str, Any]:
    """Return a message of one operation."""
    return patch_message([operation])


MESSAGES: dict[str, tuple[Any, str, str]] = {
    "empty": ({}, "invalidSyntax", "Operations must"),
    "no operations": ({"schemas": [PATCH_OP]}, "invalidSyntax", "Operations must be a list"),
    "null": ({"schemas": [PATCH_OP], "Operations": None}, "invalidSyntax", "Operations must"),
    "text": ({"schemas": [PATCH_OP], "Operations": "add"}, "invalidSyntax", "Operations must"),
    "none at all": (patch_message([]), "invalidSyntax", "Operations must be a list of one"),
    "other schema": (
        {"schemas": ["urn:x"], "Operations": [{"op": "add", "path": "title", "value": "T"}]},
        "invalidSyntax",
        PATCH_OP,
    ),
    "operation null": ({"schemas": [PATCH_OP], "Operations": [None]}, "invalidSyntax", "ns[0]"),
    "operation number": (patch_message([7]), "invalidSyntax", "Operations[0] must be an object"),  # type: ignore[list-item]  # on purpose
    "operation list": (patch_message([[]]), "invalidSyntax", "Operations[0] must be an object"),  # type: ignore[list-item]  # on purpose
    "no op": (one(path="title", value="T"), "invalidSyntax", "Operations[0].op must be add"),
    "op number": (one(op=1, path="title", value="T"), "invalidSyntax", "Operations[0].op"),
    "op unknown": (one(op="move", path="title"), "invalidSyntax", "not 'move'"),
    "op long": (one(op=LONG, path="title"), "invalidSyntax", "Operations[0].op"),
    "path number": (one(op="add", path=1, value="T"), "invalidPath", "Operations[0].path"),
    "path list": (one(op="add", path=["title"], value="T"), "invalidPath", "[0].path"),
    "path empty": (one(op="add", path="", value="T"), "invalidPath", "Column 1"),
    "path cut": (one(op="add", path="emails[", value="T"), "invalidPath", "Column 8"),
    "path unclosed": (
        one(op="add", path='emails[type eq "w"', value="T"),
        "invalidPath",
        "it ends",
    ),
    "path without value": (
        one(op="add", path="emails[type eq]", value=1),
        "invalidPath",
        "Column 15",
    ),
    "path of two dots": (one(op="add", path="name..givenName", value=1), "invalidPath", "Column"),
    "path with NUL": (one(op="add", path="ti\0tle", value="T"), "invalidPath", "Column 3"),
    "path long": (one(op="add", path=LONG, value="T"), "invalidPath", "at most 9999"),
    "path of 200 parentheses": (
        one(op="add", path="emails[" + "(" * 200 + "type pr" + ")" * 200 + "]", value={}),
        "invalidPath",
        "nested deeper",
    ),
    "filter on nothing known": (
        one(op="replace", path='emails[colour eq "red"].value', value="x"),
        "invalidFilter",
        "colour",
    ),
    "filter of a wrong type": (
        one(op="replace", path="emails[primary gt true].value", value="x"),
        "invalidFilter",
        "primary",
    ),
    "filter on a single value": (
        one(op="add", path='title[a eq "b"]', value="x"),
        "invalidPath",
        "title",
    ),
    "remove without path": (one(op="remove"), "noTarget", "Operations[0] removes nothing"),
    "remove required": (one(op="remove", path="userName"), "mutability", "userName"),
    "no path, text": (one(op="add", value="x"), "invalidValue", "Operations[0] has no path"),
    "no path, list": (one(op="add", value=[{}]), "invalidValue", "Operations[0] has no path"),
    "no path, null": (one(op="replace", value=None), "invalidValue", "Operations[0] has no path"),
    "no value": (one(op="add", path="title"), "invalidValue", "Operations[0].value is missing"),
    "read-only id": (one(op="replace", path="id", value="x"), "mutability", "id is read-only"),
    "read-only meta": (one(op="replace", path="meta.version", value="x"), "mutability", "meta"),
    "read-only groups": (
        one(op="add", path="groups", value=[{"value": "x"}]),
        "mutability",
        "groups",
    ),
    "empty userName": (one(op="replace", path="userName", value=""), "invalidValue", "userName"),
    "null userName": (one(op="replace", value={"userName": None}), "invalidValue", "userName"),
    "too many": (
        patch_message([{"op": "replace", "path": "title", "value": "T"}] * 10_001),
        "tooMany",
        "at most 10000",
    ),
}


@pytest.mark.parametrize(("message", "scim_type", "says"), MESSAGES.values(), ids=MESSAGES)
async def test_a_wrong_message_is_refused(
    directory: Directory, message: Any, scim_type: str, says: str
) -> None:
    """400 with the scimType of the RFC and the place of the fault."""
    kim = await directory.create_user(title="Engineer", emails=[{"type": "work", "value": "k@x"}])
    address = f"/Users/{kim['id']}"
    await refused(directory, "PATCH", address, message, scim_type=scim_type, says=(says,))


@pytest.mark.parametrize(
    ("wrong", "scim_type"),
    [
        ({"op": "replace", "path": "active", "value": [1, 2]}, "invalidValue"),
        ({"op": "add", "path": "emails[", "value": "x"}, "invalidPath"),
        ({"op": "move", "path": "title", "value": "x"}, "invalidSyntax"),
        ({"op": "remove"}, "noTarget"),
        ({"op": "replace", "path": "id", "value": "x"}, "mutability"),
    ],
)
async def test_no_message_is_applied_by_halves(
    directory: Directory, wrong: Any, scim_type: str
) -> None:
    """Good operations before and behind a wrong one are not applied."""
    kim = await directory.create_user(title="Engineer")
    good = {"op": "replace", "path": "title", "value": "Chief"}
    members = {"op": "add", "path": "members", "value": [{"value": kim["id"]}]}
    group = await directory.create_group("Tunnels")
    for address, message in (
        (f"/Users/{kim['id']}", patch_message([good, wrong, good])),
        (f"/Groups/{group['id']}", patch_message([members, _of_group(wrong), members])),
    ):
        await refused(directory, "PATCH", address, message, scim_type=scim_type)
    assert (await directory.get(kim["id"])) == kim
    assert await directory.members(group["id"]) == set()


def _of_group(operation: dict[str, Any]) -> dict[str, Any]:
    path = {"active": "displayName", "title": "displayName"}.get(operation.get("path", ""))
    return {**operation, "path": path} if path else operation


@pytest.mark.parametrize(
    ("operation", "scim_type", "says"),
    [
        ({"op": "add", "path": "members", "value": 7}, "invalidValue", "members"),
        ({"op": "add", "path": "members", "value": [{}]}, "invalidValue", "members[0]"),
        ({"op": "add", "path": "members", "value": ["nobody"]}, "invalidValue", "'nobody'"),
        ({"op": "remove", "path": 'members[value eq "a\0b"]'}, "invalidPath", "Column 20"),
        ({"op": "remove", "path": "members[value eq 7"}, "invalidPath", "it ends"),
        ({"op": "add", "path": "members.value", "value": "x"}, "mutability", "value is immutable"),
        ({"op": "remove", "path": "displayName"}, "mutability", "displayName"),
    ],
)
async def test_wrong_changes_of_members_are_refused(
    directory: Directory, operation: Any, scim_type: str, says: str
) -> None:
    """The members stay who they are."""
    kim = (await directory.create_user())["id"]
    group = f"/Groups/{(await directory.create_group('Tunnels', [kim]))['id']}"
    message = patch_message([operation])
    await refused(directory, "PATCH", group, message, scim_type=scim_type, says=(says,))


async def test_a_group_is_no_member_of_itself(directory: Directory) -> None:
    """It would hold itself for ever."""
    group = (await directory.create_group("Tunnels"))["id"]
    message = one(op="add", path="members", value=[{"value": group}])
    says = ("member of itself",)
    address = f"/Groups/{group}"
    await refused(directory, "PATCH", address, message, scim_type="invalidValue", says=says)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("collection", ["Users", "Groups"])
async def test_what_is_not_there_cannot_be_changed(
    directory: Directory, method: str, collection: str
) -> None:
    """404, and nothing comes to be."""
    bodies = {
        "PUT": {"userName": "kim", "displayName": "Tunnels"},
        "PATCH": one(op="replace", path="displayName", value="x"),
    }
    address = f"/{collection}/01a21293-b617-72ac-a830-115b56c70018"
    await refused(directory, method, address, bodies.get(method), status=404)
