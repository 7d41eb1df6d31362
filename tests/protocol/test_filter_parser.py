"""Promises of the filter reader (RFC 7644 §3.4.2.2)."""

from __future__ import annotations

import contextlib
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol import filter_parser
from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, ValuePath
from scim.protocol.filter_parser import parse_filter
from scim.protocol.schema import ENTERPRISE_USER
from tests.protocol.filter_trees import disorder


def _compare(name: str, operator: str, value: str | float | None = None) -> Comparison:
    name, _, sub = name.partition(".")
    return Comparison(AttributePath(None, name, sub or None), operator, value)


A, B, C = (_compare(name, "pr") for name in "abc")
WORK = _compare("type", "eq", "work")
EMAILS = AttributePath(None, "emails")

ACCEPTED: dict[str, Filter] = {
    # operators, and any case of them
    'userName eq "kim"': _compare("userName", "eq", "kim"),
    'userName NE "kim"': _compare("userName", "ne", "kim"),
    'a co "x"': _compare("a", "co", "x"),
    'a Sw "x"': _compare("a", "sw", "x"),
    'a ew "x"': _compare("a", "ew", "x"),
    "a gt 1": _compare("a", "gt", 1),
    "a ge 1": _compare("a", "ge", 1),
    "a lt 1": _compare("a", "lt", 1),
    "a LE 1": _compare("a", "le", 1),
    "a PR": A,
    # literals
    "a eq True": _compare("a", "eq", value=True),
    "a eq FALSE": _compare("a", "eq", value=False),
    "a eq Null": _compare("a", "eq", None),
    "a eq -12": _compare("a", "eq", -12),
    "a eq 1.5e-3": _compare("a", "eq", 0.0015),
    'a eq ""': _compare("a", "eq", ""),
    r'a eq "\"\\\/\b\f\n\r\t"': _compare("a", "eq", '"\\/\b\f\n\r\t'),
    r'a eq "\u00e4\uD83D\ude00 ä😀"': _compare("a", "eq", "ä😀 ä😀"),
    'a eq " and b) or ["': _compare("a", "eq", " and b) or ["),
    # names
    "name.givenName pr": _compare("name.givenName", "pr"),
    "manager.$ref pr": _compare("manager.$ref", "pr"),
    "never pr": _compare("never", "pr"),
    "notes pr": _compare("notes", "pr"),
    "eq eq 1": _compare("eq", "eq", 1),
    f"{ENTERPRISE_USER}:manager.value pr": Comparison(
        AttributePath(ENTERPRISE_USER, "manager", "value"), "pr", None
    ),
    "urn:x:y-1.0:2.0:emails[a pr]": ValuePath(AttributePath("urn:x:y-1.0:2.0", "emails"), A),
    # precedence and grouping
    "a pr or b pr and c pr": Or((A, And((B, C)))),
    "a pr and b pr or c pr": Or((And((A, B)), C)),
    "(a pr or b pr) and c pr": And((Or((A, B)), C)),
    "a pr AND b pr aNd c pr": And((A, B, C)),
    "a pr and (b pr and c pr)": And((A, And((B, C)))),
    "not (a pr) and b pr": And((Not(A), B)),
    "NOT(a pr or b pr)": Not(Or((A, B))),
    "((a pr))": A,
    # value paths
    'emails[type eq "work"]': ValuePath(EMAILS, WORK),
    'emails [ not (type eq "work") or a pr ]': ValuePath(EMAILS, Or((Not(WORK), A))),
    'emails[type eq "work"].value eq "x"': ValuePath(
        EMAILS, And((WORK, _compare("value", "eq", "x")))
    ),
    'emails[type eq "work" and a pr].value pr and b pr': And(
        (ValuePath(EMAILS, And((WORK, A, _compare("value", "pr")))), B)
    ),
    'emails[type eq "work" or a pr].value pr': ValuePath(
        EMAILS, And((Or((WORK, A)), _compare("value", "pr")))
    ),
    # space where there need be none, and none where there may be some
    ' \t\n( a pr )\r and(b pr)or emails[type eq"work"]': Or((And((A, B)), ValuePath(EMAILS, WORK))),
}

REFUSED = {
    "": (1, "it ends; expected an attribute name"),
    "  ": (3, "it ends; expected an attribute name"),
    "userName": (9, "it ends; expected an operator"),
    "userName eq": (12, "it ends; expected a value"),
    "userName is 1": (10, "expected an operator"),
    "userName eq kim": (13, "double quotes"),
    "userName eq 'kim'": (13, "double quotes"),
    'userName eq "kim': (13, "double quotes"),
    'userName eq "kim" nickName pr': (19, "expected 'and', 'or' or the end"),
    'userName eq "kim")': (18, "expected 'and', 'or' or the end"),
    "userName pr and": (16, "it ends; expected an attribute name"),
    "and userName pr": (5, "expected an operator"),
    "(userName pr": (13, "it ends; expected 'and', 'or' or ')'"),
    "not userName pr": (5, "expected '(' after 'not'"),
    "emails[type pr": (15, "it ends; expected 'and', 'or' or ']'"),
    "emails[type pr)": (15, "expected 'and', 'or' or ']'"),
    "emails[]": (8, "expected an attribute name"),
    "emails[a[b pr]]": (9, "value filter within a value filter"),
    "emails[(a pr or not (b[c pr]))]": (23, "value filter within a value filter"),
    "emails.type[a pr]": (12, "not its sub-attribute"),
    "emails[a pr].1": (13, "expected 'and', 'or' or the end"),
    "a.b.c pr": (4, "a name is"),
    "urn:x:2.0: pr": (4, "a name is"),
    "1a pr": (1, "expected an attribute name"),
    "é pr": (1, "expected an attribute name"),
    "a\u00a0pr": (2, "expected an operator"),
    "a eq 01": (6, "no number as JSON"),
    "a eq 1.": (7, "no number as JSON"),
    "a eq 1x": (6, "expected a value"),
    "a eq +1": (6, "expected a value"),
    "a eq 1e999": (6, "no number as JSON"),
    "a eq " + "9" * 5000 + ".": (5006, "no number as JSON"),
    r'a eq "\x"': (7, "no string as JSON"),
    r'a eq "\u12"': (7, "no string as JSON"),
    r'a eq "\ud800"': (7, "no string as JSON"),
    r'a eq "\ude00\ud83d"': (7, "no string as JSON"),
    'a eq "\ud800"': (6, "no string as JSON"),
    'a eq "\x00"': (7, "no string as JSON"),
    'a eq "x" an b pr': (10, "expected 'and', 'or' or the end"),
    "(" * 200 + "a pr" + ")" * 200: (21, "nested deeper than 20"),
    "not(" * 200: (84, "nested deeper than 20"),
}


@pytest.mark.parametrize("text", ACCEPTED)
def test_what_the_grammar_allows_is_read(text: str) -> None:
    """Every form of the grammar gives its tree, precedence being not, and, or."""
    read = parse_filter(text)
    assert read == ACCEPTED[text]
    # True equals 1 in Python, and a filter must not confuse them.
    if isinstance(read, Comparison):
        assert type(read.value) is type(ACCEPTED[text].value)  # type: ignore[union-attr] # same type


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text[:40]))
def test_what_it_does_not_allow_is_refused_with_the_column(text: str) -> None:
    """A wrong filter is refused with the column of the fault and what was expected there."""
    column, reason = REFUSED[text]
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(text)
    assert refusal.value.detail.startswith(f"Column {column} of the filter: ")
    assert reason in refusal.value.detail


@pytest.mark.parametrize(
    "secret", ['"hunter2', "hunter2", "'hunter2'", r'"hunter2\x"', '"hunter2" x']
)
def test_a_refusal_never_repeats_a_value(secret: str) -> None:
    """What a filter compares with may be a password; the detail does not hold it."""
    with pytest.raises(InvalidFilter) as refusal:
        parse_filter(f"password eq {secret}")
    assert "hunter2" not in refusal.value.detail


def test_names_and_literals_keep_their_place_and_spelling() -> None:
    """A name knows its column, a comparison the spelling of its literal; equality ignores both."""
    read = parse_filter('title pr and emails[type eq "w\\u006frk"].value eq TRUE')
    assert isinstance(read, And)
    entries = read.branches[1]
    assert isinstance(entries, ValuePath)
    assert isinstance(entries.inner, And)
    kind, value = entries.inner.branches
    assert isinstance(kind, Comparison)
    assert isinstance(value, Comparison)
    places = [each.position for each in (entries.path, kind.path, value.path)]
    assert (places, kind.literal, value.literal) == ([14, 21, 42], '"w\\u006frk"', "TRUE")


def test_the_limits_are_where_they_are_said_to_be() -> None:
    """Length, depth and number of comparisons are accepted up to the limit and not beyond."""
    longest = 'a eq "' + "x" * (filter_parser.MAX_LENGTH - 8) + '"'
    deepest = "(" * filter_parser.MAX_DEPTH + "a pr" + ")" * filter_parser.MAX_DEPTH
    most = " or ".join(["a pr"] * filter_parser.MAX_TERMS)
    for text in (longest, deepest, most, f"{deepest} and {deepest}"):
        parse_filter(text)
    for text, limit in (
        (longest + " ", "9999"),
        (f"({deepest})", "20"),
        (f"{most} or b pr", "250"),
    ):
        with pytest.raises(InvalidFilter, match=limit):
            parse_filter(text)


@settings(deadline=None)
@given(disorder | st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text raises anything but InvalidFilter."""
    with contextlib.suppress(InvalidFilter):
        parse_filter(text)


@pytest.mark.parametrize(
    "unit",
    [
        "(",
        "not(",
        "a[",
        "a pr and ",
        "urn:a",
        ":a",
        ":1",
        "a.",
        "\\",
        '\\"',
        "9",
        "1.e",
        " ",
        "a",
        "$",
    ],
)
@pytest.mark.parametrize("beginning", ["", "urn", "urn:a:", "a eq ", 'a eq "'])
def test_hostile_texts_cost_little(beginning: str, unit: str) -> None:
    """The longest repetitions are decided in a fraction of a second: nothing is quadratic."""
    text = (beginning + unit * filter_parser.MAX_LENGTH)[: filter_parser.MAX_LENGTH - 1]
    started = time.process_time()
    with contextlib.suppress(InvalidFilter):
        parse_filter(text)
    assert time.process_time() - started < 0.2
