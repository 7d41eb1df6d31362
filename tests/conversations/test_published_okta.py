"""The published cases of Okta: users by PUT and PATCH, re-hire and import."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.conversations.bodies import OKTA_USER
from tests.conversations.client import Client, changed, op, refused

PROFILE = changed(OKTA_USER, {"groups": None, "password": None})


async def test_okt_001_test_credentials(idp: Client) -> None:
    """An empty directory is an empty list."""
    found = await idp.page(query="startIndex=1&count=2")
    assert (found["totalResults"], found["startIndex"], found["Resources"]) == (0, 1, [])


@pytest.mark.usefixtures("kim")
async def test_okt_004_match_before_create(idp: Client) -> None:
    """A name that nobody has is an empty list."""
    query = "filter=userName%20eq%20%22new%40example.com%22&startIndex=1&count=100"
    assert (await idp.page(query=query))["Resources"] == []


async def test_okt_006_creating_a_user(idp: Client) -> None:
    """The profile comes back, without the placeholder password and the empty groups."""
    answer = await idp.send("POST", "/Users", OKTA_USER)
    assert answer.status == 201, answer.raw
    assert changed(answer.json, {"id": None}) == PROFILE
    assert await idp.get(answer.json["id"]) == answer.json


async def test_okt_010_what_the_server_says_is_repeated_and_ignored(idp: Client) -> None:
    """A PUT changes the profile; stale `meta` and `groups` in it change nothing."""
    user = await idp.create_user(**OKTA_USER)
    tunnels = await idp.create_group("Tunnels", [user["id"]])
    body = {
        **user,
        "name": {"givenName": "Kim", "familyName": "Holm"},
        "groups": [{"value": "grp-11", "display": "Bridges"}],
        "meta": {"resourceType": "User", "created": "2020-01-01T00:00:00Z", "version": 'W/"0"'},
    }
    answer = await idp.send("PUT", f"/Users/{user['id']}", body)
    assert answer.status == 200, answer.raw
    after = answer.json
    assert after["name"] == {"givenName": "Kim", "familyName": "Holm"}
    assert after["meta"]["created"] == user["meta"]["created"]
    assert after["meta"]["lastModified"] > user["meta"]["lastModified"]
    assert [each["value"] for each in after["groups"]] == [tunnels["id"]]
    assert await idp.members(tunnels["id"]) == {user["id"]}


async def test_okt_012_a_put_without_active(idp: Client) -> None:
    """Nobody becomes active because a template says nothing of it."""
    user = await idp.create_user(**{**OKTA_USER, "active": False})
    body = changed(OKTA_USER, {"active": None, "displayName": "Kim Holm"})
    answer = await idp.send("PUT", f"/Users/{user['id']}", body)
    assert answer.status == 200, answer.raw
    assert (answer.json["active"], answer.json["displayName"]) == (False, "Kim Holm")


async def test_okt_015_a_put_never_creates(idp: Client) -> None:
    """A PUT on an id that does not exist is 404, and there is still nobody."""
    refused(await idp.send("PUT", "/Users/019abcde-0000-7000-8000-000000000000", OKTA_USER), 404)
    assert (await idp.page())["totalResults"] == 0


async def test_okt_017_a_put_of_what_was_read(idp: Client) -> None:
    """Writing back what was read changes nothing, and not even lastModified."""
    user = await idp.create_user(**OKTA_USER)
    await idp.create_group("Tunnels", [user["id"]])
    before = await idp.get(user["id"])
    answer = await idp.send("PUT", f"/Users/{user['id']}", before)
    assert answer.status == 200, answer.raw
    assert answer.json == before == await idp.get(user["id"])


async def test_okt_024_a_rehire(idp: Client) -> None:
    """The inactive user is found, enabled and given a new profile under the same id."""
    user = await idp.create_user(**OKTA_USER)
    await idp.patch(user["id"], op("replace", None, {"active": False}))
    assert await idp.found('userName eq "kim.larsen@example.com"') == [user["id"]]
    again = await idp.patch(user["id"], op("replace", None, {"active": True}))
    assert again.json["active"] is True
    profile = {**PROFILE, "id": user["id"], "title": "Tunnel Engineer"}
    answer = await idp.send("PUT", f"/Users/{user['id']}", profile)
    assert answer.status == 200, answer.raw
    assert changed(await idp.get(user["id"]), {}) == profile


async def _create(idp: Client, number: int) -> set[str]:
    """Create users, 25 at a time, and return their ids."""
    made: list[Any] = []
    for _ in range(0, number, 25):
        made += await asyncio.gather(*(idp.create_user() for _ in range(25)))
    return {each["id"] for each in made}


async def _walk(idp: Client, count: int) -> list[str]:
    """Read all users as an import does: by steps of `count`, whatever comes."""
    ids: list[str] = []
    start, total = 1, 1
    while start <= total:
        page = await idp.page(query=f"startIndex={start}&count={count}")
        total = page["totalResults"]
        assert page["startIndex"] == start
        assert len(page["Resources"]) == min(count, total - start + 1)
        ids += [each["id"] for each in page["Resources"]]
        start += count
    return ids


async def test_okt_040_an_import(idp: Client) -> None:
    """Every page but the last is full; together they hold everybody, nobody twice."""
    everybody = await _create(idp, 275)
    ids = await _walk(idp, 100)
    assert len(ids) == 275
    assert set(ids) == everybody


async def test_okt_041_users_who_come_during_an_import(idp: Client) -> None:
    """Who is created later stands behind those who were there."""
    await _create(idp, 25)
    first = await _walk(idp, 10)
    later = await _create(idp, 25)
    second = await _walk(idp, 10)
    assert second[:25] == first
    assert set(second[25:]) == later
