"""Values of the wrong type, in bodies and in PATCH messages: each error names the attribute."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from scim.protocol.schema import ENTERPRISE_USER, Attribute, user_type
from tests.endpoint import Directory, patch_message
from tests.web.refusals import refused

USER = user_type()

# By type, values that no dialect reads either.
WRONG: Mapping[str, list[Any]] = {
    "string": [True, {"a": 1}, [[1]], "with\0NUL"],
    "reference": [True, {"a": 1}, [[1]], "with\0NUL"],
    "binary": [True, {"a": 1}, [[1]], "no base64!"],
    "dateTime": [True, {"a": 1}, "yesterday"],
    "boolean": [7, "perhaps", {"a": 1}, [[True]]],
    "complex": [True, 7],
}


def writable(attributes: Mapping[str, Attribute]) -> Iterator[Attribute]:
    """Yield what a client may write of some attributes."""
    return (each for each in attributes.values() if not each.read_only)


def wrong_values(attribute: Attribute, path: str) -> Iterator[tuple[str, Any]]:
    """Yield what is wrong, as errors name it, and values of the attribute with that fault."""
    named = f"{path}[0]" if attribute.multi_valued else path
    if attribute.type == "complex":
        yield path, True
        for sub in writable(attribute.sub_attributes or {}):
            for wrong in WRONG[sub.type]:
                value = {sub.name: wrong}
                yield f"{named}.{sub.name}", [value] if attribute.multi_valued else value
    else:
        for wrong in WRONG[attribute.type]:
            yield named, [wrong] if attribute.multi_valued else wrong


ATTRIBUTES: Mapping[tuple[str, str], Attribute] = {
    **{("", each.name): each for each in writable(USER.schema.attributes)},
    **{
        (extension.urn, each.name): each
        for extension in USER.extensions.values()
        for each in writable(extension.attributes)
    },
}


@pytest.mark.parametrize(("urn", "name"), ATTRIBUTES)
async def test_a_wrong_type_is_refused_at_every_place(
    directory: Directory, urn: str, name: str
) -> None:
    """POST, PUT and PATCH name the attribute, down to the entry, and what it has to be."""
    kim = f"/Users/{(await directory.create_user())['id']}"
    path = f"{urn}:{name}" if urn else name
    for named, value in wrong_values(ATTRIBUTES[urn, name], path):
        body = {"userName": "lee", **({urn: {name: value}} if urn else {name: value})}
        with_path = patch_message([{"op": "add", "path": path, "value": value}])
        without_path = patch_message([{"op": "replace", "value": {path: value}}])
        for method, address, sent in (
            ("POST", "/Users", body),
            ("PUT", kim, body),
            ("PATCH", kim, with_path),
            ("PATCH", kim, without_path),
        ):
            says = (named, "must")
            await refused(directory, method, address, sent, scim_type="invalidValue", says=says)


@pytest.mark.parametrize("value", [7, True, "x", [], [{}]], ids=str)
async def test_an_extension_has_to_be_an_object(directory: Directory, value: Any) -> None:
    """Its URN and what may stand in it are named."""
    says = (f"{ENTERPRISE_USER} must be an object", "employeeNumber")
    body = {"userName": "lee", ENTERPRISE_USER: value}
    await refused(directory, "POST", "/Users", body, scim_type="invalidValue", says=says)


@pytest.mark.parametrize("name", ["id", "meta", "groups"])
@pytest.mark.parametrize("value", [7, True, "x", [[1]], {"version": 1}], ids=str)
async def test_what_is_read_only_is_not_looked_at(
    directory: Directory, name: str, value: Any
) -> None:
    """In bodies read-only members of any type are ignored (RFC 7644 §3.3, §3.5.1)."""
    kim = await directory.create_user()
    put = await directory.send("PUT", f"/Users/{kim['id']}", {**kim, name: value})
    assert (put.status, put.json) == (200, kim)


@pytest.mark.parametrize(
    ("body", "scim_type", "says"),
    [
        ({}, "invalidValue", "userName must not be empty"),
        ({"userName": ""}, "invalidValue", "userName must not be empty"),
        ({"userName": None}, "invalidValue", "userName must not be empty"),
        ({"userName": "kim", "schemas": 7}, "invalidValue", "schemas must be"),
        ({"userName": "kim", "schemas": [{}]}, "invalidValue", "schemas[0] must be"),
        (
            {"userName": "kim", "emails": [{"value": "a", "primary": True}] * 2},
            "invalidValue",
            "emails has several entries with primary true",
        ),
    ],
)
async def test_other_faults_of_a_user(
    directory: Directory, body: Any, scim_type: str, says: str
) -> None:
    """What is required, or may be there once, is named."""
    kim = (await directory.create_user())["id"]
    for method, path in (("POST", "/Users"), ("PUT", f"/Users/{kim}")):
        await refused(directory, method, path, body, scim_type=scim_type, says=(says,))


NOBODY = "01a21293-b617-72ac-a830-115b56c70018"


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (7, "members"),
        (True, "members"),
        ([7], "members[0]"),
        ([None, [1]], "members"),
        ([{"value": 7.5}], "members[0]"),
        ([{"value": {"a": 1}}], "members[0]"),
        ([{"display": "Kim"}], "members[0]"),
        ([{"value": ""}], "members[0]"),
        ([{"value": NOBODY}], f"no user or group with the id '{NOBODY}'"),
        ([{"value": "../Users"}], "no user or group with the id '../Users'"),
        ([{"value": "kim~"}], "no user or group with the id 'kim~'"),
        ([{"value": "x" * 100_000}], "no user or group with the id 'xxx"),
        ([{"value": "with\0NUL"}], "members"),
        ([{"$ref": f"https://scim.example.com/Users/{NOBODY}"}], "members[0]"),
        ([{"value": "æøå"}], "no user or group with the id 'æøå'"),
    ],
)
async def test_wrong_members_are_refused(directory: Directory, members: Any, says: str) -> None:
    """A member that is no member is named, and the group stays as it was."""
    kim = (await directory.create_user())["id"]
    group = f"/Groups/{(await directory.create_group('Tunnels', [kim]))['id']}"
    body = {"displayName": "Towers", "members": members}
    patches = [
        patch_message([{"op": op, "path": "members", "value": members}])
        for op in ("add", "replace")
    ]
    for method, path, sent in (
        ("POST", "/Groups", body),
        ("PUT", group, body),
        *(("PATCH", group, message) for message in patches),
    ):
        answer = await refused(directory, method, path, sent, scim_type="invalidValue")
        assert says in answer.json["detail"]


@pytest.mark.parametrize("value", [True, {"a": 1}, [[1]], "with\0NUL", "", None], ids=repr)
async def test_a_wrong_display_name_of_a_group_is_refused(directory: Directory, value: Any) -> None:
    """It is required, and a string."""
    group = f"/Groups/{(await directory.create_group('Tunnels'))['id']}"
    replace = patch_message([{"op": "replace", "path": "displayName", "value": value}])
    for method, path, sent in (
        ("POST", "/Groups", {"displayName": value}),
        ("PUT", group, {"displayName": value}),
        ("PATCH", group, replace),
    ):
        says = ("displayName must",)
        await refused(directory, method, path, sent, scim_type="invalidValue", says=says)
