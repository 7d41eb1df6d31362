"""What holds for any JSON."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scim import dialects
from scim.protocol.errors import InvalidFilter, InvalidValue, ScimError
from scim.protocol.filter_text import format_filter
from scim.protocol.resource import read_resource, with_schemas
from scim.protocol.schema import (
    ENTERPRISE_USER,
    GROUP,
    USER,
    Json,
    Resource,
    group_type,
    user_type,
)

SEEN = st.sampled_from(
    [
        *("true", "False", "", "usr-7f3a", '{"value":"Editor","displayName":"E"}', "{", "\ud800"),
        *("Add", "remove", "REPLACE", USER, ENTERPRISE_USER, "Users/usr-7f3a"),
    ]
)
NAMES = st.sampled_from(
    [
        *("schemas", "userName", "active", "name", "emails", "Roles", "members", "manager"),
        *("value", "managerId", "displayName", "display", "$ref", "type", "primary", "department"),
        *("name.givenName", "emails.value", 'emails[type eq "work"].value', "a[", "roles[", "."),
        *("members[value eq usr-7f3a]", 'roles[primary eq "True"].value', "x.y.z", ":", "urn:a:b"),
        *(ENTERPRISE_USER, f"{ENTERPRISE_USER}:manager", f"{ENTERPRISE_USER}.department"),
        *(f"{ENTERPRISE_USER}:manager[value eq 5]", f"{USER}:title", GROUP, "addresses", "groups"),
    ]
)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | SEEN | st.text()
ANY = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=5), inner, max_size=5)
    ),
    max_leaves=12,
)
OPERATIONS = st.lists(
    st.fixed_dictionaries(
        {"op": SEEN}, optional={"path": NAMES | st.text(max_size=5), "value": ANY}
    )
    | ANY,
    max_size=4,
)
MESSAGES = ANY | st.fixed_dictionaries({"Operations": OPERATIONS | ANY}, optional={"schemas": ANY})
WORDS = SEEN | NAMES | st.sampled_from(["eq", "eq", "ne", "and", "(", ")", "5", "1e5", '"True"'])
TYPES = st.sampled_from([user_type(), group_type()])
Standard = Callable[[Json, Any, list[str]], Json]


@pytest.mark.parametrize(
    ("standard", "requests"),
    [
        (dialects.standard_resource, ANY | st.dictionaries(NAMES, ANY, max_size=6)),
        (dialects.standard_patch, MESSAGES),
    ],
    ids=["resource", "patch"],
)
@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_any_json_passes_or_is_refused(
    standard: Standard, requests: st.SearchStrategy[Json], data: st.DataObject
) -> None:
    """Any JSON passes, unchanged where nothing fires, or is refused; its argument never changes."""
    request, kind = data.draw(requests), data.draw(TYPES)
    before = deepcopy(request)
    fired: list[str] = []
    try:
        result = standard(request, kind, fired)
    except InvalidValue:
        result = None
        fired.append("refused")
    assert request == before
    assert fired or result == request


WRITTEN = st.dictionaries(
    st.sampled_from(["roles", "emails", "manager", "addresses", "title", ENTERPRISE_USER]),
    st.recursive(
        SEEN,
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(body=WRITTEN)
@example({"roles": [{"value": ['{"value":"Editor"}']}]})
def test_nothing_fires_for_what_was_stored(body: Resource) -> None:
    """A client can send back what it read: it is standard, whatever the client sent before."""
    kind, fired = user_type(), list[str]()
    standard = dialects.standard_resource({"userName": "kim", **body}, kind, [])
    with contextlib.suppress(ScimError):
        stored = with_schemas(read_resource(standard, kind, []), kind)
        assert dialects.standard_resource(stored, kind, fired) == stored
        assert fired == []


@settings(max_examples=300, deadline=None)
@given(text=st.text() | st.lists(WORDS, min_size=3, max_size=8))
def test_any_filter_is_read_or_refused(text: str | list[str]) -> None:
    """Any text is refused as InvalidFilter or becomes a filter in which nothing fires again."""
    sent = text if isinstance(text, str) else " ".join(text)
    try:
        standard = dialects.standard_filter(sent, user_type(), [])
    except InvalidFilter:
        return
    fired: list[str] = []
    assert dialects.standard_filter(format_filter(standard), user_type(), fired) == standard
    assert fired == []
