"""Okta's whole conversation, from a catalogue app and from a wizard app, and the log of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tests.conversations.bodies import OKTA_GROUP, OKTA_USER
from tests.conversations.client import USER, Client, Json, changed, op

KIM = "kim.larsen@example.com"
LEE = {**OKTA_USER, "userName": "lee.chan@example.com", "externalId": "00uexample8b20bbbbbbbb"}


async def matched(idp: Client, attribute: str, value: str, collection: str = "/Users") -> Any:
    """Ask as Okta does before it creates; return the match or None."""
    condition = quote(f'{attribute} eq "{value}"', safe="")
    query = f"filter={condition}&startIndex=1&count=100"
    found = (await idp.page(collection, query))["Resources"]
    assert len(found) <= 1
    return found[0] if found else None


async def provisioned(idp: Client, body: Json, attribute: str, collection: str = "/Users") -> Any:
    """Create what matches nobody."""
    assert await matched(idp, attribute, body[attribute], collection) is None
    answer = await idp.send("POST", collection, body)
    assert answer.status == 201, answer.raw
    return answer.json


async def connected(idp: Client) -> None:
    """Test the credentials of an app that also imports groups."""
    for collection, count in (("/Users", 2), ("/Groups", 100)):
        assert (await idp.page(collection, f"startIndex=1&count={count}"))["totalResults"] == 0


async def imported(idp: Client, collection: str) -> list[str]:
    """Return the ids that an import reads."""
    page = await idp.page(collection, "startIndex=1&count=100")
    assert page["totalResults"] == page["itemsPerPage"]
    return [each["id"] for each in page["Resources"]]


async def written(idp: Client, path: str, **profile: Any) -> Any:
    """Read a resource, lay a profile over it, and put it back: all that a wizard app does."""
    read = await idp.send("GET", path)
    assert read.status == 200, read.raw
    answer = await idp.send("PUT", path, {**read.json, **profile})
    assert answer.status == 200, answer.raw
    assert (await idp.send("GET", path)).json == answer.json
    return answer.json


async def logged(idp: Client) -> list[tuple[tuple[str, ...], str]]:
    """Return what was done to whom, oldest first; Okta needs no quirk, and nothing is ignored."""
    entries = [*reversed(await idp.log())]
    assert [(*each.quirks, *each.ignored) for each in entries] == [()] * len(entries)
    return [(each.operations, each.target.identifier) for each in entries]


async def test_a_catalogue_app(stored_idp: Client) -> None:
    """PATCH disables, enables and fills groups; the profile comes by PUT; nobody is deleted."""
    idp = stored_idp
    await connected(idp)
    kim = await provisioned(idp, OKTA_USER, "userName")
    lee = await provisioned(idp, LEE, "userName")

    # Deactivated twice, which the second time is nothing; found again when hired again.
    deactivate = op("replace", None, {"id": kim["id"], "active": False})
    for _ in range(2):
        answer = await idp.patch(kim["id"], deactivate)
        assert (answer.status, answer.json["active"]) == (200, False)
    assert (await matched(idp, "userName", KIM.upper()))["id"] == kim["id"]
    await idp.patch(kim["id"], op("replace", None, {"active": True}))
    name = {"givenName": "Kim", "familyName": "Holm"}
    profile = {**OKTA_USER, "schemas": [USER], "id": kim["id"], "name": name}
    answer = await idp.send("PUT", f"/Users/{kim['id']}", profile)
    assert answer.status == 200, answer.raw
    assert changed(await idp.get(kim["id"]), {}) == changed(kim, {"name": name})

    tunnels = await provisioned(idp, OKTA_GROUP, "displayName", "/Groups")
    member = {"value": kim["id"], "display": KIM}
    same_name = op("replace", None, {"id": tunnels["id"], "displayName": "Tunnels"})
    added = await idp.patch_group(tunnels["id"], same_name, op("add", "members", [member]))
    assert added.status in (200, 204)
    assert await idp.members(tunnels["id"]) == {kim["id"]}
    swapped = await idp.patch_group(
        tunnels["id"],
        op("replace", None, {"id": tunnels["id"], "displayName": "Tunnels North"}),
        op("remove", f'members[value eq "{kim["id"]}"]'),
        op("add", "members", [{"value": lee["id"], "display": lee["userName"]}]),
    )
    assert swapped.status in (200, 204)
    assert await idp.members(tunnels["id"]) == {lee["id"]}
    assert (await idp.patch_group(tunnels["id"], op("replace", "members", []))).status == 204
    assert await idp.members(tunnels["id"]) == set()
    assert await imported(idp, "/Users") == [kim["id"], lee["id"]]
    assert await imported(idp, "/Groups") == [tunnels["id"]]
    assert (await idp.send("DELETE", f"/Groups/{tunnels['id']}")).status == 204
    assert await imported(idp, "/Groups") == []

    assert await logged(idp) == [
        (("create",), KIM),
        (("create",), lee["userName"]),
        (("disable",), KIM),
        (("enable",), KIM),
        (("update",), KIM),
        (("create",), "Tunnels"),
        (("addMembers",), "Tunnels"),
        (("update", "addMembers", "removeMembers"), "Tunnels North"),
        (("removeMembers",), "Tunnels North"),
        (("delete",), "Tunnels North"),
    ]


async def test_a_wizard_app(stored_idp: Client) -> None:
    """Everything comes by GET and PUT, also who is active and who is in a group."""
    idp = stored_idp
    await connected(idp)
    kim = await provisioned(idp, OKTA_USER, "userName")
    lee = await provisioned(idp, LEE, "userName")
    path = f"/Users/{kim['id']}"

    tunnels = await provisioned(idp, OKTA_GROUP, "displayName", "/Groups")
    group_path = f"/Groups/{tunnels['id']}"
    members = [{"value": each["id"], "display": each["userName"]} for each in (kim, lee)]
    filled = await written(idp, group_path, members=members)
    assert {each["value"] for each in filled["members"]} == {kim["id"], lee["id"]}

    name = {"givenName": "Kim", "familyName": "Holm"}
    renamed = await written(idp, path, name=name)
    assert changed(renamed, {"groups": None}) == changed(kim, {"name": name})
    left = await written(idp, path, active=False)
    assert changed(left, {}) == changed(renamed, {"active": False})
    assert [each["display"] for each in left["groups"]] == ["Tunnels"]

    # Hired again: found, adopted under the same id, with a new profile.
    assert (await matched(idp, "userName", KIM)) == left
    hired = await written(idp, path, active=True, title="Tunnel Engineer")
    assert changed(hired, {}) == changed(renamed, {"title": "Tunnel Engineer"})

    await written(idp, group_path, displayName="Tunnels North", members=members[1:])
    assert await idp.members(tunnels["id"]) == {lee["id"]}
    assert await imported(idp, "/Users") == [kim["id"], lee["id"]]
    assert await imported(idp, "/Groups") == [tunnels["id"]]

    assert await logged(idp) == [
        (("create",), KIM),
        (("create",), lee["userName"]),
        (("create",), "Tunnels"),
        (("addMembers",), "Tunnels"),
        (("update",), KIM),
        (("disable",), KIM),
        (("update", "enable"), KIM),
        (("update", "removeMembers"), "Tunnels North"),
    ]
