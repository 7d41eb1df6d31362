"""Entra's whole conversation about one user, in every dialect it speaks, and the log of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_plus

import pytest

from tests.conversations.bodies import ENTRA_GROUP, ENTRA_USER
from tests.conversations.client import ENT, USER, Client, Json, filled, op, refused, without_meta

LEE = {"schemas": [USER], "userName": "lee.chan@example.com"}
NOBODY = "4f0e2b0a-8f2c-4a75-9a35-0d6d4f6c2b11"

IGNORED = ("extensionAttribute9",)  # a mapping to an attribute that nobody knows

# What Entra sends, by step.
LEGACY: dict[str, list[Json]] = {
    "join": [op("Add", "members", [{"$ref": None, "value": "{kim}"}])],
    "manager": [op("Add", "manager", [{"$ref": "{B}/Users/{lee}", "value": "{lee}"}])],
    "change": [
        op("Replace", "displayName", "Kim Holm"),
        op("Replace", "name.familyName", "Holm"),
        op("Replace", 'emails[type eq "work"].value', "kim.holm@example.com"),
        op("Add", 'phoneNumbers[type eq "fax"].value', "4555667788"),
        op("Replace", f"{ENT}:department", "Tunnels"),
        op("Add", "extensionAttribute9", "x"),
    ],
    "disable": [op("Replace", "active", "False")],
    "restore": [op("Replace", "active", "True")],
    "no manager": [op("Replace", f"{ENT}:manager", "")],
    "leave": [op("Remove", "members", [{"$ref": None, "value": "{kim}"}])],
}
COMPLIANT: dict[str, list[Json]] = {
    "join": [op("add", "members", [{"value": "{kim}"}])],
    "manager": [op("add", f"{ENT}:manager", "{lee}")],
    "change": [
        op("replace", 'emails[type eq "work"].value', "kim.holm@example.com"),
        op("add", 'phoneNumbers[type eq "fax"].value', "4555667788"),
        op(
            "replace",
            None,
            {
                "displayName": "Kim Holm",
                "name.familyName": "Holm",
                f"{ENT}:department": "Tunnels",
                "extensionAttribute9": "x",
            },
        ),
    ],
    "disable": [op("replace", "active", False)],
    "restore": [op("replace", "active", True)],
    "no manager": [op("remove", 'manager[value eq "{lee}"]')],
    "leave": [op("remove", 'members[value eq "{kim}"]')],
}
# Provision on demand ignores the flag of the compliant dialect: what it does is legacy.
MIXED = {**COMPLIANT, "join": LEGACY["join"], "change": LEGACY["change"]}

# The quirks that fire, by dialect and step.
QUIRKS: dict[str, dict[str, set[str]]] = {
    "legacy": {
        "join": {"lower_case_op"},
        "manager": {"lower_case_op", "lift_extension_attributes", "unwrap_single_value"},
        "change": {"lower_case_op", "create_missing_entry"},
        "disable": {"lower_case_op", "read_boolean_words"},
        "restore": {"lower_case_op", "read_boolean_words"},
        "no manager": {"lower_case_op", "wrap_bare_value", "clear_empty_manager"},
        "leave": {"lower_case_op", "remove_listed_entries"},
    },
    "compliant": {
        "join": set(),
        "manager": {"wrap_bare_value"},
        "change": {"split_pathless_value", "create_missing_entry"},
        "disable": set(),
        "restore": set(),
        "no manager": {"lift_extension_attributes"},
        "leave": set(),
    },
}
QUIRKS["mixed"] = {
    **QUIRKS["compliant"],
    "join": QUIRKS["legacy"]["join"],
    "change": QUIRKS["legacy"]["change"],
}

# What the log has in the end: the step, what was done, to whom.
LOGGED = [
    ("lee", "create", "lee.chan@example.com"),
    ("kim", "create", "kim.larsen@example.com"),
    ("tunnels", "create", "Tunnels"),
    ("manager", "update", "kim.larsen@example.com"),
    ("join", "addMembers", "Tunnels"),
    ("change", "update", "kim.larsen@example.com"),
    ("disable", "disable", "kim.larsen@example.com"),
    ("restore", "enable", "kim.larsen@example.com"),
    ("no manager", "update", "kim.larsen@example.com"),
    ("leave", "removeMembers", "Tunnels"),
    ("delete", "delete", "kim.larsen@example.com"),
]


async def matched(idp: Client, attribute: str, value: str, collection: str = "/Users") -> Any:
    """Ask as Entra does before it creates; return the match or None."""
    condition = quote_plus(f'{attribute} eq "{value}"')
    without = "excludedAttributes=members&" if collection == "/Groups" else ""
    found = (await idp.page(collection, f"{without}filter={condition}"))["Resources"]
    assert len(found) <= 1
    return found[0] if found else None


async def provisioned(idp: Client, body: Json, attribute: str, collection: str = "/Users") -> Any:
    """Create what matches nobody."""
    assert await matched(idp, attribute, body[attribute], collection) is None
    answer = await idp.send("POST", collection, body)
    assert answer.status == 201, answer.raw
    assert await matched(idp, attribute, body[attribute], collection) == answer.json
    return answer.json


@pytest.mark.parametrize(
    ("dialect", "steps"), [("legacy", LEGACY), ("compliant", COMPLIANT), ("mixed", MIXED)]
)
async def test_a_user_from_the_first_day_to_the_last(
    stored_idp: Client, dialect: str, steps: dict[str, list[Json]]
) -> None:
    """Test connection, match, create, manager, group, change, disable, restore, delete; the log."""
    idp = stored_idp
    assert await matched(idp, "userName", NOBODY) is None
    assert await matched(idp, "displayName", NOBODY, "/Groups") is None

    lee = await provisioned(idp, LEE, "userName")
    kim = await provisioned(idp, ENTRA_USER, "userName")
    tunnels = await provisioned(idp, ENTRA_GROUP, "displayName", "/Groups")
    known = {"B": idp.base, "lee": lee["id"], "kim": kim["id"]}

    async def patch(step: str) -> Json:
        answer = await idp.patch(kim["id"], *filled(steps[step], **known))
        assert answer.status == 200, answer.raw
        shown: Json = await idp.get(kim["id"])
        assert shown == answer.json
        return shown

    async def patch_group(step: str) -> set[str]:
        operations = filled(steps[step], **known)
        assert (await idp.patch_group(tunnels["id"], *operations)).status == 204
        return await idp.members(tunnels["id"])

    managed = await patch("manager")
    assert managed[ENT]["manager"]["value"] == lee["id"]
    assert await patch_group("join") == {kim["id"]}

    changed = await patch("change")
    assert without_meta(changed) == {
        **without_meta(managed),
        "displayName": "Kim Holm",
        "name": {"formatted": "Kim Larsen", "familyName": "Holm", "givenName": "Kim"},
        "emails": [{"primary": True, "type": "work", "value": "kim.holm@example.com"}],
        "phoneNumbers": [*kim["phoneNumbers"], {"type": "fax", "value": "4555667788"}],
        ENT: {**managed[ENT], "department": "Tunnels"},
        "groups": changed["groups"],
    }

    disabled = await patch("disable")
    assert without_meta(disabled) == {**without_meta(changed), "active": False}
    assert await matched(idp, "userName", kim["userName"]) == disabled
    restored = await patch("restore")
    # Entra does not send memberships again.
    assert without_meta(restored) == without_meta(changed)
    assert [each["display"] for each in restored["groups"]] == ["Tunnels"]

    assert "manager" not in (await patch("no manager"))[ENT]
    assert await patch_group("leave") == set()
    for status in (204, 404):
        assert (await idp.send("DELETE", f"/Users/{kim['id']}")).status == status
    refused(await idp.send("GET", f"/Users/{kim['id']}"), 404)
    assert await matched(idp, "userName", kim["userName"]) is None

    quirks = {"tunnels": {"drop_foreign_schemas"}, **QUIRKS[dialect]}
    assert [
        (each.operations, each.target.identifier, {*each.quirks}, each.ignored)
        for each in reversed(await idp.log())
    ] == [
        ((did,), whom, quirks.get(step, set()), IGNORED if step == "change" else ())
        for step, did, whom in LOGGED
    ]
