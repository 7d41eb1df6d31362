"""Promises of attributes and excludedAttributes (RFC 7644 §3.4.2.5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidValue
from scim.protocol.projection import read_projection
from scim.protocol.schema import (
    ENTERPRISE_USER,
    USER,
    Attribute,
    Resource,
    ResourceType,
    Schema,
    group_type,
    user_type,
)

MANAGER = {"value": "m1", "displayName": "Lee"}
KIM: Resource = {
    "schemas": [USER, ENTERPRISE_USER],
    "id": "1",
    "userName": "kim",
    "name": {"givenName": "Kim", "familyName": "Lee"},
    "active": True,
    "emails": [{"value": "kim@example.com", "type": "work"}, {"value": "kim@example.org"}],
    "meta": {"resourceType": "User", "location": "https://example.com/Users/1"},
    ENTERPRISE_USER: {"department": "R&D", "manager": MANAGER},
}
ALWAYS = {"schemas": KIM["schemas"], "id": "1"}


def _without(*names: str) -> Resource:
    return {name: value for name, value in KIM.items() if name not in names}


SHOWN: dict[str, Resource] = {
    "userName": {"userName": "kim"},
    "USERNAME, active": {"userName": "kim", "active": True},
    "id,schemas": {},
    "nope": {},
    "nope,userName": {"userName": "kim"},
    "userName.value,1,a.b.c,urn:x:,[,]": {},
    "name": {"name": KIM["name"]},
    "NAME.givenname": {"name": {"givenName": "Kim"}},
    "name.givenName,name.familyName": {"name": KIM["name"]},
    "name.givenName,name": {"name": KIM["name"]},
    "name,name.givenName": {"name": KIM["name"]},
    "name.middleName": {},
    "emails.value": {"emails": [{"value": "kim@example.com"}, {"value": "kim@example.org"}]},
    "emails.type": {"emails": [{"type": "work"}]},
    'emails[type eq "work"]': {"emails": KIM["emails"]},
    'emails[type eq "a,b"].type,active': {"emails": [{"type": "work"}], "active": True},
    "meta.location": {"meta": {"location": "https://example.com/Users/1"}},
    ENTERPRISE_USER: {ENTERPRISE_USER: KIM[ENTERPRISE_USER]},
    f"{ENTERPRISE_USER.upper()}:department": {ENTERPRISE_USER: {"department": "R&D"}},
    f"{ENTERPRISE_USER}:manager": {ENTERPRISE_USER: {"manager": MANAGER}},
    f"{ENTERPRISE_USER}:manager.value": {ENTERPRISE_USER: {"manager": {"value": "m1"}}},
    f"{ENTERPRISE_USER}:costCenter": {},
    "department": {},
    f"{USER}:userName": {"userName": "kim"},
    USER: _without("schemas", "id", "meta", ENTERPRISE_USER),
    "password": {},
}

LEFT: dict[str, Resource] = {
    "emails": _without("emails"),
    "EMAILS, active": _without("emails", "active"),
    "id,schemas,nope": KIM,
    "name.familyName": {**KIM, "name": {"givenName": "Kim"}},
    "name.familyName,name.givenName": _without("name"),
    "emails.value": {**KIM, "emails": [{"type": "work"}]},
    'emails[type eq "work"].type': {
        **KIM,
        "emails": [{"value": "kim@example.com"}, {"value": "kim@example.org"}],
    },
    "meta": _without("meta"),
    ENTERPRISE_USER: _without(ENTERPRISE_USER),
    f"{ENTERPRISE_USER}:manager": {**KIM, ENTERPRISE_USER: {"department": "R&D"}},
    f"{ENTERPRISE_USER}:manager.displayName": {
        **KIM,
        ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "m1"}},
    },
    f"{ENTERPRISE_USER}:manager,{ENTERPRISE_USER}:department": _without(ENTERPRISE_USER),
    f"{ENTERPRISE_USER}:manager,{ENTERPRISE_USER}": _without(ENTERPRISE_USER),
    USER: {
        **ALWAYS,
        "meta": KIM["meta"],
        ENTERPRISE_USER: KIM[ENTERPRISE_USER],
    },
}


@pytest.mark.parametrize("names", SHOWN)
def test_what_is_asked_for_is_shown_and_id_and_schemas(names: str) -> None:
    """Attributes, sub-attributes and extensions in any case; what is unknown is ignored."""
    projection = read_projection(names.split(","), None, user_type())
    assert projection.apply(KIM) == {**ALWAYS, **SHOWN[names]}


@pytest.mark.parametrize("names", LEFT)
def test_what_is_excluded_is_left_out_but_not_id_and_schemas(names: str) -> None:
    """Nothing else is lost, and an object that has nothing left is not shown."""
    projection = read_projection(None, names.split(","), user_type())
    assert projection.apply(KIM) == LEFT[names]


@settings(deadline=None)
@given(st.lists(st.sampled_from([*SHOWN, *LEFT]), min_size=1), st.booleans(), st.data())
def test_projection_leaves_the_resource_as_it_was(
    names: list[str], ask: object, data: st.DataObject
) -> None:
    """Resources are shared and cached: applying a projection changes none, and twice is once."""
    before = repr(KIM)
    projection = read_projection(names if ask else None, None if ask else names, user_type())
    shown = projection.apply(KIM)
    assert repr(KIM) == before
    assert projection.apply(shown) == shown
    name = data.draw(st.sampled_from(list(KIM)))
    assert projection.wants(name) or name not in shown


@pytest.mark.parametrize("blank", [None, [], [""], [" ", ","]])
def test_without_names_the_resource_itself_is_returned(blank: list[str] | None) -> None:
    """The usual answer costs no copy."""
    for projection in (
        read_projection(blank, None, user_type()),
        read_projection(None, blank, user_type()),
        read_projection(blank, blank, user_type()),
    ):
        assert projection.apply(KIM) is KIM


def test_values_of_a_wrong_shape_are_shown_as_they_are() -> None:
    """What an older format stored oddly is no reason to fail."""
    odd: Resource = {"id": "1", "name": "Kim", "emails": ["kim@example.com"]}
    names = ["name.givenName", "emails.value"]
    assert read_projection(names, None, user_type()).apply(odd) == odd
    assert read_projection(None, names, user_type()).apply(odd) == odd


def test_both_lists_are_refused() -> None:
    """RFC 7644 §3.9 lets a client send one of them; a blank one is none."""
    with pytest.raises(InvalidValue, match="not both"):
        read_projection(["userName"], ["emails"], user_type())
    assert read_projection(["id"], [""], user_type()).apply(KIM) == ALWAYS


@pytest.mark.parametrize(
    ("asked", "excluded", "wanted"),
    [
        (None, None, True),
        (None, ["members"], False),
        (None, ["MEMBERS"], False),
        (None, ["members.display"], True),
        (None, ["displayName"], True),
        (["displayName"], None, False),
        (["members"], None, True),
        (["members.value"], None, True),
    ],
)
def test_a_projection_says_whether_members_are_needed(
    asked: list[str] | None, excluded: list[str] | None, *, wanted: bool
) -> None:
    """What is not shown need not be read."""
    assert read_projection(asked, excluded, group_type()).wants("members") is wanted


def _badge_type() -> ResourceType:
    """Make a type with all four values of `returned`, at every level."""

    def attribute(
        name: str, returned: str = "default", subs: dict[str, Attribute] | None = None
    ) -> Attribute:
        kind = "complex" if subs else "string"
        return Attribute(name, kind, returned=returned, sub_attributes=subs)

    def levels() -> dict[str, Attribute]:
        names = ("always", "default", "request", "never")
        return {name: attribute(name, name) for name in names}

    core = {**levels(), "parts": attribute("parts", subs=levels())}
    extension = Schema("urn:x:2.0:Badge", "Extension", levels(), None)
    return ResourceType(
        "Badge",
        "/Badges",
        Schema("urn:x:2.0:Core", "Badge", core, None),
        {extension.urn.lower(): extension},
    )


_LEVELS = {"always": "a", "default": "d", "request": "r", "never": "n"}
BADGE: Resource = {**_LEVELS, "parts": _LEVELS, "urn:x:2.0:Badge": _LEVELS}
_A, _AD, _AR = (
    {k: v for k, v in _LEVELS.items() if k[0] in letters} for letters in ("a", "ad", "ar")
)


@pytest.mark.parametrize(
    ("asked", "excluded", "shown"),
    [
        (None, None, {**_AD, "parts": _AD, "urn:x:2.0:Badge": _AD}),
        ("nope", None, {**_A, "urn:x:2.0:Badge": _A}),
        ("request", None, {**_AR, "urn:x:2.0:Badge": _A}),
        (
            "never,parts.never,urn:x:2.0:Badge:never",
            None,
            {**_A, "urn:x:2.0:Badge": _A},
        ),
        ("parts", None, {**_A, "parts": _AD, "urn:x:2.0:Badge": _A}),
        ("parts.request", None, {**_A, "parts": _AR, "urn:x:2.0:Badge": _A}),
        ("urn:x:2.0:Badge", None, {**_A, "urn:x:2.0:Badge": _AD}),
        ("urn:x:2.0:Badge:request", None, {**_A, "urn:x:2.0:Badge": _AR}),
        ("urn:x:2.0:Core", None, {**_AD, "parts": _AD, "urn:x:2.0:Badge": _A}),
        (None, "always,parts.always", {**_AD, "parts": _AD, "urn:x:2.0:Badge": _AD}),
        (None, "default,parts.default", {**_A, "parts": _A, "urn:x:2.0:Badge": _AD}),
        (None, "urn:x:2.0:Badge", {**_AD, "parts": _AD, "urn:x:2.0:Badge": _A}),
        (None, "request,never", {**_AD, "parts": _AD, "urn:x:2.0:Badge": _AD}),
    ],
)
def test_returned_decides_before_the_client(
    asked: str | None, excluded: str | None, shown: Resource
) -> None:
    """Always is always shown, never never, and on request only when it is named itself."""
    projection = read_projection(
        [asked] if asked else None, [excluded] if excluded else None, _badge_type()
    )
    assert projection.apply(BADGE) == shown
