"""Whether something stands at a path, for attributes that a policy requires."""

from __future__ import annotations

from typing import Any

import pytest

from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.presence import presence
from scim.protocol.schema import ENTERPRISE_USER, USER, user_type

KIM = {
    "userName": "kim@example.com",
    "name": {"givenName": "Kim"},
    "active": False,
    "emails": [{"type": "home", "value": "k@example.com"}, {"type": "work", "display": "Kim"}],
    ENTERPRISE_USER: {"department": "Tunnels"},
}


@pytest.mark.parametrize(
    ("path", "there"),
    [
        ("userName", True),
        ("USERNAME", True),
        (f"{USER}:userName", True),
        ("displayName", False),
        ("name", True),
        ("name.givenName", True),
        ("name.familyName", False),
        ("active", True),
        ("emails", True),
        ("emails.value", True),
        ("phoneNumbers", False),
        ('emails[type eq "work"]', True),
        ('emails[type eq "other"]', False),
        ('emails[type eq "home"].value', True),
        ('emails[type eq "work"].value', False),
        ('emails[type eq "work" or type eq "home"].value', True),
        (ENTERPRISE_USER, True),
        (f"{ENTERPRISE_USER}:department", True),
        (f"{ENTERPRISE_USER}:manager", False),
        (f"{ENTERPRISE_USER}:manager.value", False),
    ],
)
def test_a_value_is_found_or_missed(path: str, *, there: bool) -> None:
    """False is a value; an entry counts only if it is the one that the filter means."""
    assert presence(path, user_type())(KIM) is there
    empty: dict[str, Any] = {}
    assert not presence(path, user_type())(empty)


@pytest.mark.parametrize(
    ("path", "error", "says"),
    [
        ("shoeSize", InvalidPath, "shoeSize is no attribute of User"),
        ("urn:acme:User:shoeSize", InvalidPath, "no attribute"),
        ("name.shoeSize", InvalidPath, "no attribute"),
        ("password", InvalidPath, "never kept"),
        ("groups", InvalidPath, "read-only"),
        ("groups.value", InvalidPath, "read-only"),
        ("meta.created", InvalidPath, "read-only"),
        ("emails[", InvalidPath, "Column 8"),
        ('emails[shoe eq "a"].value', InvalidFilter, "shoe"),
        ('userName[value eq "a"]', InvalidFilter, "userName"),
    ],
)
def test_a_place_that_nobody_can_fill_is_refused(
    path: str, error: type[Exception], says: str
) -> None:
    """The error says why it cannot be required."""
    with pytest.raises(error, match=says.replace(".", r"\.")):
        presence(path, user_type())
