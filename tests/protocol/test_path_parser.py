"""Promises of the PATCH path reader (RFC 7644 §3.5.2)."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import InvalidPath
from scim.protocol.filter import And, AttributePath, Comparison, Path
from scim.protocol.filter_parser import parse_path
from scim.protocol.schema import ENTERPRISE_USER, USER, user_type
from tests.protocol.filter_trees import disorder

WORK = Comparison(AttributePath(None, "type"), "eq", "work")
PRIMARY = Comparison(AttributePath(None, "primary"), "eq", value=True)

ACCEPTED = {
    "userName": Path(None, "userName"),
    " name.familyName ": Path(None, "name", None, "familyName"),
    "members.$ref": Path(None, "members", None, "$ref"),
    'emails[type eq "work"]': Path(None, "emails", WORK),
    'emails[type eq "work"].value': Path(None, "emails", WORK, "value"),
    'emails [ type eq "work" and primary eq True ].value ': Path(
        None, "emails", And((WORK, PRIMARY)), "value"
    ),
    ENTERPRISE_USER: Path(ENTERPRISE_USER, None),
    f" {ENTERPRISE_USER} ": Path(ENTERPRISE_USER, None),
    "urn:example:a%20~b+c:x": Path("urn:example:a%20~b+c", "x"),
    USER: Path(USER, None),
    "URN:a:1:b": Path("URN:a:1:b", None),
    f"{ENTERPRISE_USER}:department": Path(ENTERPRISE_USER, "department"),
    f"{ENTERPRISE_USER}:manager.value": Path(ENTERPRISE_USER, "manager", None, "value"),
    f'{USER}:emails[type eq "work"].value': Path(USER, "emails", WORK, "value"),
    "urn:example:hr:badge": Path("urn:example:hr", "badge"),
}

REFUSED = {
    "": (1, "it ends; expected an attribute name"),
    ".userName": (1, "expected an attribute name"),
    "user name": (6, "expected '['"),
    "name.": (5, "a name is"),
    "name.a.b": (7, "a name is"),
    "emails[": (8, "it ends; expected an attribute name"),
    "emails[]": (8, "expected an attribute name"),
    'emails[type eq "work"': (22, "it ends; expected 'and', 'or' or ']'"),
    'emails[type eq "work"]value': (23, "expected '['"),
    'emails[type eq "work"].': (23, "expected '['"),
    'emails[type eq "work"].a.b': (25, "expected '['"),
    'emails[type eq "work"][a pr]': (23, "expected '['"),
    "emails[type eq work]": (16, "double quotes"),
    "emails.type[a pr]": (12, "not its sub-attribute"),
    "emails[a[b pr]]": (9, "value filter within a value filter"),
    'emails.type eq "work"': (13, "expected '['"),
    f"{USER}:": (len(USER) + 1, "a name is"),
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_every_form_of_a_path_is_read(text: str) -> None:
    """Attribute, sub-attribute, filtered entries, all of them qualified, and a bare URN."""
    assert parse_path(text) == ACCEPTED[text]


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:40]))
def test_anything_else_is_refused_with_the_column(text: str) -> None:
    """A wrong path is refused with the column of the fault, every time it is sent."""
    column, reason = REFUSED[text]
    for _ in range(2):  # a refusal is not remembered as an answer
        with pytest.raises(InvalidPath) as refusal:
            parse_path(text)
        assert refusal.value.detail.startswith(f"Column {column} of the path: ")
        assert reason in refusal.value.detail


def test_a_bare_urn_without_version_still_means_the_extension() -> None:
    """What the reader takes for a name resolves to the extension of that URN."""
    path = parse_path(ENTERPRISE_USER.replace(":2.0", ":v2"))
    assert path == Path(ENTERPRISE_USER.replace(":2.0:User", ":v2"), "User")
    urn, _, name = ENTERPRISE_USER.rpartition(":")
    found = user_type().reference(urn.upper(), name, None)
    assert found is not None
    assert (found.extension, found.attribute) == (
        user_type().extensions[ENTERPRISE_USER.lower()],
        None,
    )
    assert user_type().reference(urn, name, "value") is None


def test_a_path_has_the_limits_of_a_filter() -> None:
    """Long and deep paths are refused, whatever stands in them."""
    for text, limit in (("a" * 10_000, "9999"), (f"a[{'(' * 20}b pr", "20")):
        with pytest.raises(InvalidPath, match=limit):
            parse_path(text)


@settings(deadline=None)
@given(disorder | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises anything but InvalidPath."""
    with contextlib.suppress(InvalidPath):
        parse_path(text)
