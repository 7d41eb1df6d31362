"""Promises of matching: typed comparison, entries, absence, and what an index may serve."""

from __future__ import annotations

import pytest

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter_parser import parse_filter
from scim.protocol.filter_text import format_filter
from scim.protocol.matching import entry_matcher, matcher, required_equalities
from scim.protocol.schema import (
    ENTERPRISE_USER,
    USER,
    Attribute,
    Json,
    ResourceType,
    Schema,
    group_type,
    user_type,
)

KIM = {
    "schemas": [USER, ENTERPRISE_USER],
    "id": "0193e5c2-aaaa-7000-8000-000000000001",
    "externalId": "Kim-1",
    "userName": "Kim@Example.com",
    "name": {"givenName": "Kim", "familyName": "Straße"},
    "nickName": "",
    "profileUrl": "https://example.com/Kim",
    "active": False,
    "emails": [
        {"value": "kim@example.com", "type": "work", "primary": True},
        {"value": "kim@home.example", "type": "home"},
        {"value": "kim@example.org"},
    ],
    "ims": [],
    "addresses": [{"formatted": "Main Street 1", "country": "DE"}],
    "roles": [{"value": "", "display": ""}],
    "groups": [{"value": "g1", "display": "Designers", "$ref": "https://example.com/Groups/g1"}],
    "x509Certificates": [{"value": "TUlJ"}],
    "meta": {
        "resourceType": "User",
        "created": "2026-01-31T23:30:00.1234567Z",
        "lastModified": "2026-02-01T00:00:00Z",
        "version": 'W/"1"',
    },
    ENTERPRISE_USER: {"department": "R&D", "manager": {"value": "m1", "displayName": "Lee"}},
}

MATCHED = [
    # text: folded, or exact where the schema says so
    'userName eq "kim@EXAMPLE.com"',
    'userName co "@Example"',
    'userName sw "KIM"',
    'userName ew ".COM"',
    'userName co ""',
    'userName gt "kim"',
    'userName le "kim@example.com"',
    'USERNAME eq "Kim@Example.com"',
    f'{USER}:userName eq "kim@example.com"',
    f'{USER.upper()}:name.GivenName eq "KIM"',
    'name.familyName eq "STRASSE"',
    'externalId eq "Kim-1"',
    'externalId sw "Kim"',
    'not (externalId eq "kim-1")',
    'profileUrl co "/Kim"',
    'not (profileUrl co "/kim")',
    # boolean, binary
    "active eq false",
    "active ne true",
    'x509Certificates eq "TUlJ"',
    'x509Certificates ne "TULJ"',
    # dateTime: instants, not texts
    'meta.created eq "2026-02-01T00:30:00.1234567+01:00"',
    'meta.created gt "2026-01-31T23:30:00.1234566Z"',
    'meta.created lt "2026-01-31T18:30:00.1234568-05:00"',
    'meta.lastModified ge "2026-02-01T00:00:00.000Z"',
    'meta.lastModified le "2026-02-01T00:00:00"',
    'meta.created ne "2026-01-31T23:30:00Z"',
    # common attributes
    f'schemas eq "{ENTERPRISE_USER}"',
    f'schemas[value eq "{USER}"]',
    'meta.resourceType eq "User"',
    'meta.version eq "W/\\"1\\""',
    'id eq "0193e5c2-aaaa-7000-8000-000000000001"',
    # several values: one is enough
    'emails eq "KIM@example.org"',
    'emails.value ew "home.example"',
    "emails.primary eq true",
    'emails[type eq "work" and value co "example.com"]',
    'emails[type eq "work"].value eq "kim@example.com"',
    'emails[not (type pr) and value ew ".org"]',
    'emails[type ne "work"]',
    'emails.type eq "work" and emails.value ew "org"',
    'groups.display eq "designers"',
    'groups eq "g1"',
    'groups.$ref ew "/g1"',
    'addresses co "street"',
    # single complex values
    f'{ENTERPRISE_USER}:manager eq "m1"',
    f'{ENTERPRISE_USER}:manager.displayName sw "l"',
    f'{ENTERPRISE_USER}:manager[value eq "m1"]',
    f'{ENTERPRISE_USER}:department eq "r&d"',
    'name[givenName eq "kim" and familyName pr]',
    # presence
    "active pr",
    "name pr",
    "emails pr",
    "emails.primary pr",
    "meta pr",
    f"{ENTERPRISE_USER} pr",
    "not (title pr) and not (nickName pr) and not (ims pr) and not (roles pr)",
    # absence
    'title ne "Boss"',
    'ims ne "x"',
    'not (title eq "Boss")',
    "title eq null and nickName eq null and ims eq null",
    "emails ne null and active ne null",
    f'{ENTERPRISE_USER}:costCenter ne "1"',
]

MISSED = [
    'externalId eq "kim-1"',
    'profileUrl sw "HTTPS"',
    "active eq true",
    'emails ne "kim@example.com"',
    'emails.type ne "home"',
    'emails[type eq "work" and value ew "org"]',
    'emails[type eq "work"].value eq "kim@home.example"',
    'emails[type eq "other"]',
    'title eq "Boss"',
    'title gt ""',
    'title co ""',
    'nickName eq "x"',
    'groups eq "G1"',
    "emails eq null",
    "title ne null",
    f'schemas eq "{USER.lower()}"',
    'meta.created gt "2026-02-01T00:30:00.1234567+01:00"',
    'x509Certificates eq "tulj"',
]

REFUSED = {
    'nope eq "x"': "nope (column 1) is no attribute of User",
    "active eq true and nope pr": "nope (column 20) is no attribute of User",
    "name.nope pr": "name.nope (column 1) is no attribute",
    "userName.value pr": "userName.value (column 1) is no attribute",
    'department eq "x"': f"write {ENTERPRISE_USER}:department",
    "urn:example:x:department pr": "urn:example:x:department (column 1) is no attribute",
    "x" * 5000 + " pr": "x… (column 1) is no attribute",
    'password eq "x"': "password (column 1) cannot be filtered",
    "password pr": "cannot be filtered",
    "password[value pr]": "cannot be filtered",
    "active gt true": "'gt' does not apply to; use one of eq, ne, pr",
    "active co true": "'co' does not apply",
    'active eq "true"': "active (column 1) is of type boolean; compare it with true or false",
    "active eq 1": "compare it with true or false",
    "active eq 1 or userName pr": "compare it with true or false",
    "userName eq 1": "userName (column 1) is of type string; compare it with a text",
    "userName ne true": "compare it with a text",
    "userName co null": "compare it with a text",
    "profileUrl eq 1": "is of type reference; compare it with a text",
    'x509Certificates co "T"': "'co' does not apply to; use one of eq, ne, pr",
    'x509Certificates lt "T"': "'lt' does not apply",
    'meta.created sw "2026"': "'sw' does not apply to; use one of eq, ne, gt, ge, lt, le, pr",
    'meta.created gt "yesterday"': "compare it with a dateTime",
    "meta.created gt 2026": "compare it with a dateTime",
    'name eq "Kim"': "name (column 1) is complex",
    'meta gt "x"': "meta (column 1) is complex",
    f'{ENTERPRISE_USER} eq "x"': "is complex",
    "emails[nope pr]": "nope (column 8) is unknown within emails; it has value, display, type,",
    "addresses[value pr]": "value (column 11) is unknown within addresses",
    "emails[value.x pr]": "value.x (column 8) is unknown within emails",
    f"emails[{USER}:value pr]": "is unknown within emails",
    "emails[primary gt true]": "'gt' does not apply",
    "schemas[nope pr]": "nope (column 9) is unknown within schemas; it has value",
    'userName[value eq "x"]': "userName (column 1) has one plain value",
    "nope[value pr]": "nope (column 1) is no attribute",
}


@pytest.mark.parametrize("text", MATCHED)
def test_a_filter_that_holds_matches(text: str) -> None:
    """The user is found, and by the negation not found."""
    assert matcher(parse_filter(text), user_type())(KIM)
    assert not matcher(parse_filter(f"not ({text})"), user_type())(KIM)


@pytest.mark.parametrize("text", MISSED)
def test_a_filter_that_does_not_hold_does_not_match(text: str) -> None:
    """The user is not found, and by the negation found."""
    assert not matcher(parse_filter(text), user_type())(KIM)
    assert matcher(parse_filter(f"not ({text})"), user_type())(KIM)


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:40]))
def test_a_filter_that_cannot_hold_is_refused_before_any_user_is_read(text: str) -> None:
    """Unknown names, operators and literals are refused with the name and what is allowed."""
    with pytest.raises(InvalidFilter) as refusal:
        matcher(parse_filter(text), user_type())
    assert REFUSED[text] in refusal.value.detail
    assert len(refusal.value.detail) < 400


def test_a_resource_type_knows_its_own_attributes_only() -> None:
    """Members are filtered on groups, where users have none."""
    group = {"displayName": "Designers", "members": [{"value": "u1"}, {"value": "u2"}]}
    for text in ('members eq "u2"', 'members[value eq "u1"]'):
        assert matcher(parse_filter(text), group_type())(group)
        with pytest.raises(InvalidFilter, match=r"members \(column 1\) is no attribute of User"):
            matcher(parse_filter(text), user_type())


def test_a_search_of_several_types_takes_what_one_of_them_has() -> None:
    """What only another type has is absent here; what none has is refused (RFC 7644 §3.4.2.1)."""
    both = [user_type(), group_type()]
    for text, found in (('members eq "u1"', False), ("not (members pr)", True)):
        assert matcher(parse_filter(text), user_type(), both)(KIM) is found
    assert matcher(parse_filter('userName sw "kim"'), user_type(), both)(KIM)
    with pytest.raises(InvalidFilter, match="nope"):
        matcher(parse_filter("nope pr"), user_type(), both)


def _staff_type() -> ResourceType:
    """Make a type with numbers, and with several values within several entries."""
    sub = {
        "scores": Attribute("scores", "integer", multi_valued=True),
        "pin": Attribute("pin", "string", returned="never"),
    }
    attributes = {
        "level": Attribute("level", "integer"),
        "rate": Attribute("rate", "decimal"),
        "tests": Attribute("tests", "complex", multi_valued=True, sub_attributes=sub),
    }
    return ResourceType("Staff", "/Staff", Schema("urn:x:y", "Staff", attributes, None), {})


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("level eq 10", True),
        ("level eq 10.0", True),
        ("level gt 9", True),
        ("level lt 9.5", False),
        ("rate ge 1.5 and rate le 1.5e0", True),
        ("rate ne 2", True),
        ("tests.scores eq 3", True),
        ("tests.scores gt 3", False),
        ("tests[scores eq 2]", True),
        ("tests[scores eq 1 and scores eq 3]", False),
    ],
)
def test_numbers_compare_as_numbers(text: str, *, matches: bool) -> None:
    """Integers and decimals compare by value, ten being more than nine."""
    staff = {"level": 10, "rate": 1.5, "tests": [{"scores": [1, 2]}, {"scores": [3]}]}
    assert matcher(parse_filter(text), _staff_type())(staff) is matches


@pytest.mark.parametrize("text", ["level co 1", 'level eq "10"', "level eq true", "tests.pin pr"])
def test_numbers_take_no_text(text: str) -> None:
    """A number has no substring and equals no text; what is never returned is not told."""
    with pytest.raises(InvalidFilter):
        matcher(parse_filter(text), _staff_type())


@pytest.mark.parametrize("odd", [None, 5, "text", {"value": "kim"}, [None, "kim", 5, []], True])
def test_values_of_a_wrong_shape_match_nothing_and_break_nothing(odd: Json) -> None:
    """What an older format stored oddly is passed over, never an exception."""
    user = {"userName": odd, "active": odd, "emails": odd, "meta": odd, ENTERPRISE_USER: odd}
    for text in (
        'userName eq "kim"',
        "active eq false",
        'emails.value eq "kim@example.com"',
        'emails[type eq "work"]',
        'meta.created gt "2026-01-01T00:00:00Z"',
        f'{ENTERPRISE_USER}:manager eq "m1"',
    ):
        assert not matcher(parse_filter(text), user_type())(user)


@pytest.mark.parametrize(
    ("text", "matching"),
    [
        ('type eq "WORK"', [0]),
        ('not (type eq "work")', [1, 2]),
        ("primary eq true", [0]),
        ("type pr", [0, 1]),
        ('value co "example" and type eq null', [2]),
        ('type eq "work" or value ew "org"', [0, 2]),
    ],
)
def test_a_value_filter_picks_entries(text: str, matching: list[int]) -> None:
    """PATCH asks the same language which entries of one attribute are meant."""
    emails = user_type().attribute("emails")
    assert emails is not None
    picks = entry_matcher(parse_filter(text), emails)
    entries = KIM["emails"]
    assert isinstance(entries, list)
    assert [place for place, entry in enumerate(entries) if picks(entry)] == matching


@pytest.mark.parametrize(
    ("text", "required"),
    [
        ('userName eq "kim"', ['userName eq "kim"']),
        ('active eq true and (title pr and id eq "1")', ["active eq true", 'id eq "1"']),
        ('emails[type eq "work"].value eq "x"', ['emails[type eq "work" and value eq "x"]']),
        ('emails[type eq "work" or value eq "x"]', []),
        ('userName eq "kim" or id eq "1"', []),
        ('not (userName eq "kim") and userName ne "lee" and title eq null', []),
        ('userName co "kim" and emails[type pr]', []),
        ('(userName eq "a" or title pr) and externalId eq "b"', ['externalId eq "b"']),
    ],
)
def test_an_index_may_serve_what_every_match_satisfies(text: str, required: list[str]) -> None:
    """Only equalities that no match can do without are named."""
    assert [format_filter(each) for each in required_equalities(parse_filter(text))] == required
