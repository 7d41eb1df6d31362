"""Promises of reading resources and of PUT (RFC 7643 §2, RFC 7644 §3.3 and §3.5.1)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from scim.protocol.errors import InvalidValue, Mutability, ScimError, TooMany
from scim.protocol.resource import (
    MAX_NOTED,
    MAX_VALUES,
    read_resource,
    replace,
    with_schemas,
)
from scim.protocol.schema import ENTERPRISE_USER, GROUP, USER, Resource, group_type
from tests.protocol.sample_types import BADGE, badge_type, user

KIND = badge_type()


def read(body: Any, ignored: list[str] | None = None) -> Resource:
    """Read a user with a userName and the members given."""
    return read_resource({"userName": "kim", **body}, KIND, [] if ignored is None else ignored)


def read_badge(**members: Any) -> Any:
    """Read the members of a badge."""
    return read({BADGE: members}).get(BADGE)


def test_values_are_kept_exactly_as_sent() -> None:
    """No value is trimmed, folded or normalised."""
    body = {
        "userName": " Kim.Larsen@EXAMPLE.com ",
        "phoneNumbers": [{"value": "+45 99-88 (77)", "type": "Work", "primary": False}],
        "photos": [{"value": "pictures/kim.png"}],
        ENTERPRISE_USER: {"manager": {"value": "0200"}, "employeeNumber": "0007"},
        BADGE: {"issued": "2026-01-31T08:00:00.1234567+01:00", "weight": 1.50},
    }
    assert read_resource(body, KIND, []) == body


def test_names_come_out_in_schema_case() -> None:
    """Attributes, sub-attributes and URNs are found in any letter case (RFC-011)."""
    body = {
        "USERNAME": "kim",
        "Emails": [{"VALUE": "k@example.com", "Primary": True}],
        ENTERPRISE_USER.upper(): {"Department": "Bridges", "manager": {"Value": "0200"}},
    }
    assert read_resource(body, KIND, []) == {
        "userName": "kim",
        "emails": [{"value": "k@example.com", "primary": True}],
        ENTERPRISE_USER: {"department": "Bridges", "manager": {"value": "0200"}},
    }


@pytest.mark.parametrize(
    "unassigned",
    [
        {"title": None},
        {"title": ""},
        {"emails": None},
        {"emails": []},
        {"emails": [{}]},
        {"emails": [{"value": ""}]},
        {"emails": [{"type": "work", "primary": True, "value": ""}]},
        {"name": {}},
        {"name": {"givenName": "", "familyName": None}},
        {ENTERPRISE_USER: {}},
        {ENTERPRISE_USER: None},
        {ENTERPRISE_USER: {"manager": {"value": ""}}},
        {BADGE: {"doors": ["", ""]}},
    ],
    ids=str,
)
def test_unassigned_is_absent(unassigned: dict[str, Any]) -> None:
    """Null, empty texts, lists and objects, and entries with nothing but labels, are not kept."""
    assert read(unassigned) == {"userName": "kim"}


def test_read_only_members_are_ignored_whatever_they_hold() -> None:
    """What a client echoes of id, meta, groups or a manager's name is neither kept nor judged.

    Nor are `schemas` kept: they follow from the content.
    """
    body = {
        "id": 7,
        "meta": "junk",
        "groups": [{"value": 1}],
        "schemas": [USER],
        ENTERPRISE_USER: {"manager": {"value": "0200", "displayName": 5, "$ref": []}},
        BADGE: {"printed": "maybe", "stamp": {"by": "Lee", "seen": 3}},
    }
    assert read(body) == {
        "userName": "kim",
        ENTERPRISE_USER: {"manager": {"value": "0200"}},
        BADGE: {"stamp": {"by": "Lee"}},
    }


def test_what_is_never_returned_is_checked_and_dropped() -> None:
    """A password, or a PIN of an extension, has to be a string and is not kept."""
    assert read({"password": "Example-pw-1", BADGE: {"pin": "0000"}}) == {"userName": "kim"}
    with pytest.raises(InvalidValue, match=r"^password must be a string"):
        read({"password": 12})


def test_a_refused_password_is_not_repeated() -> None:
    """An error on a password names the attribute, never the value."""
    with pytest.raises(InvalidValue) as refusal:
        read({"password": ["Example-pw-1"]})
    assert "Example-pw-1" not in str(refusal.value.body())


def test_unknown_names_are_dropped_and_noted() -> None:
    """Unknown attributes, sub-attributes and extensions are left out and their paths noted."""
    ignored: list[str] = []
    body = {
        "shoeSize": 44,
        "name": {"nick": "K"},
        "emails": [{"value": "k@example.com", "verified": True}],
        "urn:example:Other": {"a": "\0"},
        ENTERPRISE_USER: {"desk": 1e300, "manager": {"since": 1}},
    }
    assert read(body, ignored) == {"userName": "kim", "emails": [{"value": "k@example.com"}]}
    assert ignored == [
        "shoeSize",
        "name.nick",
        "emails[0].verified",
        "urn:example:Other",
        f"{ENTERPRISE_USER}:desk",
        f"{ENTERPRISE_USER}:manager.since",
    ]


def test_only_so_many_unknown_names_are_noted() -> None:
    """A body of unknown names alone cannot fill the log."""
    ignored: list[str] = []
    read({f"x{number}": 1 for number in range(MAX_NOTED * 3)}, ignored)
    assert len(ignored) == MAX_NOTED


WRONG = {
    "title: number": ({"title": 5}, "title must be a string, not a number"),
    "title: boolean": ({"title": True}, "title must be a string, not a boolean"),
    "title: list": ({"title": ["a"]}, "title must be a string, not a list"),
    "title: object": ({"title": {}}, "title must be a string, not an object"),
    "title: NUL": ({"title": "a\0b"}, "title must not contain the character NUL"),
    "active: word": ({"active": "True"}, "active must be true or false, not a string"),
    "active: number": ({"active": 1}, "active must be true or false, not a number"),
    "name: text": ({"name": "Kim"}, "name must be an object with formatted, familyName"),
    "sub": ({"name": {"givenName": 1}}, "name.givenName must be a string"),
    "list: object": ({"emails": {"value": "a"}}, "emails must be a list, not an object"),
    "list: text": ({"emails": ""}, "emails must be a list, not a string"),
    "entry: text": ({"emails": ["a"]}, "emails[0] must be an object with value"),
    "entry: null": ({"emails": [None]}, "emails[0] must be an object"),
    "entry: sub": ({"emails": [{}, {"value": 1}]}, "emails[1].value must be a string"),
    "reference": ({"profileUrl": 1}, "profileUrl must be a string"),
    "extension": ({ENTERPRISE_USER: []}, f"{ENTERPRISE_USER} must be an object with"),
    "extension attribute": (
        {ENTERPRISE_USER: {"department": 1}},
        f"{ENTERPRISE_USER}:department must be a string",
    ),
    "extension sub": (
        {ENTERPRISE_USER: {"manager": {"value": 1}}},
        f"{ENTERPRISE_USER}:manager.value must be a string",
    ),
    "list entry: NUL": ({BADGE: {"doors": ["a", "\0"]}}, f"{BADGE}:doors[1] must not contain"),
    "required sub": ({BADGE: {"stamp": {"seal": "x"}}}, f"{BADGE}:stamp.by must not be empty"),
    "required in an entry": ({BADGE: {"stamps": [{"seal": "x"}]}}, f"{BADGE}:stamps.by must"),
    "two primary": (
        {"emails": [{"value": "a", "primary": True}, {"value": "b", "primary": True}]},
        "emails has several entries with primary true",
    ),
    "schemas: text": ({"schemas": USER}, "schemas must be a list"),
    "schemas: numbers": ({"schemas": [1]}, "schemas[0] must be a string"),
    "userName: empty": ({"userName": ""}, "userName must not be empty"),
    "userName: null": ({"userName": None}, "userName must not be empty"),
}


@pytest.mark.parametrize(("body", "said"), WRONG.values(), ids=WRONG)
def test_a_wrong_value_is_refused_by_its_path(body: dict[str, Any], said: str) -> None:
    """A value of the wrong type is invalidValue that names the path and what to send."""
    with pytest.raises(InvalidValue) as refusal:
        read(body)
    assert refusal.value.detail.startswith(said)


def test_what_is_required_must_be_there() -> None:
    """A user without userName, and a group without displayName, is refused by name."""
    with pytest.raises(InvalidValue, match=r"^userName must not be empty"):
        read_resource({"displayName": "Kim"}, KIND, [])
    with pytest.raises(InvalidValue, match=r"^displayName must not be empty"):
        read_resource({}, group_type(), [])


BADGE_VALUES = [
    ("number", -(2**63), None),
    ("number", 2**63 - 1, None),
    ("number", 2**63, "must fit 64 bits"),
    ("number", 2.0**64, "must fit 64 bits"),
    ("number", 1.5, "must be an integer, not a fraction"),
    ("number", 1.0, "must be an integer, not a fraction"),
    ("number", True, "must be an integer, not a boolean"),
    ("number", "1", "must be an integer, not a string"),
    ("weight", 1, None),
    ("weight", -0.25, None),
    ("weight", 2.0**63, "must fit 64 bits"),
    ("weight", -1e300, "must fit 64 bits"),
    ("weight", False, "must be a number, not a boolean"),
    ("issued", "2026-01-31T08:00:00Z", None),
    ("issued", "2026-01-31T08:00:00.1234567-11:30", None),
    ("issued", "2026-02-30T08:00:00Z", "must be a date and time as"),
    ("issued", "2026-01-31", "must be a date and time as"),
    ("issued", "2026-01-31T08:00:00Z ", "must be a date and time as"),
    ("issued", 0, "must be a string"),
    ("scan", "QUJDRA==", None),
    ("scan", "QUJDRA", "must be base64"),
    ("scan", "QUJD\nRA==", "must be base64"),
    ("scan", "ä", "must be base64"),
]


@pytest.mark.parametrize(("name", "value", "said"), BADGE_VALUES, ids=str)
def test_each_type_takes_its_own_values_alone(name: str, value: Any, said: str | None) -> None:
    """Integers, decimals, times and binary values are checked exactly (RFC 7643 §2.3)."""
    if said is None:
        assert read_badge(**{name: value}) == {name: value}
    else:
        with pytest.raises(InvalidValue) as refusal:
            read_badge(**{name: value})
        assert refusal.value.detail.startswith(f"{BADGE}:{name} {said}")


def test_more_values_than_the_limit_are_refused() -> None:
    """A list beyond the limit is tooMany that names the attribute and the limit."""
    with pytest.raises(TooMany, match=f"doors has {MAX_VALUES + 1} values; at most {MAX_VALUES}"):
        read_badge(doors=["a"] * (MAX_VALUES + 1))


def test_schemas_follow_from_what_is_stored() -> None:
    """`schemas` names the core schema and each extension with data, first of all members."""
    resource = {
        "meta": {},
        ENTERPRISE_USER: {"department": "Bridges"},
        "userName": "kim",
        "id": "1",
    }
    ordered = with_schemas({**resource, "schemas": ["junk"]}, KIND)
    assert ordered == {**resource, "schemas": [USER, ENTERPRISE_USER]}
    assert list(ordered) == ["schemas", "id", "userName", ENTERPRISE_USER, "meta"]
    assert with_schemas({"displayName": "g"}, group_type())["schemas"] == [GROUP]


def put(stored: Resource, body: dict[str, Any]) -> Resource:
    """Read a body and put it in the place of what is stored, which must not change."""
    before = copy.deepcopy(stored)
    try:
        return replace(stored, read({"userName": "kim@example.com", **body}), KIND)
    finally:
        assert stored == before


def test_put_of_what_get_answered_changes_nothing() -> None:
    """The same content gives the very same object, whatever stale members it echoes (OKT-017)."""
    stored = user(
        name={"givenName": "Kim"}, enterprise={"department": "Bridges"}, badge={"number": 4}
    )
    body = {**stored, "meta": {"version": "stale"}, "groups": [], "id": "other"}
    assert put(stored, body) is stored


def test_put_clears_what_it_omits() -> None:
    """Attributes and extensions that the body leaves out are gone, with their schema."""
    stored = user(title="Engineer", emails=[{"value": "k"}], enterprise={"department": "Bridges"})
    assert put(stored, {"title": "Chief"}) == user(title="Chief")


@pytest.mark.parametrize("active", [True, False])
def test_put_without_active_leaves_it(*, active: bool) -> None:
    """Neither omission nor null enables or disables a user (OKT-012)."""
    stored = user(active=active)
    assert put(stored, {}) is stored
    assert put(stored, {"active": None}) is stored
    assert put(stored, {"active": not active})["active"] is not active


def test_put_keeps_what_is_shown_on_request_only() -> None:
    """A client that sends back what a GET answered has not seen it; another value replaces it."""
    stored = user(badge={"notes": "Left handed", "weight": 2})
    assert put(stored, {BADGE: {"weight": 2}}) is stored
    assert put(stored, {}) == user(badge={"notes": "Left handed"})
    assert put(stored, {BADGE: {"notes": "Both"}}) == user(badge={"notes": "Both"})


def test_put_keeps_what_only_the_server_writes() -> None:
    """id, meta and read-only attributes of extensions stay as stored (OKT-010)."""
    stored = user(title="Engineer", groups=[{"value": "g1"}], badge={"printed": True})
    after = put(stored, {"id": "foreign", "meta": {"created": "x"}, "groups": [{"value": "g2"}]})
    assert after == user(groups=[{"value": "g1"}], badge={"printed": True})


def test_a_read_only_part_of_a_value_goes_with_the_value() -> None:
    """What the server said about the old manager is not said about the new one."""
    stored = user(enterprise={"manager": {"value": "0200", "displayName": "Lee"}})
    after = put(stored, {ENTERPRISE_USER: {"manager": {"value": "0300"}}})
    assert after == user(enterprise={"manager": {"value": "0300"}})


def test_put_keeps_immutable_values_and_refuses_others() -> None:
    """An immutable attribute may be given once, repeated and left out, never changed."""
    assert put(user(), {BADGE: {"number": 4}}) == user(badge={"number": 4})
    stored = user(badge={"number": 4, "stamp": {"by": "Lee", "seal": "s"}})
    assert put(stored, {BADGE: {"stamp": {"by": "Lee"}}}) is stored
    with pytest.raises(Mutability, match=f"{BADGE}:number is immutable"):
        put(stored, {BADGE: {"number": 5}})
    with pytest.raises(Mutability, match=r"stamp\.seal is immutable"):
        put(stored, {BADGE: {"stamp": {"by": "Lee", "seal": "t"}}})


def test_members_of_a_group_may_come_and_go_though_each_is_immutable() -> None:
    """Immutable parts of an entry do not keep a PUT from replacing the entries."""
    stored = with_schemas({"displayName": "g", "members": [{"value": "u1"}]}, group_type())
    body = {"displayName": "g", "members": [{"value": "u2"}]}
    after = replace(stored, read_resource(body, group_type(), []), group_type())
    assert after["members"] == [{"value": "u2"}]


@pytest.mark.parametrize("body", [None, [], "kim", 5, True])
def test_a_resource_has_to_be_an_object(body: Any) -> None:
    """Other JSON than an object is refused as such."""
    with pytest.raises(ScimError, match=r"^A resource must be an object with"):
        read_resource(body, KIND, [])
