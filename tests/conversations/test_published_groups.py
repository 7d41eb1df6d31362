"""The published cases of groups: creating, reading, renaming, members in every dialect."""

from __future__ import annotations

import time

import pytest

from tests.conversations.bodies import ENTRA_GROUP
from tests.conversations.client import GROUP, Client, Json, changed, filled, op, refused
from tests.endpoint import PUBLIC_BASE

EXTERNAL_ID = "9d1c7a40-77aa-4d57-9b3e-6c1f0a0f9c12"
TIME_BUDGET = 60  # seconds; the cases give it to 1000 members in one operation
WARM = 0.6  # seconds; Okta's spec test measures it


@pytest.fixture
async def people(kim: Json, lee: Json, noor: Json) -> dict[str, str]:
    """Give the ids of u1, u2 and u3 by those names."""
    return {"u1": kim["id"], "u2": lee["id"], "u3": noor["id"]}


def removing(member: str) -> Json:
    """Return the operation that removes a member by filter, as the compliant dialect does."""
    return op("remove", f'members[value eq "{member}"]')


def listed(*members: str) -> list[Json]:
    """Return members as the legacy dialect lists them."""
    return [{"$ref": None, "value": member} for member in members]


# Members before, the operations, members after, and what else differs.
PATCHED: dict[str, tuple[str, list[Json], str, Json]] = {
    "ENT-124": ("", [op("Add", "members", listed("{u1}"))], "u1", {}),
    "ENT-127": ("u1 u2 u3", [op("Remove", "members", listed("{u1}"))], "u2 u3", {}),
    "ENT-129": ("u1 u2 u3", [removing("{u1}")], "u2 u3", {}),
    "ENT-131-legacy": ("u2", [op("Remove", "members", listed("{u1}"))], "u2", {}),
    "ENT-131-compliant": ("u2", [removing("{u1}")], "u2", {}),
    "ENT-136": (
        "u1",
        [op("replace", None, {"displayName": "Tunnels North", "externalId": EXTERNAL_ID})],
        "u1",
        {"displayName": "Tunnels North", "externalId": EXTERNAL_ID},
    ),
    "OKT-031": (
        "u1",
        [op("replace", None, {"id": "{g1}", "displayName": "Tunnels North"})],
        "u1",
        {"displayName": "Tunnels North"},
    ),
    "OKT-032": (
        "u1",
        [
            op("replace", None, {"id": "{g1}", "displayName": "Tunnels North"}),
            removing("{u1}"),
            op("add", "members", [{"value": "{u2}", "display": "lee.chan@example.com"}]),
        ],
        "u2",
        {"displayName": "Tunnels North"},
    ),
    "OKT-034": (
        "u1 u2",
        [op("replace", "members", [{"value": "{u2}"}, {"value": "{u3}"}])],
        "u2 u3",
        {},
    ),
    "JC-003": ("u1 u2", [op("remove", "members", [{"value": "{u1}"}])], "u2", {}),
}


@pytest.mark.parametrize(
    ("before", "operations", "after", "changes"), PATCHED.values(), ids=PATCHED.keys()
)
async def test_a_patch_of_a_group(
    idp: Client,
    people: dict[str, str],
    before: str,
    operations: list[Json],
    after: str,
    changes: Json,
) -> None:
    """A group PATCH is answered 204, and leaves exactly the members and values that it should."""
    tunnels = await idp.create_group("Tunnels", [people[name] for name in before.split()])
    sent = filled(operations, g1=tunnels["id"], **people)
    assert (await idp.patch_group(tunnels["id"], *sent)).status == 204
    assert await idp.members(tunnels["id"]) == {people[name] for name in after.split()}
    stored = await idp.group(tunnels["id"])
    assert changed(stored, {"members": None}) == changed(tunnels, {**changes, "members": None})


async def test_ent_112_members_stay_while_inactive(idp: Client, people: dict[str, str]) -> None:
    """A member that is disabled and enabled again is a member all the time."""
    tunnels = await idp.create_group("Tunnels", [people["u1"]])
    for active in ("False", "True"):
        user = (await idp.patch(people["u1"], op("Replace", "active", active))).json
        assert user["active"] is (active == "True")
        assert [each["value"] for each in user["groups"]] == [tunnels["id"]]
        assert await idp.members(tunnels["id"]) == {people["u1"]}


async def test_ent_120_creating_a_group(idp: Client) -> None:
    """A group comes with a schema of 2006, which the answer does not repeat."""
    answer = await idp.send("POST", "/Groups", ENTRA_GROUP)
    assert answer.status == 201, answer.raw
    assert answer.json["schemas"] == [GROUP]
    for name in ("displayName", "externalId"):
        assert answer.json[name] == ENTRA_GROUP[name]
    assert not answer.json.get("members")
    assert await idp.group(answer.json["id"]) == answer.json


async def test_ent_121_creating_a_group_twice(idp: Client) -> None:
    """The same displayName a second time is a conflict, and there is still one group."""
    tunnels = await idp.create_group("Tunnels")
    refused(await idp.send("POST", "/Groups", {"displayName": "Tunnels"}), 409, "uniqueness")
    assert await idp.found('displayName eq "tunnels"', "/Groups") == [tunnels["id"]]
    assert (await idp.page("/Groups"))["totalResults"] == 1


async def test_ent_122_a_group_without_its_members(idp: Client, people: dict[str, str]) -> None:
    """`excludedAttributes=members` leaves the members out, by id and in a list."""
    tunnels = await idp.create_group("Tunnels", [*people.values()])
    query = "excludedAttributes=members"
    answer = await idp.send("GET", f"/Groups/{tunnels['id']}", query=query)
    assert changed(answer.json, {}) == changed(tunnels, {"members": None})
    assert (await idp.page("/Groups", query))["Resources"] == [answer.json]


async def test_ent_138_a_member_that_is_not_known(idp: Client, people: dict[str, str]) -> None:
    """One unknown id in a list is refused by its name, and then nobody is added."""
    tunnels = await idp.create_group("Tunnels", [people["u2"]])
    unknown = "0f6c4e1e-11aa-4c55-9d8e-aa01bb02cc03"
    adding = op("Add", "members", listed(people["u1"], unknown))
    assert unknown in refused(await idp.patch_group(tunnels["id"], adding), 400, "invalidValue")
    assert await idp.members(tunnels["id"]) == {people["u2"]}


async def test_ent_139_a_thousand_members_at_once(idp: Client) -> None:
    """One Add of a thousand members is answered in the time budget, and all are in."""
    ids = [(await idp.create_user())["id"] for _ in range(1000)]
    tunnels = await idp.create_group("Tunnels")
    started = time.perf_counter()
    answer = await idp.patch_group(tunnels["id"], op("Add", "members", listed(*ids)))
    assert time.perf_counter() - started < TIME_BUDGET
    assert answer.status == 204, answer.raw
    assert await idp.members(tunnels["id"]) == set(ids)


async def test_okt_036_a_group_as_a_whole(idp: Client, people: dict[str, str]) -> None:
    """A PUT with members leaves exactly those, and answers with them."""
    tunnels = await idp.create_group("Tunnels", [people["u1"], people["u2"]])
    body = {
        "schemas": [GROUP],
        "id": tunnels["id"],
        "displayName": "Tunnels",
        "members": [
            {"value": people["u2"], "display": "lee.chan@example.com"},
            {"value": people["u3"], "display": "noor.khan@example.com"},
        ],
    }
    answer = await idp.send("PUT", f"/Groups/{tunnels['id']}", body)
    assert answer.status == 200, answer.raw
    assert {each["value"] for each in answer.json["members"]} == {people["u2"], people["u3"]}
    assert await idp.group(tunnels["id"]) == answer.json


async def test_okt_046_groups_are_listed_quickly(idp: Client, people: dict[str, str]) -> None:
    """A warm endpoint lists its groups in the time that Okta's spec test allows."""
    tunnels = await idp.create_group("Tunnels", [*people.values()])
    started = time.perf_counter()
    groups = await idp.page("/Groups")
    assert time.perf_counter() - started < WARM
    assert groups["Resources"] == [tunnels]


async def test_kc_003_a_put_without_members(idp: Client, people: dict[str, str]) -> None:
    """A group that is put without members is empty."""
    tunnels = await idp.create_group("Tunnels", [*people.values()])
    answer = await idp.send("PUT", f"/Groups/{tunnels['id']}", {"displayName": "Tunnels"})
    assert answer.status == 200, answer.raw
    assert "members" not in answer.json
    assert await idp.members(tunnels["id"]) == set()
    assert "groups" not in await idp.get(people["u1"])


async def test_kc_005_a_member_with_a_relative_reference(
    idp: Client, people: dict[str, str]
) -> None:
    """A relative `$ref` is taken, and comes back as an absolute address."""
    tunnels = await idp.create_group("Tunnels")
    member = {"value": people["u1"], "$ref": f"Users/{people['u1']}"}
    assert (await idp.patch_group(tunnels["id"], op("add", "members", [member]))).status == 204
    (shown,) = (await idp.group(tunnels["id"]))["members"]
    assert shown["$ref"] == f"{PUBLIC_BASE}/scim/v2/{idp.id}/Users/{people['u1']}"


async def test_rfc_054_groups_of_a_user(idp: Client, people: dict[str, str]) -> None:
    """The read-only `groups` of a user shows the group with its name, from the next GET on."""
    tunnels = await idp.create_group("Tunnels")
    await idp.patch_group(tunnels["id"], op("add", "members", [{"value": people["u1"]}]))
    (group,) = (await idp.get(people["u1"]))["groups"]
    assert (group["value"], group["display"]) == (tunnels["id"], "Tunnels")
    assert "groups" not in await idp.get(people["u2"])
