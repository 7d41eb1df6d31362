"""The published cases of PATCH on a user: what is stored, what is sent, what differs then."""

from __future__ import annotations

import pytest

from tests.conversations.client import (
    ENT,
    Client,
    Json,
    changed,
    filled,
    op,
    refused,
    without_meta,
)

WORK_MAIL = 'emails[type eq "work"].value'
WORK_ADDRESS = 'addresses[type eq "work"]'
EDITOR = '{"id": "0f6c4e1e-11aa-4c55", "value": "Editor", "displayName": "Editor"}'
PHONES = [{"type": "work", "value": "4599887766"}, {"type": "mobile", "value": "4511223344"}]
BRIDGES = {"department": "Bridges", "employeeNumber": "30415"}
TO_LEE = {"value": "{u2}", "$ref": "{B}/Users/{u2}"}

# What u1 has besides its name, the operations, and what differs afterwards (None: is gone).
ACCEPTED = {
    "ENT-040": ({}, [op("Replace", "displayName", "Kim Holm")], {"displayName": "Kim Holm"}),
    "ENT-041": ({}, [op("Replace", "active", "False")], {"active": False}),
    "ENT-045": ({}, [op("replace", None, {"active": False})], {"active": False}),
    "ENT-047": (
        {},
        [op("Add", WORK_MAIL, "k@example.com")],
        {"emails": [{"type": "work", "value": "k@example.com"}]},
    ),
    "ENT-049": (
        {"emails": [{"type": "home", "value": "h@example.com"}]},
        [op("Replace", WORK_MAIL, "k@example.com")],
        {
            "emails": [
                {"type": "home", "value": "h@example.com"},
                {"type": "work", "value": "k@example.com"},
            ]
        },
    ),
    "ENT-051": (
        {},
        [
            op("Add", f"{WORK_ADDRESS}.postalCode", "8000"),
            op("Add", f"{WORK_ADDRESS}.locality", "Aarhus"),
        ],
        {"addresses": [{"type": "work", "postalCode": "8000", "locality": "Aarhus"}]},
    ),
    "ENT-054": (
        {"phoneNumbers": PHONES},
        [op("Remove", 'phoneNumbers[type eq "mobile"].value', "4511223344")],
        {"phoneNumbers": PHONES[:1]},
    ),
    "ENT-056": (
        {ENT: BRIDGES},
        [op("Replace", f"{ENT}:department", "Tunnels")],
        {ENT: {**BRIDGES, "department": "Tunnels"}},
    ),
    "ENT-059": (
        {ENT: BRIDGES},
        [
            op(
                "replace",
                None,
                {"displayName": "K", "name.familyName": "Holm", f"{ENT}:department": "Tunnels"},
            )
        ],
        {
            "displayName": "K",
            "name": {"givenName": "Kim", "familyName": "Holm"},
            ENT: {**BRIDGES, "department": "Tunnels"},
        },
    ),
    "ENT-061": (
        {},
        [op("replace", "name", {"givenName": "Kimmie"})],
        {"name": {"givenName": "Kimmie", "familyName": "Larsen"}},
    ),
    "ENT-062": ({}, [op("replace", "title", "")], {"title": None}),
    "ENT-068": (
        {},
        [
            op("Replace", "displayName", "Kim Holm"),
            op("Replace", "fooBar", "x"),
            op("Replace", "active", "False"),
        ],
        {"displayName": "Kim Holm", "active": False},
    ),
    "ENT-069": (
        {},
        [
            op("remove", "displayName"),
            op("add", "displayName", "A"),
            op("replace", "displayName", "B"),
        ],
        {"displayName": "B"},
    ),
    "ENT-080": (
        {},
        [op("Add", "roles", [{"value": EDITOR}])],
        {"roles": [{"value": "Editor", "display": "Editor"}]},
    ),
    "ENT-082": (
        {},
        [op("Replace", 'roles[primary eq "True"].value', "Admin")],
        {"roles": [{"primary": True, "value": "Admin"}]},
    ),
    "ENT-084": (
        {"roles": [{"value": "Admin"}, {"value": "Editor"}, {"value": "Reader"}]},
        [op("replace", "roles", [{"value": "Reader"}, {"value": "Auditor"}])],
        {"roles": [{"value": "Reader"}, {"value": "Auditor"}]},
    ),
    "ENT-090": ({}, [op("Add", f"{ENT}:manager", "{u2}")], {ENT: {"manager": TO_LEE}}),
    "ENT-091": ({}, [op("Add", "manager", [TO_LEE])], {ENT: {"manager": TO_LEE}}),
    "ENT-093": (
        {ENT: {"manager": {"value": "{u2}"}}},
        [op("replace", f"{ENT}:manager", "")],
        {ENT: None},
    ),
    "ENT-095": (
        {ENT: {"manager": {"value": "{u2}"}}},
        [op("remove", 'manager[value eq "{u2}"]')],
        {ENT: None},
    ),
    "OKT-019": ({}, [op("replace", None, {"active": False})], {"active": False}),
    "OKT-021": ({}, [op("replace", None, {"id": "{u1}", "active": False})], {"active": False}),
    "OKT-025": ({}, [op("replace", None, {"password": "Example-pw-1"})], {}),
    "RFC-026": (
        {"emails": [{"type": "work", "value": "k@example.com", "primary": True}]},
        [op("add", "emails", [{"type": "home", "value": "h@example.com", "primary": True}])],
        {
            "emails": [
                {"type": "work", "value": "k@example.com", "primary": False},
                {"type": "home", "value": "h@example.com", "primary": True},
            ]
        },
    ),
}


@pytest.mark.parametrize(
    ("stored", "operations", "changes"), ACCEPTED.values(), ids=ACCEPTED.keys()
)
async def test_a_patch_changes_what_it_says_and_nothing_else(
    idp: Client, kim: Json, lee: Json, stored: Json, operations: list[Json], changes: Json
) -> None:
    """A user PATCH is answered 200 with the user, which a GET then shows too."""
    known = {"u1": kim["id"], "u2": lee["id"], "B": idp.base}
    if stored:
        extra = [op("add", None, filled(stored, **known))]
        kim = (await idp.patch(kim["id"], *extra)).json
    answer = await idp.patch(kim["id"], *filled(operations, **known))
    assert answer.status == 200, answer.raw
    assert without_meta(answer.json) == changed(kim, filled(changes, **known))
    assert await idp.get(kim["id"]) == answer.json


async def test_ent_068_unknown_attributes_are_in_the_log(idp: Client, kim: Json) -> None:
    """An attribute that is not known is passed over, and the log says which."""
    await idp.patch(kim["id"], op("Replace", "fooBar", "x"), op("Replace", "active", "False"))
    assert (await idp.log())[0].ignored == ("fooBar",)


REFUSED = {
    "ENT-046": ([op("Replace", "active", "maybe")], 400, "invalidValue"),
    "ENT-066": ([op("replace", "userName", "LEE.chan@example.com")], 409, "uniqueness"),
    "RFC-018": ([op("remove")], 400, "noTarget"),
    "RFC-020": ([], 400, "invalidSyntax"),
    "RFC-022": ([op("replace", "emails[type eq]", "x")], 400, "invalidPath"),
    "RFC-024": ([op("replace", "id", "other")], 400, "mutability"),
    "RFC-024-created": (
        [op("replace", "meta.created", "2020-01-01T00:00:00Z")],
        400,
        "mutability",
    ),
}


@pytest.mark.usefixtures("lee")
@pytest.mark.parametrize(
    ("operations", "status", "scim_type"), REFUSED.values(), ids=REFUSED.keys()
)
async def test_a_refused_patch_changes_nothing(
    idp: Client, kim: Json, operations: list[Json], status: int, scim_type: str
) -> None:
    """One bad operation fails the whole message, also what stands before it."""
    first = [op("replace", "displayName", "Someone Else")] if operations else []
    refused(await idp.patch(kim["id"], *first, *operations), status, scim_type)
    assert await idp.get(kim["id"]) == kim


async def test_rfc_020_a_message_without_operations(idp: Client, kim: Json) -> None:
    """A PATCH message without the key Operations is a syntax error."""
    message = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}
    answer = await idp.send("PATCH", f"/Users/{kim['id']}", message)
    refused(answer, 400, "invalidSyntax")


async def test_rfc_029_a_patch_without_effect(idp: Client, kim: Json) -> None:
    """Replacing a value by itself leaves also lastModified as it was."""
    answer = await idp.patch(kim["id"], op("replace", "displayName", "Kim Larsen"))
    assert answer.status == 200
    assert answer.json == kim
