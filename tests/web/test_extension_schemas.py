"""Extension schemas declared in an app setting behave as built-in ones."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from scim.protocol.schema import ENTERPRISE_USER, GROUP, USER
from scim.provisioning.rules.access_extension import ACCESS_URN
from scim.settings import SettingsError, read_settings
from tests.endpoint import Directory, patch_message, running

BADGE = "urn:example:params:scim:schemas:extension:badge:2.0:User"
SITE = "urn:example:site:Group"
DECLARED = [
    {
        "id": BADGE,
        "attributes": [
            {"name": "number", "type": "integer", "required": True},
            {"name": "door", "type": "string"},
            {"name": "issued", "type": "dateTime"},
            {"name": "doors", "multiValued": True},
            {"name": "pin", "mutability": "writeOnly"},
            {
                "name": "zones",
                "type": "complex",
                "multiValued": True,
                "subAttributes": [{"name": "value"}, {"name": "type"}],
            },
        ],
    },
    {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
        "id": SITE,
        "name": "Site",
        "resourceType": "Group",
        "attributes": [{"name": "code", "caseExact": True}],
        "meta": {"resourceType": "Schema"},
    },
]
BODY = {"number": 7, "door": "North", "zones": [{"value": "a", "type": "work"}], "pin": "1234"}


@pytest.fixture
async def extended(tmp_path: Path) -> AsyncIterator[Directory]:
    """Run the product with the schemas declared."""
    async with running(tmp_path, EXTENSION_SCHEMAS=json.dumps(DECLARED)) as endpoint:
        yield await endpoint.directory("demo")


async def found(directory: Directory, path: str, condition: str) -> int:
    """Return how many resources match."""
    answer = await directory.send("GET", path, query=f"filter={quote(condition)}")
    assert answer.status == 200, answer.raw
    total: int = answer.json["totalResults"]
    return total


async def test_it_is_stored_and_shown(extended: Directory) -> None:
    """Under its URN, which stands in `schemas`; by GET, PUT and with `attributes`."""
    kim = await extended.create_user(**{BADGE.upper(): {**BODY, "shoe": 1}})
    shown = {name: each for name, each in BODY.items() if name != "pin"}
    assert kim[BADGE] == shown
    assert kim["schemas"] == [USER, BADGE]
    assert (await extended.log())[0].ignored == (f"{BADGE}:shoe",)
    assert await extended.get(kim["id"]) == kim
    assert (await extended.send("PUT", f"/Users/{kim['id']}", kim)).json == kim
    answer = await extended.send("GET", f"/Users/{kim['id']}", query=f"attributes={BADGE}:number")
    assert answer.json[BADGE] == {"number": 7}


async def test_it_is_typed(extended: Directory) -> None:
    """A wrong type and a missing required attribute are 400 invalidValue with the path."""
    for wrong, says in (
        ({"number": "seven"}, f"{BADGE}:number"),
        ({"number": 7, "issued": "yesterday"}, f"{BADGE}:issued"),
        ({"door": "North"}, f"{BADGE}:number"),
    ):
        body = {"userName": "kim@example.com", BADGE: wrong}
        answer = await extended.send("POST", "/Users", body)
        assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
        assert says in answer.json["detail"]


async def test_it_can_be_patched(extended: Directory) -> None:
    """By path, by value filter, without a path, as a whole; and taken away, with its URN."""
    kim = await extended.create_user()
    operations: list[tuple[dict[str, Any], Any]] = [
        ({"op": "add", "path": f"{BADGE}:number", "value": 7}, {"number": 7}),
        ({"op": "replace", "value": {f"{BADGE}:door": "N"}}, {"number": 7, "door": "N"}),
        ({"op": "remove", "path": f"{BADGE}:door"}, {"number": 7}),
        (
            {"op": "add", "path": f"{BADGE}:doors", "value": ["a", "b"]},
            {"number": 7, "doors": ["a", "b"]},
        ),
        (
            {"op": "replace", "path": BADGE, "value": {"number": 8}},
            {"number": 8, "doors": ["a", "b"]},
        ),
        (
            {"op": "add", "path": f'{BADGE}:zones[type eq "work"].value', "value": "z"},
            {"number": 8, "doors": ["a", "b"], "zones": [{"type": "work", "value": "z"}]},
        ),
        ({"op": "remove", "path": BADGE}, None),
    ]
    for operation, expected in operations:
        answer = await extended.patch(kim["id"], operation)
        assert answer.status == 200, (operation, answer.raw)
        assert answer.json.get(BADGE) == expected, operation
        assert (BADGE in answer.json["schemas"]) == (expected is not None)


async def test_it_can_be_filtered_and_sorted(extended: Directory) -> None:
    """With the comparison of its types, by the URN, and by the bare name as any extension."""
    for number, door in ((10, "north"), (9, "South")):
        await extended.create_user(**{BADGE: {"number": number, "door": door}})
    await extended.create_user()
    assert await found(extended, "/Users", f"{BADGE}:number gt 9") == 1
    assert await found(extended, "/Users", f'{BADGE}:door eq "NORTH"') == 1
    assert await found(extended, "/Users", "number pr") == 2
    assert await found(extended, "/Users", f"{BADGE} pr") == 2
    refused = await extended.send("GET", "/Users", query=f"filter={quote(f'{BADGE}:pin pr')}")
    assert (refused.status, refused.json["scimType"]) == (400, "invalidFilter")
    query = f"sortBy={BADGE}:number&count=2"
    page = (await extended.send("GET", "/Users", query=query)).json["Resources"]
    assert [each[BADGE]["number"] for each in page] == [9, 10]


async def test_groups_can_be_extended(extended: Directory) -> None:
    """The same for a schema whose resourceType is Group, and members do not get in its way."""
    kim = await extended.create_user()
    group = await extended.create_group("Tunnels", [kim["id"]], **{SITE: {"code": "N1"}})
    assert (group["schemas"], group[SITE]) == ([GROUP, SITE], {"code": "N1"})
    change = {"op": "replace", "path": f"{SITE}:code", "value": "n1"}
    assert (await extended.patch_group(group["id"], change)).status == 204
    assert await found(extended, "/Groups", f'{SITE}:code eq "n1"') == 1
    assert await found(extended, "/Groups", f'{SITE}:code eq "N1"') == 0
    assert await extended.members(group["id"]) == {kim["id"]}


async def test_discovery_tells_it(extended: Directory) -> None:
    """/Schemas shows it complete, /ResourceTypes what it extends."""
    schemas = {
        each["id"]: each for each in (await extended.send("GET", "/Schemas")).json["Resources"]
    }
    assert {BADGE, SITE} < set(schemas)
    assert (await extended.send("GET", f"/Schemas/{BADGE}")).json == schemas[BADGE]
    built_in = next(
        each for each in schemas[ENTERPRISE_USER]["attributes"] if each["name"] == "employeeNumber"
    )
    number = schemas[BADGE]["attributes"][0]
    assert set(number) == set(built_in)
    assert (number["type"], number["required"], number["returned"]) == ("integer", True, "default")
    pin = next(each for each in schemas[BADGE]["attributes"] if each["name"] == "pin")
    assert pin["returned"] == "never"
    types = (await extended.send("GET", "/ResourceTypes")).json["Resources"]
    extensions = {
        each["name"]: [one["schema"] for one in each.get("schemaExtensions", ())] for each in types
    }
    assert extensions == {"User": [ENTERPRISE_USER, BADGE], "Group": [SITE]}


async def test_what_is_declared_no_more_is_ignored(directory: Directory) -> None:
    """A schema that nobody declared is passed over and noted, in a body and in a path."""
    kim = await directory.create_user(**{BADGE: {"number": 7}})
    assert BADGE not in kim
    assert (await directory.log())[0].ignored == (BADGE,)
    operation = {"op": "add", "path": f"{BADGE}:number", "value": 7}
    answer = await directory.send("PATCH", f"/Users/{kim['id']}", patch_message([operation]))
    assert (answer.status, answer.json) == (200, kim)


async def test_its_attributes_can_be_required(tmp_path: Path) -> None:
    """By the app setting, as those of built-in schemas."""
    required = f"userName, {BADGE}:door"
    declared = json.dumps(DECLARED)
    async with running(
        tmp_path, EXTENSION_SCHEMAS=declared, REQUIRED_ATTRIBUTES=required
    ) as endpoint:
        directory = await endpoint.directory("demo")
        refused = await directory.send("POST", "/Users", {"userName": "kim"})
        assert (refused.status, refused.json["detail"].split(": ")[0]) == (400, f"{BADGE}:door")
        await directory.create_user(**{BADGE: BODY})


async def test_a_requirement_outlives_its_schema(tmp_path: Path, extended: Directory) -> None:
    """What a directory requires and nobody declares any more is told as missing."""
    policy = {"requiredAttributes": [f"{BADGE}:door"]}
    path = f"/directories/{extended.id}"
    assert (await extended.endpoint.manage("PATCH", path, {"policy": policy})).status == 200
    async with running(tmp_path, storage=extended.endpoint.storage.inner) as without:
        directory = Directory(without, extended.id, extended.token)
        refused = await directory.send("POST", "/Users", {"userName": "kim", BADGE: BODY})
        assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
        assert refused.json["detail"].startswith(f"{BADGE}:door")


WRONG = [
    ("[", ["EXTENSION_SCHEMAS: is not JSON: line 1"]),
    ("{}", ["EXTENSION_SCHEMAS: Input should be a valid list"]),
    (
        [{"id": "badge"}, {"id": USER.lower(), "attributes": [{"name": "a"}]}],
        ["[0].id has to be a URN", "[0].attributes Field required", "[1].id is built in"],
    ),
    ([{"id": ACCESS_URN.upper(), "attributes": [{"name": "access"}]}], ["shows a user's access"]),
    ([{"id": "urn:acme:1", "attributes": [{"name": "a"}]}], ["[0].id has to be a URN"]),
    ([{"id": BADGE, "attributes": []}], ["[0].attributes List should have at least 1"]),
    (
        [
            {"id": BADGE, "attributes": [{"name": "a"}, {"name": "A"}]},
            {"id": SITE, "attributes": [{"name": "a", "type": "text"}, {"name": "b c"}]},
        ],
        ["[0] declares twice: A, a", "[1].attributes[0].type", "[1].attributes[1].name"],
    ),
    (
        [{"id": each, "attributes": [{"name": "a"}]} for each in (BADGE, BADGE.upper())],
        ["declares twice"],
    ),
    (
        [{"id": BADGE, "attributes": [{"name": "a", "multivalued": True}]}],
        ["[0].attributes[0].multivalued Extra"],
    ),
    (
        [{"id": BADGE, "attributes": [{"name": "a", "uniqueness": "server"}]}],
        ["[0].attributes[0].uniqueness"],
    ),
    ([{"id": BADGE, "attributes": [{"name": "a", "type": "complex"}]}], ["has subAttributes if"]),
    (
        [{"id": BADGE, "attributes": [{"name": "a", "subAttributes": [{"name": "b"}]}]}],
        ["has subAttributes if"],
    ),
    (
        [
            {
                "id": BADGE,
                "attributes": [
                    {"name": "a", "mutability": "writeOnly", "returned": "always"},
                    {
                        "name": "b",
                        "type": "complex",
                        "subAttributes": [
                            {"name": "c", "type": "complex", "subAttributes": [{"name": "d"}]}
                        ],
                    },
                ],
            }
        ],
        ["[0].attributes[0] what is writeOnly", "[0].attributes[1] subAttributes cannot"],
    ),
]


@pytest.mark.parametrize(("declared", "problems"), WRONG)
def test_all_problems_are_told_at_once(declared: Any, problems: list[str]) -> None:
    """The settings error names the place of each, beside the problems of other settings."""
    text = declared if isinstance(declared, str) else json.dumps(declared)
    environ = {
        "PUBLIC_BASE_URL": "https://scim.example.com",
        "TABLES_ENDPOINT": "https://x.example.com",
        "EXTENSION_SCHEMAS": text,
        "PAGE_SIZE": "0",
    }
    with pytest.raises(SettingsError) as raised:
        read_settings(environ)
    told = raised.value.problems
    assert any(each.startswith("PAGE_SIZE") for each in told)
    assert any(each.startswith("KEY_VAULT_URL") for each in told)
    said = [each for each in told if each.startswith("EXTENSION_SCHEMAS: ")]
    assert len(said) == len(problems)
    for each, wanted in zip(said, problems, strict=True):
        assert wanted.removeprefix("EXTENSION_SCHEMAS: ") in each
