"""Where the quirks stop: what is ambiguous or junk is left to be refused."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scim import dialects
from scim.dialects.ping import quote_literals
from scim.protocol.errors import InvalidFilter, InvalidValue
from scim.protocol.filter_parser import MAX_LENGTH, parse_filter, parse_path
from scim.protocol.matching import entry_matcher
from scim.protocol.patch import PATCH_OP
from scim.protocol.schema import ENTERPRISE_USER, USER, Json, group_type, user_type


def patched(*operations: Json, kind: Any = None) -> tuple[Json, list[str]]:
    """Return the standard operations of a message, and what fired."""
    fired: list[str] = []
    message = {"schemas": [PATCH_OP], "Operations": list(operations)}
    return dialects.standard_patch(message, kind or user_type(), fired)["Operations"], fired


@pytest.mark.parametrize("word", ["maybe", "yes", "1", "", " true", "falsch", 1, 0])
def test_only_two_words_are_booleans(word: Json) -> None:
    """What is neither true nor false in any case stays, to be refused."""
    operation = {"op": "replace", "path": "active", "value": word}
    assert patched(operation) == ([operation], [])


@pytest.mark.parametrize("value", [30415.0, 1.5, True, {"value": 5}, [1, 2]])
def test_only_whole_numbers_are_spelled(value: Json) -> None:
    """What has several spellings, or is no number, does not become text."""
    body = {"schemas": [USER], "userName": "kim", "title": value}
    fired: list[str] = []
    assert dialects.standard_resource(body, user_type(), fired) is body
    assert fired == []


@pytest.mark.parametrize("entry", [None, 5, True, {}, {"$ref": None}, {"value": 5}, []])
@pytest.mark.parametrize("path", ["members", "MEMBERS"])
def test_remove_of_unnamed_entries_is_refused(path: str, entry: Json) -> None:
    """A listed entry that names nothing is refused: it must not take the whole list along."""
    with pytest.raises(InvalidValue, match="members: name each entry"):
        patched({"op": "Remove", "path": path, "value": [entry]}, kind=group_type())


def test_remove_of_a_sub_attribute_with_values_is_refused() -> None:
    """Values beside `members.value` may mean some members: it must not be all of them."""
    operation = {"op": "remove", "path": "members.value", "value": ["usr-7f3a"]}
    with pytest.raises(InvalidValue, match="members: name each entry"):
        patched(operation, kind=group_type())


def test_remove_that_lists_nothing_matches_nothing() -> None:
    """The filter that stands for an empty list matches no entry."""
    [operation], _ = patched({"op": "remove", "path": "members", "value": []}, kind=group_type())
    path = parse_path(operation["path"])
    members = group_type().attribute("members")
    assert members
    assert path.entries
    matches = entry_matcher(path.entries, members)
    assert not any(map(matches, [{"value": "usr-7f3a"}, {"display": "Kim"}]))


def test_remove_without_value_removes_all() -> None:
    """Without a value, `remove` of a list is what the RFC says."""
    operation = {"op": "remove", "path": "members"}
    assert patched(operation, kind=group_type()) == ([operation], [])


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "upsert", "path": "title", "value": "x"},
        {"op": 5, "path": 6, "value": 7},
        {"op": "replace", "path": "a[", "value": "x"},
        {"op": "replace", "path": "emails[type is work].value", "value": "x"},
        {"op": "replace", "path": "urn:example:2.0:Other:active", "value": "True"},
        {"op": "replace", "path": "fooBar", "value": ["x"]},
        {"op": "replace", "value": {"fooBar": "x", "foo.bar": 1, f"{ENTERPRISE_USER}:foo": 2}},
        {"op": "remove"},
        {"op": "remove", "path": "a["},
        {"op": "remove", "value": {"title": None}},
        "junk",
        None,
        [],
    ],
    ids=str,
)
def test_unknown_and_junk_pass_as_they_came(operation: Json) -> None:
    """What no quirk knows passes unchanged, to be noted or refused with a good message."""
    assert patched(operation) == ([operation], [])


def test_names_in_a_message_are_standard_in_any_case() -> None:
    """`Op`, `PATH` and a null path are standard, and no quirk."""
    sent = [{"OP": "add", "Path": None, "vaLue": {"title": "x"}, "name": "addTitle"}]
    assert patched(*sent) == ([{"op": "add", "value": {"title": "x"}, "name": "addTitle"}], [])


@pytest.mark.parametrize(
    "text",
    [
        "userName eq Kim Larsen",
        "userName eq",
        "userName eq and",
        "userName eq and active eq true",
        "userName eq kim@example.com and",
        'userName eq "kim and title eq x',
        'userName eq "kim"x',
        "userName eq (kim)",
    ],
)
def test_ambiguous_filter_is_refused_as_sent(text: str) -> None:
    """Quotes are added only where one word stands for a value; columns are those of the text."""
    with pytest.raises(InvalidFilter) as refused:
        dialects.standard_filter(text, user_type(), [])
    with pytest.raises(InvalidFilter, match=re.escape(refused.value.detail)):
        parse_filter(text)


def test_too_long_a_filter_is_not_searched() -> None:
    """A filter beyond the parser's limit is not worked through for words to quote."""
    text = "userName eq x" + " " * MAX_LENGTH
    assert quote_literals(text) is text


@pytest.mark.parametrize(
    "text",
    [
        'userName eq "a eq b"',
        'userName eq "say \\" eq kim"',
        "active eq TRUE",
        "title eq null",
        "title pr",
        'fooBar eq 5 and foo[bar eq "True"]',
        'schemas[value eq "urn:example:a"]',
        "emails[urn:example:2.0:Other:type eq 5]",
    ],
)
def test_standard_filter_is_left_alone(text: str) -> None:
    """Text in quotes, literals and presence are standard."""
    fired: list[str] = []
    assert dialects.standard_filter(text, user_type(), fired) == parse_filter(text)
    assert fired == []


@pytest.mark.parametrize(
    "text",
    [
        'type ne "work"',
        'not (type eq "work")',
        'type eq "work" or value eq "x"',
        'type eq "work" and type eq "home"',
        'urn:example:2.0:Other:type eq "work"',
        'colour eq "red"',
        "type eq null",
        'type eq "work" and value pr',
    ],
)
def test_no_entry_is_made_up(text: str) -> None:
    """A filter that does not say what the entry holds creates none."""
    emails = user_type().attribute("emails")
    assert emails
    fired: list[str] = []
    assert dialects.new_entry(parse_filter(text), emails, fired) is None
    assert fired == []


def test_qualified_key_wins_over_the_lifted_one() -> None:
    """Of two keys that come to the same name, the one in standard spelling wins."""
    name = f"{ENTERPRISE_USER}:department"
    for value in ({"department": "A", name: "B"}, {name: "B", "department": "A"}):
        operations, _ = patched({"op": "replace", "value": value})
        assert operations == [{"op": "replace", "path": name, "value": "B"}]


def test_qualified_name_wins_over_the_lifted_one() -> None:
    """What stands in its extension wins over the same name at the top."""
    body = {
        "schemas": [USER, ENTERPRISE_USER],
        "userName": "kim",
        "department": "Bridges",
        ENTERPRISE_USER: {"Department": "Tunnels"},
    }
    standard = dialects.standard_resource(body, user_type(), [])
    assert standard[ENTERPRISE_USER] == {"Department": "Tunnels"}
    assert "department" not in standard
