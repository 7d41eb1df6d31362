"""The published cases of OneLogin, JumpCloud, Ping, Keycloak and Google."""

from __future__ import annotations

import pytest

from tests.conversations.client import ENT, USER, Client, Json, op, refused


@pytest.mark.usefixtures("kim")
async def test_ol_001_connection_test(idp: Client) -> None:
    """An unknown name is an empty list."""
    assert (await idp.page(query="filter=userName%20eq%20%22unknown%22"))["Resources"] == []


async def test_ol_003_one_email_without_a_list(idp: Client) -> None:
    """A single object in place of the list is stored as a list of one."""
    mail = {"value": "noor.khan@example.com", "type": "work"}
    user = await idp.create_user(emails=mail)
    assert (await idp.get(user["id"]))["emails"] == [mail]


async def test_ol_005_a_manager_with_empty_members(idp: Client) -> None:
    """A manager of nothing but empty texts is no manager."""
    user = await idp.create_user(**{ENT: {"manager": {"managerId": "", "displayName": ""}}})
    assert "manager" not in user.get(ENT, {})
    assert await idp.get(user["id"]) == user


async def test_ol_008_patch_is_supported(idp: Client) -> None:
    """The configuration says that PATCH may be used."""
    answer = await idp.send("GET", "/ServiceProviderConfig")
    assert (answer.status, answer.json["patch"]["supported"]) == (200, True)


async def test_jc_001_the_connection_test_leaves_nothing(idp: Client) -> None:
    """JumpCloud creates a user and a group and deletes both."""
    user = await idp.send("POST", "/Users", {"schemas": [USER], "userName": "test@example.com"})
    group = await idp.send("POST", "/Groups", {"displayName": "Test"})
    assert (user.status, group.status) == (201, 201)
    assert (await idp.send("DELETE", f"/Users/{user.json['id']}")).status == 204
    assert (await idp.send("DELETE", f"/Groups/{group.json['id']}")).status == 204
    for collection in ("/Users", "/Groups"):
        assert (await idp.page(collection))["totalResults"] == 0


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("filter=userName%20eq%20kim.larsen@example.com", id="PING-001"),
        pytest.param("filter=emails%20eq%20%22kim.larsen@example.com%22", id="PING-002"),
    ],
)
@pytest.mark.usefixtures("lee")
async def test_a_filter_template_of_ping(idp: Client, query: str) -> None:
    """A value without quotes, and e-mails as a whole, find the one user."""
    mail = "kim.larsen@example.com"
    user = await idp.create_user(userName=mail, emails=[{"type": "work", "value": mail}])
    assert (await idp.page(query=query))["Resources"] == [user]


async def test_kc_001_creating_without_asking_before(idp: Client, kim: Json) -> None:
    """A taken name is a conflict that says which attribute it is about."""
    answer = await idp.send("POST", "/Users", {"userName": kim["userName"]})
    assert "userName" in refused(answer, 409, "uniqueness")


async def test_kc_008_an_id_in_a_put(idp: Client, kim: Json) -> None:
    """An id in the body is ignored, the own as well as a foreign one: it is read-only."""
    body = {"userName": kim["userName"], "active": True}
    for foreign in (kim["id"], "019abcde-0000-7000-8000-000000000000"):
        answer = await idp.send("PUT", f"/Users/{kim['id']}", {**body, "id": foreign})
        assert answer.status == 200, answer.raw
        assert answer.json["id"] == kim["id"]
    assert (await idp.page())["totalResults"] == 1


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
async def test_goo_001_suspended_then_deleted(idp: Client, kim: Json, method: str) -> None:
    """A suspended user is inactive, and days later gone."""
    if method == "PATCH":
        answer = await idp.patch(kim["id"], op("replace", "active", False))
    else:
        answer = await idp.send("PUT", f"/Users/{kim['id']}", {**kim, "active": False})
    assert answer.status == 200, answer.raw
    assert (await idp.get(kim["id"]))["active"] is False
    idp.endpoint.clock.forward(days=5)
    assert (await idp.send("DELETE", f"/Users/{kim['id']}")).status == 204
    refused(await idp.send("GET", f"/Users/{kim['id']}"), 404)
