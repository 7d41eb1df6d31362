"""PUT compared with that of scim2-models, and where we part from it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from scim.protocol.schema import ENTERPRISE_USER, USER, Resource
from tests.protocol.put_oracle import DEPARTURES, bodies, compare, our_outcome, their_outcome
from tests.protocol.random_users import users

KIM: Resource = {"schemas": [USER], "id": "0199", "userName": "kim", "active": True}
REFERENCE = "https://example.com/Users/a"
MANAGER = {"value": "a", "$ref": REFERENCE}

# What the body says beside the userName, and what each makes of it.
EXAMPLES: dict[str, tuple[Resource, Resource, Resource]] = {
    # Templates forget it, and nobody is to be enabled or disabled by that.
    "an omitted active stays": ({}, {"active": True}, {}),
    # Nobody can sign in here.
    "no password is kept": (
        {"active": True, "password": "a"},
        {"active": True},
        {"active": True, "password": "a"},
    ),
    # It follows from the manager's id and the public base.
    "a manager's $ref is the server's": (
        {"active": True, ENTERPRISE_USER: {"manager": MANAGER}},
        {"active": True, ENTERPRISE_USER: {"manager": {"value": "a"}}},
        {"active": True, ENTERPRISE_USER: {"manager": MANAGER}},
    ),
    # RFC 7643 §2.5 has null and []; clients clear with "" too. Entra leaves a type behind.
    "an empty text is no value, and labels alone are no entry": (
        {"active": True, "title": "", "roles": [{"type": "a", "primary": True}, {"value": "b"}]},
        {"active": True, "roles": [{"value": "b"}]},
        {"active": True, "title": "", "roles": [{"type": "a", "primary": True}, {"value": "b"}]},
    ),
}


@pytest.mark.parametrize("name", DEPARTURES)
def test_we_depart_from_scim2_models_for_a_reason(name: str) -> None:
    """Each departure is as its example shows, and explains it alone."""
    members, our, their = EXAMPLES[name]
    body: Resource = {"schemas": [USER, ENTERPRISE_USER], "userName": "kim", **members}
    outcome = their_outcome(KIM, body)
    assert our_outcome(KIM, body) == {"id": "0199", "userName": "kim", **our}
    assert outcome == {"id": "0199", "userName": "kim", **their}
    assert DEPARTURES[name](outcome, KIM, body) == our_outcome(KIM, body)


def test_a_manager_needs_no_address_here() -> None:
    """Entra sends the id alone, which theirs refuses."""
    manager = {ENTERPRISE_USER: {"manager": {"value": "a"}}}
    body: Resource = {"schemas": [USER, ENTERPRISE_USER], "userName": "kim", **manager}
    assert their_outcome(KIM, body) == "invalidValue"
    assert our_outcome(KIM, body) == {"id": "0199", "userName": "kim", "active": True, **manager}


def test_labels_alone_are_not_counted_as_primary() -> None:
    """No entry is left of either, so there is nothing to choose from; theirs refuses the two."""
    body: Resource = {"schemas": [USER], "userName": "kim", "roles": [{"primary": True}] * 2}
    assert their_outcome(KIM, body) == "invalidValue"
    assert our_outcome(KIM, body) == {"id": "0199", "userName": "kim", "active": True}


@settings(deadline=None)
@given(users(), bodies)
def test_we_agree_with_scim2_models_on_all_else(stored: Resource, body: Resource) -> None:
    """A user replaced is the same for both, or a departure explains the difference."""
    compare(stored, body)
