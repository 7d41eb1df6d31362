"""Promises of PATCH (RFC 7644 §3.5.2), in standard form; what clients send else is in dialects."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from scim.protocol import patch_change
from scim.protocol.errors import (
    InvalidFilter,
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    ScimError,
    TooMany,
)
from scim.protocol.filter import Comparison, Filter
from scim.protocol.patch import MAX_OPERATIONS, PATCH_OP, apply_patch, read_operations
from scim.protocol.resource import MAX_VALUES, with_schemas
from scim.protocol.schema import ENTERPRISE_USER, Attribute, Resource, group_type
from tests.protocol.sample_types import BADGE, badge_type, user

KIND = badge_type()
GROUPS = group_type()
Op = tuple[Any, ...]  # op, path or None, value unless it has none

HOME = {"value": "kim@home.example", "type": "home"}
WORK = {"value": "kim@work.example", "type": "work"}
MANAGER = f"{ENTERPRISE_USER}:manager"


def message(*operations: Op) -> dict[str, Any]:
    """Write a PatchOp message."""
    members = [dict(zip(("op", "path", "value"), each, strict=False)) for each in operations]
    for each in members:
        if each.get("path", "") is None:
            del each["path"]
    return {"schemas": [PATCH_OP], "Operations": members}


def created(entries: Filter, attribute: Attribute) -> dict[str, Any] | None:
    """Make the entry that one `eq` describes, as dialects do."""
    assert attribute.sub_attributes
    if isinstance(entries, Comparison) and entries.operator == "eq":
        return {entries.path.name: entries.value}
    return None


def patch(
    stored: Resource, *operations: Op, ignored: list[str] | None = None, kind: Any = KIND
) -> Resource:
    """Apply operations; what is stored must not change, also when they are refused."""
    before = copy.deepcopy(stored)
    try:
        return apply_patch(
            stored,
            read_operations(message(*operations), kind),
            kind,
            new_entry=created,
            ignored=[] if ignored is None else ignored,
        )
    finally:
        assert stored == before


# --- the message


def test_names_in_a_message_are_found_in_any_case() -> None:
    """`operations`, `Op`, `PATH` and `Value` are read as RFC 7643 §2.1 says of names."""
    body = {
        "SCHEMAS": [PATCH_OP],
        "operations": [{"Op": "add", "PATH": "title", "Value": "x", "name": "addMember"}],
    }
    (operation,) = read_operations(body, KIND)
    assert (operation.op, operation.text, operation.value) == ("add", "title", "x")


BAD_MESSAGES = {
    "no object": ([], InvalidSyntax, "A PATCH message must be an object"),
    "no schemas": ({"Operations": [{}]}, InvalidSyntax, 'must have "schemas"'),
    "other schemas": ({"schemas": ["x"], "Operations": [{}]}, InvalidSyntax, "schemas"),
    "no operations": ({"schemas": [PATCH_OP]}, InvalidSyntax, "Operations must be a list"),
    "none": ({"schemas": [PATCH_OP], "Operations": []}, InvalidSyntax, "one operation or more"),
    "one": ({"schemas": [PATCH_OP], "Operations": {}}, InvalidSyntax, "must be a list"),
    "text": (message() | {"Operations": ["x"]}, InvalidSyntax, "Operations[0] must be an object"),
    "no op": (message() | {"Operations": [{}]}, InvalidSyntax, "[0].op must be add, remove or"),
    "other op": (message(("move", "title", 1)), InvalidSyntax, "not 'move'"),
    "capital op": (message(("Add", "title", "x")), InvalidSyntax, "not 'Add'"),
    "op is a list": (message((["add"], "title", "x")), InvalidSyntax, "[0].op must be"),
    "path is a number": (message(("add", 1, "x")), InvalidPath, "[0].path must be a string"),
    "empty path": (message(("add", "", "x")), InvalidPath, "it ends"),
    "bad path": (message(("add", "emails[type eq]", "x")), InvalidPath, "Column"),
    "no value": (
        message(("remove", "title"), ("add", "title")),
        InvalidValue,
        "Operations[1].value is missing",
    ),
    "no path, no object": (message(("replace", None, "x")), InvalidValue, "must be an object"),
    "remove nothing": (message(("remove",)), NoTarget, "Operations[0] removes nothing"),
}


@pytest.mark.parametrize(("body", "error", "said"), BAD_MESSAGES.values(), ids=BAD_MESSAGES)
def test_a_wrong_message_is_refused(body: Any, error: type[ScimError], said: str) -> None:
    """What is not built as §3.5.2 demands is refused by the place of the operation."""
    with pytest.raises(ScimError) as refusal:
        read_operations(body, KIND)
    assert type(refusal.value) is error
    assert said in refusal.value.detail


def test_the_number_of_operations_has_a_limit() -> None:
    """As many operations as the limit are read, one more is tooMany."""
    operations = [("replace", "active", True)] * MAX_OPERATIONS
    assert len(read_operations(message(*operations), KIND)) == MAX_OPERATIONS
    with pytest.raises(TooMany, match=f"at most {MAX_OPERATIONS}"):
        read_operations(message(*operations, operations[0]), KIND)


def test_removals_are_not_counted() -> None:
    """A list of values to remove becomes an operation each, and may be as long as one to add."""
    operations = [("remove", 'emails[value eq "a"]')] * (MAX_OPERATIONS + 1)
    assert len(read_operations(message(*operations), KIND)) == MAX_OPERATIONS + 1


# --- what operations do: (stored, operations, expected)

DONE: dict[str, tuple[Resource, list[Op], Resource]] = {
    # one value
    "add a text": (user(), [("add", "title", "Chief")], user(title="Chief")),
    "replace a text": (user(title="a"), [("replace", "title", "b")], user(title="b")),
    "add replaces one value": (user(title="a"), [("add", "title", "b")], user(title="b")),
    "remove a text": (user(title="a"), [("remove", "title")], user()),
    "any case": (user(title="a"), [("replace", "TITLE", "b")], user(title="b")),
    "by core URN": (
        user(),
        [("add", "urn:ietf:params:scim:schemas:core:2.0:User:title", "a")],
        user(title="a"),
    ),
    "null clears": (user(title="a"), [("replace", "title", None)], user()),
    "empty text clears (ENT-062)": (user(title="a"), [("replace", "title", "")], user()),
    "a boolean": (user(), [("replace", "active", False)], user(active=False)),
    "last one wins (ENT-069)": (
        user(displayName="a"),
        [("remove", "displayName"), ("add", "displayName", "b"), ("replace", "displayName", "c")],
        user(displayName="c"),
    ),
    # complex
    "add to name": (
        user(name={"givenName": "Kim"}),
        [("add", "name", {"familyName": "Holm"})],
        user(name={"givenName": "Kim", "familyName": "Holm"}),
    ),
    "replace keeps siblings (ENT-061)": (
        user(name={"givenName": "Kim", "familyName": "Holm"}),
        [("replace", "name", {"givenName": "Kimmie"})],
        user(name={"givenName": "Kimmie", "familyName": "Holm"}),
    ),
    "null inside clears": (
        user(name={"givenName": "Kim", "familyName": "Holm"}),
        [("replace", "name", {"givenName": None})],
        user(name={"familyName": "Holm"}),
    ),
    "clear a complex": (user(name={"givenName": "K"}), [("replace", "name", None)], user()),
    "remove a complex": (user(name={"givenName": "K"}), [("remove", "name")], user()),
    "sub-attribute of none": (
        user(),
        [("add", "name.givenName", "Kim")],
        user(name={"givenName": "Kim"}),
    ),
    "last sub-attribute": (user(name={"givenName": "K"}), [("remove", "name.givenName")], user()),
    # path-less
    "path-less": (
        user(title="a", name={"givenName": "Kim"}),
        [
            (
                "replace",
                None,
                {
                    "id": "0199",
                    "schemas": [],
                    "title": None,
                    "name": {"familyName": "Holm"},
                    ENTERPRISE_USER: {"department": "Tunnels"},
                },
            )
        ],
        user(name={"givenName": "Kim", "familyName": "Holm"}, enterprise={"department": "Tunnels"}),
    ),
    "path-less add to a list": (
        user(emails=[HOME]),
        [("add", None, {"emails": [WORK]})],
        user(emails=[HOME, WORK]),
    ),
    "path-less replace of a list": (
        user(emails=[HOME]),
        [("replace", None, {"emails": [WORK]})],
        user(emails=[WORK]),
    ),
    # extensions
    "extension attribute (ENT-056)": (
        user(),
        [("replace", f"{ENTERPRISE_USER}:department", "Tunnels")],
        user(enterprise={"department": "Tunnels"}),
    ),
    "last extension attribute": (
        user(enterprise={"department": "Tunnels"}),
        [("remove", f"{ENTERPRISE_USER}:department")],
        user(),
    ),
    "extension as a whole": (
        user(enterprise={"department": "Tunnels", "division": "North"}),
        [("replace", ENTERPRISE_USER, {"department": "Bridges"})],
        user(enterprise={"department": "Bridges", "division": "North"}),
    ),
    "remove an extension": (
        user(enterprise={"department": "Tunnels"}),
        [("remove", ENTERPRISE_USER)],
        user(),
    ),
    "manager": (
        user(),
        [("add", MANAGER, {"value": "0200", "$ref": "…/Users/0200", "displayName": "Lee"})],
        user(enterprise={"manager": {"value": "0200"}}),
    ),
    "manager.value": (
        user(enterprise={"manager": {"value": "0200"}}),
        [("replace", f"{MANAGER}.value", "0300")],
        user(enterprise={"manager": {"value": "0300"}}),
    ),
    "manager emptied": (
        user(enterprise={"manager": {"value": "0200"}}),
        [("replace", MANAGER, {"value": ""})],
        user(),
    ),
    "manager cleared (ENT-093)": (
        user(enterprise={"manager": {"value": "0200"}}),
        [("replace", MANAGER, "")],
        user(),
    ),
    "manager by filter (ENT-095)": (
        user(enterprise={"manager": {"value": "0200"}, "division": "North"}),
        [("remove", f'{MANAGER}[value eq "0200"]')],
        user(enterprise={"division": "North"}),
    ),
    "new manager by filter": (
        user(),
        [("add", f'{MANAGER}[value eq "0200"]', {"value": "0200"})],
        user(enterprise={"manager": {"value": "0200"}}),
    ),
    "other manager by filter": (
        user(enterprise={"manager": {"value": "0200"}}),
        [("replace", f'{MANAGER}[value eq "0200"].value', "0300")],
        user(enterprise={"manager": {"value": "0300"}}),
    ),
    # lists
    "add appends in order": (
        user(emails=[HOME]),
        [("add", "emails", [WORK])],
        user(emails=[HOME, WORK]),
    ),
    "replace a list (ENT-084)": (
        user(roles=[{"value": "a"}, {"value": "b"}, {"value": "c"}]),
        [("replace", "roles", [{"value": "c"}, {"value": "d"}])],
        user(roles=[{"value": "c"}, {"value": "d"}]),
    ),
    "replace by no list": (user(emails=[HOME]), [("replace", "emails", [])], user()),
    "replace by null": (user(emails=[HOME]), [("replace", "emails", None)], user()),
    "remove a list": (user(emails=[HOME]), [("remove", "emails")], user()),
    "equal entry is updated": (
        user(emails=[HOME, WORK]),
        [("add", "emails", [{**HOME, "display": "Kim", "primary": True}])],
        user(emails=[{**HOME, "display": "Kim", "primary": True}, WORK]),
    ),
    "equal but for case": (
        user(emails=[HOME]),
        [("add", "emails", [{"value": "KIM@home.example", "type": "HOME"}])],
        user(emails=[{"value": "KIM@home.example", "type": "HOME"}]),
    ),
    "same value of another type": (
        user(emails=[HOME]),
        [("add", "emails", [{**HOME, "type": "other"}])],
        user(emails=[HOME, {**HOME, "type": "other"}]),
    ),
    "twice in one add": (user(), [("add", "emails", [HOME, HOME])], user(emails=[HOME])),
    "addresses are equal as a whole": (
        user(addresses=[{"locality": "Aarhus", "type": "work"}]),
        [("add", "addresses", [{"type": "work", "locality": "Aarhus"}, {"locality": "Vejle"}])],
        user(addresses=[{"locality": "Aarhus", "type": "work"}, {"locality": "Vejle"}]),
    ),
    "addresses are equal but for case": (
        user(addresses=[{"locality": "Aarhus"}]),
        [("add", "addresses", [{"locality": "AARHUS"}])],
        user(addresses=[{"locality": "AARHUS"}]),
    ),
    "plain values": (
        user(badge={"doors": ["North", "South"]}),
        [("add", f"{BADGE}:doors", ["NORTH", "East"])],
        user(badge={"doors": ["North", "South", "East"]}),
    ),
    "exact plain values": (
        user(badge={"codes": ["a"]}),
        [("add", f"{BADGE}:codes", ["A", "a"])],
        user(badge={"codes": ["a", "A"]}),
    ),
    "remove a plain value": (
        user(badge={"doors": ["North", "South"]}),
        [("remove", f'{BADGE}:doors[value eq "north"]')],
        user(badge={"doors": ["South"]}),
    ),
    "replace a plain value": (
        user(badge={"doors": ["North", "South"]}),
        [("replace", f'{BADGE}:doors[value eq "north"]', "East")],
        user(badge={"doors": ["East", "South"]}),
    ),
    "sub-attribute of all entries": (
        user(emails=[HOME, WORK]),
        [("replace", "emails.display", "Kim")],
        user(emails=[{**HOME, "display": "Kim"}, {**WORK, "display": "Kim"}]),
    ),
    "sub-attribute of no entry": (
        user(),
        [("add", "emails.value", "k@example.com")],
        user(emails=[{"value": "k@example.com"}]),
    ),
    "remove a sub-attribute of all": (
        user(emails=[{**HOME, "display": "Kim"}, WORK]),
        [("remove", "emails.display")],
        user(emails=[HOME, WORK]),
    ),
    # filtered entries
    "filtered value": (
        user(emails=[HOME, WORK]),
        [("replace", 'emails[type eq "work"].value', "new@work.example")],
        user(emails=[HOME, {**WORK, "value": "new@work.example"}]),
    ),
    "filtered value of none (ENT-047)": (
        user(),
        [("add", 'emails[type eq "work"].value', "k@example.com")],
        user(emails=[{"type": "work", "value": "k@example.com"}]),
    ),
    "filtered value beside others (ENT-049)": (
        user(emails=[HOME]),
        [("replace", 'emails[type eq "work"].value', "k@example.com")],
        user(emails=[HOME, {"type": "work", "value": "k@example.com"}]),
    ),
    "two on one new entry (ENT-051)": (
        user(),
        [
            ("add", 'addresses[type eq "work"].postalCode', "8000"),
            ("add", 'addresses[type eq "work"].locality', "Aarhus"),
        ],
        user(addresses=[{"type": "work", "postalCode": "8000", "locality": "Aarhus"}]),
    ),
    "filtered value removed (ENT-054)": (
        user(phoneNumbers=[{"value": "1", "type": "work"}, {"value": "2", "type": "mobile"}]),
        [("remove", 'phoneNumbers[type eq "mobile"].value', "2")],
        user(phoneNumbers=[{"value": "1", "type": "work"}]),
    ),
    "filtered value removed with its display": (
        user(emails=[{**HOME, "display": "Kim"}]),
        [("remove", 'emails[type eq "home"].value')],
        user(),
    ),
    "filtered value cleared": (
        user(emails=[HOME, WORK]),
        [("replace", 'emails[type eq "work"].value', "")],
        user(emails=[HOME]),
    ),
    "last of an address": (
        user(addresses=[{"type": "work", "primary": True, "locality": "Aarhus"}]),
        [("remove", 'addresses[type eq "work"].locality')],
        user(),
    ),
    "filtered entries removed": (
        user(emails=[HOME, WORK, {**HOME, "value": "x"}]),
        [("remove", 'emails[type eq "home"]')],
        user(emails=[WORK]),
    ),
    "filtered entry cleared": (
        user(emails=[HOME, WORK]),
        [("replace", 'emails[type eq "home"]', None)],
        user(emails=[WORK]),
    ),
    "filtered entry merged": (
        user(emails=[HOME, WORK]),
        [("replace", 'emails[type eq "home"]', {"value": "new@home.example"})],
        user(emails=[{"value": "new@home.example", "type": "home"}, WORK]),
    ),
    "filtered entry of none": (
        user(),
        [("add", 'emails[type eq "work"]', {"value": "k@example.com"})],
        user(emails=[{"type": "work", "value": "k@example.com"}]),
    ),
    "all that match": (
        user(emails=[HOME, {**HOME, "value": "x"}, WORK]),
        [("replace", 'emails[type eq "home"].display', "Home")],
        user(emails=[{**HOME, "display": "Home"}, {**HOME, "value": "x", "display": "Home"}, WORK]),
    ),
    # primary
    "primary moves by add (RFC-026)": (
        user(emails=[{**HOME, "primary": True}]),
        [("add", "emails", [{**WORK, "primary": True}])],
        user(emails=[{**HOME, "primary": False}, {**WORK, "primary": True}]),
    ),
    "primary moves by path": (
        user(emails=[{**HOME, "primary": True}, WORK]),
        [("replace", 'emails[type eq "work"].primary', True)],
        user(emails=[{**HOME, "primary": False}, {**WORK, "primary": True}]),
    ),
    "primary stays": (
        user(emails=[{**HOME, "primary": True}, WORK]),
        [("add", "emails", [{"value": "x"}])],
        user(emails=[{**HOME, "primary": True}, WORK, {"value": "x"}]),
    ),
    "a new primary entry (ENT-082)": (
        user(),
        [("replace", "roles[primary eq true].value", "Admin")],
        user(roles=[{"primary": True, "value": "Admin"}]),
    ),
    # immutable and required
    "immutable given once": (user(), [("add", f"{BADGE}:number", 4)], user(badge={"number": 4})),
    "required removed and given": (
        user(),
        [("remove", "userName"), ("add", "userName", "lee")],
        user(userName="lee"),
    ),
    "beside an unknown one (ENT-068)": (
        user(),
        [("replace", "fooBar", 1), ("replace", "active", False)],
        user(active=False),
    ),
}


@pytest.mark.parametrize(("stored", "operations", "expected"), DONE.values(), ids=DONE)
def test_operations_do_what_they_say(
    stored: Resource, operations: list[Op], expected: Resource
) -> None:
    """Each kind of target is added to, replaced and removed as §3.5.2 and our decisions say."""
    assert patch(stored, *operations) == expected


FULL = user(
    title="a",
    name={"givenName": "Kim"},
    emails=[{**HOME, "primary": True}, WORK],
    addresses=[{"locality": "Aarhus"}],
    enterprise={"manager": {"value": "0200"}},
    badge={"number": 4, "printed": True, "doors": ["North"]},
)

NOTHING: dict[str, list[Op]] = {
    "the same (RFC-029)": [("replace", "title", "a")],
    "the same object": [("add", "name", {"givenName": "Kim"})],
    "the same list": [("replace", "emails", [{**HOME, "primary": True}, WORK])],
    "an entry that is there": [("add", "emails", [WORK])],
    "an address that is there": [("add", "addresses", [{"locality": "Aarhus"}])],
    "a plain value that is there": [("add", f"{BADGE}:doors", ["NORTH"])],
    "no entries": [("add", "emails", []), ("add", "roles", [{}, {"type": "a"}])],
    "null to a list": [("add", "emails", None)],
    "an empty object": [("replace", "name", {})],
    "an empty object, path-less": [("replace", None, {})],
    "nothing to clear": [("replace", "nickName", "")],
    "nothing to clear by filter": [("replace", 'emails[type eq "fax"].value', None)],
    "nothing to remove": [("remove", "nickName")],
    "no such entry": [("remove", 'emails[type eq "fax"]')],
    "no entry at all": [("remove", 'photos[type eq "photo"].value')],
    "no sub-attribute": [("remove", "name.familyName")],
    "there and back": [("replace", "title", "b"), ("replace", "title", "a")],
    "own id (OKT-021)": [("replace", None, {"id": "0199"}), ("replace", "id", "0199")],
    "own meta": [
        ("replace", None, {"meta": {"resourceType": "User"}}),
        ("replace", "meta.created", "2026-01-31T08:00:00Z"),
    ],
    "no groups": [("replace", None, {"groups": []}), ("replace", "groups", None)],
    "printed as it is": [("replace", f"{BADGE}:printed", True)],
    "schemas": [("replace", "schemas", ["x"]), ("remove", "schemas"), ("add", "schemas", 1)],
    "schemas in an object": [("add", None, {"Schemas": ["x"]})],
    "a password (OKT-025)": [
        ("replace", None, {"password": "Example-pw-1"}),
        ("replace", "password", "Example-pw-1"),
        ("remove", "password"),
    ],
    "a PIN": [("add", f"{BADGE}:pin", "0000")],
    "unknown": [("replace", None, {"fooBar": {"a": 1}, "name": {"nick": 1}, "urn:x": {"a": 1}})],
    "unknown paths": [("remove", "foo.bar"), ("add", 'foo[type eq "a"]', 1), ("add", "urn:x:y", 1)],
    "number as it is": [("replace", f"{BADGE}:number", 4)],
    "an entry without a value": [("add", 'photos[type eq "photo"].primary', True)],
}


@pytest.mark.parametrize("operations", NOTHING.values(), ids=NOTHING)
def test_a_patch_that_changes_nothing_gives_the_very_same_object(operations: list[Op]) -> None:
    """So neither lastModified nor the version moves."""
    assert patch(FULL, *operations) is FULL


REFUSED: dict[str, tuple[list[Op], type[ScimError], str]] = {
    "a word for a boolean (ENT-046)": (
        [("replace", "active", "maybe")],
        InvalidValue,
        "active must be true or false",
    ),
    "a number for a text": (
        [("add", "name", {"givenName": 1})],
        InvalidValue,
        "name.givenName must be a string",
    ),
    "a text for an object": ([("add", "name", "Kim")], InvalidValue, "name must be an object"),
    "an object for a list": ([("add", "emails", HOME)], InvalidValue, "emails must be a list"),
    "a list for a value": ([("add", "title", ["a"])], InvalidValue, "title must be a string"),
    "a bad entry": (
        [("add", "emails", [WORK, {"value": 1}])],
        InvalidValue,
        "emails[1].value must be a string",
    ),
    "a bad filtered value": (
        [("replace", 'emails[type eq "work"].value', 1)],
        InvalidValue,
        "emails[1].value must be a string",
    ),
    "a bad filtered entry": (
        [("replace", 'emails[type eq "work"]', "x")],
        InvalidValue,
        "emails[1] must be an object",
    ),
    "a bad extension": ([("add", ENTERPRISE_USER, "x")], InvalidValue, "must be an object with"),
    "NUL": ([("add", "title", "\0")], InvalidValue, "title must not contain"),
    "a wrong password": ([("add", "password", 1)], InvalidValue, "password must be a string"),
    "two primary added": (
        [("add", "emails", [{"value": "a", "primary": True}, {"value": "b", "primary": True}])],
        InvalidValue,
        "emails has several entries with primary true",
    ),
    "two primary by filter": (
        [("replace", "emails[value pr].primary", True)],
        InvalidValue,
        "emails has several entries with primary true",
    ),
    "userName removed": ([("remove", "userName")], Mutability, "userName must not be empty"),
    "userName removed, then else": (
        [("remove", "userName"), ("replace", "title", "b")],
        Mutability,
        "userName must not be empty",
    ),
    "userName emptied": (
        [("replace", "userName", "")],
        InvalidValue,
        "userName must not be empty",
    ),
    "userName null, path-less": (
        [("add", None, {"userName": None})],
        InvalidValue,
        "userName must not be empty",
    ),
    "required sub-attribute": (
        [("add", f"{BADGE}:stamp.seal", "x")],
        InvalidValue,
        f"{BADGE}:stamp.by must not be empty",
    ),
    "foreign id (RFC-024)": ([("replace", "id", "0200")], Mutability, "id is read-only"),
    "foreign id, path-less": ([("add", None, {"id": "0200"})], Mutability, "id is read-only"),
    "id emptied": ([("replace", "id", None)], Mutability, "id is read-only"),
    "id removed": ([("remove", "id")], Mutability, "id is read-only"),
    "meta.created (RFC-024)": (
        [("replace", "meta.created", "2020-01-01T00:00:00Z")],
        Mutability,
        "meta.created is read-only",
    ),
    "meta, path-less": (
        [("replace", None, {"meta": {"resourceType": "User", "created": "x"}})],
        Mutability,
        "meta is read-only",
    ),
    "groups": ([("add", "groups", [{"value": "g"}])], Mutability, "groups is read-only"),
    "groups by filter": (
        [("remove", 'groups[value eq "g"]')],
        Mutability,
        "groups is read-only",
    ),
    "groups.value": ([("replace", "groups.value", "g")], Mutability, "groups is read-only"),
    "manager.displayName": (
        [("replace", f"{MANAGER}.displayName", "Lee")],
        Mutability,
        f"{MANAGER}.displayName is read-only",
    ),
    "extension attribute": (
        [("add", BADGE, {"printed": False})],
        Mutability,
        f"{BADGE}:printed is read-only",
    ),
    "immutable replaced": (
        [("replace", f"{BADGE}:number", 5)],
        Mutability,
        f"{BADGE}:number is immutable",
    ),
    "immutable removed": ([("remove", f"{BADGE}:number")], Mutability, "number is immutable"),
    "immutable removed with all": ([("remove", BADGE)], Mutability, "number is immutable"),
    "immutable cleared": ([("add", f"{BADGE}:number", None)], Mutability, "number is immutable"),
    "no entry and no eq": (
        [("replace", 'emails[type ne "home" and type ne "work"].value', "x")],
        NoTarget,
        "No entry of emails matches",
    ),
    "another manager": (
        [("replace", f'{MANAGER}[value eq "0300"].value', "0400")],
        NoTarget,
        f"No entry of {MANAGER} matches",
    ),
    "another manager, as a whole": (
        [("replace", f'{MANAGER}[value eq "0300"]', {"value": "0300"})],
        NoTarget,
        f"No entry of {MANAGER} matches",
    ),
    "a plain value that is not there": (
        [("replace", f'{BADGE}:doors[value eq "East"]', "West")],
        NoTarget,
        f"No entry of {BADGE}:doors matches",
    ),
    "an entry that contradicts its filter": (
        [("replace", 'roles[value eq "a"].value', "b")],
        NoTarget,
        "No entry of roles matches",
    ),
    "a new entry of the wrong type": (
        [("add", "photos[type eq 5].value", "x")],
        InvalidFilter,
        "type",
    ),
    "a filter on an unknown name": (
        [("remove", 'emails[foo eq "x"]')],
        InvalidFilter,
        "foo",
    ),
    "a filter on one plain value": (
        [("remove", 'title[value eq "a"]')],
        InvalidPath,
        "title has one plain value",
    ),
}


@pytest.mark.parametrize(("operations", "error", "said"), REFUSED.values(), ids=REFUSED)
def test_what_may_not_be_is_refused_by_its_path(
    operations: list[Op], error: type[ScimError], said: str
) -> None:
    """A wrong operation is refused with its scimType, and those before it leave nothing."""
    with pytest.raises(ScimError) as refusal:
        patch(FULL, ("replace", "nickName", "left behind"), *operations)
    assert type(refusal.value) is error
    assert said in refusal.value.detail


def test_what_is_ignored_is_noted_once() -> None:
    """Unknown paths and names are reported as written."""
    ignored: list[str] = []
    patch(
        FULL,
        ("replace", "fooBar", 1),
        ("add", "fooBar", 2),
        ("add", None, {"urn:x": {}, "name": {"nick": 1}, ENTERPRISE_USER: {"desk": 1}}),
        ("add", "emails", [{"verified": True}]),
        ignored=ignored,
    )
    assert ignored == [
        "fooBar",
        "urn:x",
        "name.nick",
        f"{ENTERPRISE_USER}:desk",
        "emails[0].verified",
    ]


def test_what_was_missing_before_does_not_hold_up_a_change() -> None:
    """A user from before a schema required something can still be disabled."""
    stored = user(badge={"stamp": {"seal": "s"}})
    changed = patch(stored, ("replace", "active", False))
    assert changed == {**stored, "active": False}


def test_an_entry_that_is_there_keeps_what_is_immutable() -> None:
    """Adding a member again, with another address of it, changes nothing."""
    members = [{"value": "u1", "$ref": "../Users/u1"}]
    group = with_schemas({"displayName": "g", "members": members}, GROUPS)
    again = [{"value": "u1", "$ref": "https://example.com/Users/u1"}]
    assert patch(group, ("add", "members", again), kind=GROUPS) is group


def test_a_member_cannot_become_another() -> None:
    """The id of a member is immutable, whether its path is named or its entry."""
    group = with_schemas({"displayName": "g", "members": [{"value": "u1"}]}, GROUPS)
    for operation in (
        ("replace", 'members[value eq "u1"].value', "u2"),
        ("replace", 'members[value eq "u1"]', {"value": "u2"}),
    ):
        with pytest.raises(Mutability, match=r"^members\[0\]\.value is immutable"):
            patch(group, operation, kind=GROUPS)


def test_members_are_added_and_removed_in_order() -> None:
    """Operations of one message see what those before them did (OKT-032)."""
    group = with_schemas({"displayName": "g", "members": [{"value": "u1"}]}, GROUPS)
    after = patch(
        group,
        ("replace", None, {"displayName": "h"}),
        ("add", "members", [{"value": "u2"}, {"value": "u3"}]),
        ("remove", 'members[value eq "u1"]'),
        ("remove", 'members[value eq "u3"]'),
        kind=GROUPS,
    )
    assert after == with_schemas({"displayName": "h", "members": [{"value": "u2"}]}, GROUPS)


def test_a_list_cannot_grow_beyond_its_limit() -> None:
    """Adding to a full list is tooMany."""
    stored = user(badge={"codes": [str(number) for number in range(MAX_VALUES)]})
    with pytest.raises(TooMany, match=f"at most {MAX_VALUES}"):
        patch(stored, ("add", f"{BADGE}:codes", ["x"]))


def test_operations_cannot_look_through_entries_for_ever() -> None:
    """Many operations on a long list are tooMany before they cost seconds."""
    stored = user(badge={"doors": [f"door {number}" for number in range(1000)]})
    times = patch_change.MAX_VISITS // 1000
    operations: list[Op] = [("remove", f'{BADGE}:doors[value eq "x"]')] * times
    assert patch(stored, *operations) is stored
    with pytest.raises(TooMany, match="send fewer"):
        patch(stored, *operations, operations[0])
    many = " or ".join(f'value eq "{number}"' for number in range(200))
    operations = [("remove", f"{BADGE}:doors[{many} and not (value pr)]")] * (times // 200)
    with pytest.raises(TooMany, match="send fewer"):
        patch(stored, *operations)
