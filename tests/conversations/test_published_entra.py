"""The published cases of Entra: connection, matching, creating, deleting, discovery."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conversations.bodies import ENTRA_USER
from tests.conversations.client import ENT, GROUP, USER, Client, Json, changed, op, refused

NOBODY = "4f0e2b0a-8f2c-4a75-9a35-0d6d4f6c2b11"


@pytest.mark.parametrize(
    ("collection", "query"),
    [
        pytest.param("/Users", f"filter=userName+eq+%22{NOBODY}%22", id="ENT-001"),
        pytest.param(
            "/Groups",
            f"excludedAttributes=members&filter=displayName+eq+%22{NOBODY}%22",
            id="ENT-003",
        ),
    ],
)
@pytest.mark.usefixtures("kim")
async def test_the_connection_test_finds_nobody(idp: Client, collection: str, query: str) -> None:
    """A filter that nothing matches is an empty list, as SCIM JSON."""
    await idp.create_group("Tunnels")
    found = await idp.page(collection, query)
    assert (found["totalResults"], found["Resources"]) == (0, [])


@pytest.mark.parametrize(
    ("attributes", "query"),
    [
        pytest.param(
            {"userName": "kim.larsen@example.com"},
            "filter=userName+eq+%22KIM.LARSEN@EXAMPLE.COM%22",
            id="ENT-006",
        ),
        pytest.param(
            {"emails": [{"type": "work", "value": "kim.larsen@example.com"}]},
            "filter=emails%5Btype+eq+%22work%22%5D.value+eq+%22kim.larsen%40example.com%22",
            id="ENT-008",
        ),
        pytest.param(
            {"userName": "kim+t@example.com"},
            "filter=userName+eq+%22kim%2Bt%40example.com%22",
            id="ENT-011",
        ),
    ],
)
@pytest.mark.usefixtures("noor")
async def test_a_matching_query_finds_the_one_user(
    idp: Client, attributes: Json, query: str
) -> None:
    """The user comes back alone, and as it is stored."""
    user = await idp.create_user(**attributes)
    assert (await idp.page(query=query))["Resources"] == [user]


async def test_ent_014_the_old_reference_probe(idp: Client, kim: Json, lee: Json) -> None:
    """A conjunction of unquoted ids tells whether u2 is the manager of u1."""
    query = f"filter=id+eq+{kim['id']}+and+manager+eq+{lee['id']}&attributes=id"
    assert (await idp.page(query=query))["Resources"] == []
    await idp.patch(kim["id"], op("Add", "manager", lee["id"]))
    assert [each["id"] for each in (await idp.page(query=query))["Resources"]] == [kim["id"]]


@pytest.mark.usefixtures("kim")
async def test_ent_017_an_unknown_operator(idp: Client) -> None:
    """A filter that cannot be read is refused, not passed over."""
    refused(
        await idp.send("GET", "/Users", query="filter=userName+zz+%22x%22"), 400, "invalidFilter"
    )


async def test_ent_020_creating_a_full_user(idp: Client) -> None:
    """Everything that Entra sends comes back exactly as sent; an empty list is no value."""
    answer = await idp.send("POST", "/Users", ENTRA_USER)
    assert answer.status == 201, answer.raw
    user = await idp.get(answer.json["id"])
    assert answer.json == user
    assert user["schemas"] == ENTRA_USER["schemas"]
    assert changed(user, {"id": None}) == changed(ENTRA_USER, {"roles": None})


async def test_ent_021_creating_a_user_twice(idp: Client) -> None:
    """The same userName a second time is a conflict, and there is still one user."""
    user = await idp.create_user(**ENTRA_USER)
    refused(await idp.send("POST", "/Users", ENTRA_USER), 409, "uniqueness")
    assert [each["id"] for each in (await idp.page())["Resources"]] == [user["id"]]


CREATED: dict[str, tuple[Json, Json]] = {
    "ENT-023": ({"active": "True"}, {"active": True}),
    "ENT-024": ({"addresses": None, "title": None}, {}),
    "ENT-026": (
        {"schemas": [USER], ENT: {"department": "Bridges"}},
        {ENT: {"department": "Bridges"}},
    ),
    "ENT-031": (
        {"roles": [{"primary": True, "type": "WindowsAzureActiveDirectoryRole", "value": "Admin"}]},
        {"roles": [{"primary": True, "type": "WindowsAzureActiveDirectoryRole", "value": "Admin"}]},
    ),
}


@pytest.mark.parametrize(("sent", "stored"), CREATED.values(), ids=CREATED.keys())
async def test_a_user_is_created_from_entras_shapes(idp: Client, sent: Json, stored: Json) -> None:
    """What Entra spells in its own way is stored and returned as the standard has it."""
    user = await idp.create_user(userName="kim@example.com", **sent)
    assert user == await idp.get(user["id"])
    expected = {"userName": "kim@example.com", "active": True, **stored}
    assert changed(user, {"id": None}) == expected


async def test_ent_028_a_manager_as_plain_text(idp: Client, lee: Json) -> None:
    """An id in place of the manager comes back as the object that Entra can read."""
    user = await idp.create_user(**{ENT: {"manager": lee["id"]}})
    assert user[ENT]["manager"]["value"] == lee["id"]
    assert await idp.get(user["id"]) == user


async def test_ent_110_deleting_a_user(idp: Client, kim: Json) -> None:
    """A deleted user is gone for reads and filters, and the name is free for a new user."""
    assert (await idp.send("DELETE", f"/Users/{kim['id']}")).status == 204
    refused(await idp.send("GET", f"/Users/{kim['id']}"), 404)
    for condition in (
        f'userName eq "{kim["userName"]}"',
        f'id eq "{kim["id"]}"',
        'displayName eq "Kim Larsen"',
    ):
        assert await idp.found(condition) == []
    again = await idp.create_user(userName=kim["userName"])
    assert again["id"] != kim["id"]


def _schema(schemas: list[Json], urn: str) -> dict[str, Any]:
    (schema,) = [each for each in schemas if each["id"] == urn]
    return {each["name"]: each for each in schema["attributes"]}


async def test_ent_150_schema_discovery(idp: Client) -> None:
    """The schemas name externalId, and canonical types where Entra makes mappings of them."""
    schemas = (await idp.page("/Schemas"))["Resources"]
    user, group = _schema(schemas, USER), _schema(schemas, GROUP)
    assert "department" in _schema(schemas, ENT)
    assert "externalId" in user
    assert "externalId" in group

    def types(name: str) -> set[str]:
        (attribute,) = [each for each in user[name]["subAttributes"] if each["name"] == "type"]
        return set(attribute.get("canonicalValues", ()))

    assert types("emails") >= {"work", "home", "other"}
    assert types("phoneNumbers") >= {"work", "home", "other", "mobile", "fax", "pager"}
    assert types("roles") == set()


@pytest.mark.parametrize(
    "token",
    [
        pytest.param("Bearer rc_unknown_token", id="ENT-153"),
        pytest.param("Bearer 00000000", id="MO-002"),
        pytest.param("non-token", id="OKT-047"),
        pytest.param(None, id="AUTH-001"),
    ],
)
@pytest.mark.usefixtures("kim")
async def test_whoever_has_no_valid_token_is_refused(idp: Client, token: str | None) -> None:
    """Without a valid bearer token every path answers 401 with a challenge for one."""
    headers = {} if token is None else {"Authorization": token}
    for path in ("/Users", "/Groups", "/Schemas", "/Unknown"):
        answer = await idp.send_bare("GET", path, headers)
        refused(answer, 401)
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
