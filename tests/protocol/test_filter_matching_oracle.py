"""Users as scim2-models matches them, and where we part from it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from scim.protocol.schema import ENTERPRISE_USER, USER, Resource
from tests.protocol.matching_oracle import (
    MATCH,
    MISS,
    REFUSED,
    compare,
    conditions,
    our_answer,
    their_answer,
    users,
)


@settings(deadline=None, max_examples=400)
@given(users, conditions)
def test_users_match_alike(user: Resource, text: str) -> None:
    """Both find the same users, and refuse the same filters."""
    compare(user, text)


KIM: Resource = {
    "schemas": [USER, ENTERPRISE_USER],
    "userName": "Straße",
    "externalId": "e\u0301",
    "active": True,
    "name": {"givenName": "Kim"},
    "emails": [{"value": "kim@example.com", "type": "work"}, {"value": "kim@example.org"}],
    "roles": [],
    "addresses": [{"formatted": "Main Street 1"}],
    "meta": {"created": "2026-01-31T12:00:00Z"},
    ENTERPRISE_USER: {"manager": {"value": "m1"}},
}
MANAGER = f"{ENTERPRISE_USER}:manager"


@pytest.mark.parametrize(
    ("text", "ours", "theirs", "why"),
    [
        ("userName co 5", REFUSED, MISS, "a literal of the wrong type is a slip, not a miss"),
        ("title gt null", REFUSED, MISS, "null has no order"),
        ('meta.created sw "2026"', REFUSED, MISS, "a point in time has no beginning"),
        ('name eq "Kim"', REFUSED, MISS, "a complex attribute has no value to compare"),
        ('password eq "x"', REFUSED, MISS, "what is never returned is not told by a filter"),
        ('active eq "True"', REFUSED, MATCH, "a dialect reads Entra's word before"),
        ("active eq 1", REFUSED, MATCH, "JSON has true for that"),
        ('emails eq "kim"', MISS, REFUSED, "no text is too wrong to look for"),
        ('name[givenName eq "kim"]', MATCH, REFUSED, "a single complex value is one entry"),
        ('userName eq "STRASSE"', MATCH, MISS, "folding is Unicode's, not lower case"),
        ('addresses eq "main street 1"', MATCH, MISS, "an address without value has formatted"),
        (f'{MANAGER} eq "m1"', MATCH, MISS, "Entra asks for the manager by id"),
        ('externalId eq "é"', MISS, MATCH, "what is compared exactly is not composed"),
        (f'schemas eq "{USER.upper()}"', MISS, MATCH, "references differ by case"),
        ("emails.type eq null", MISS, MATCH, "eq null is the negation of pr"),
        ("roles.type eq null", MATCH, MISS, "what is absent has no type either"),
        (f"{ENTERPRISE_USER} pr", MATCH, REFUSED, "an extension is there or not"),
    ],
)
def test_where_we_part(text: str, ours: str, theirs: str, why: str) -> None:
    """Each known departure is meant, and is still one."""
    assert (our_answer(text, KIM), their_answer(text, KIM)) == (ours, theirs), why
