"""Promises of written filters and paths."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from scim.protocol.filter import Filter, Path
from scim.protocol.filter_parser import parse_filter, parse_path
from scim.protocol.filter_text import format_filter, format_path
from tests.protocol.filter_trees import filters, paths


@settings(deadline=None)
@given(filters)
def test_a_written_filter_is_read_as_the_same_tree(tree: Filter) -> None:
    """Writing loses nothing: not the nesting, not the precedence, not a character of a value."""
    text = format_filter(tree)
    read = parse_filter(text)
    assert read == tree
    assert format_filter(read) == text  # true and 1 are equal in Python, but not here


@settings(deadline=None)
@given(paths)
def test_a_written_path_is_read_as_the_same_path(path: Path) -> None:
    """Writing loses nothing of a PATCH path either."""
    assert parse_path(format_path(path)) == path


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ('  userName  EQ "k\\u0069m" ', 'userName eq "kim"'),
        ("((a pr)) AND (b pr OR c pr)", "a pr and (b pr or c pr)"),
        ("(a pr and b pr) or c pr", "a pr and b pr or c pr"),
        ("not(a pr)", "not (a pr)"),
        ('a[b eq "x"].c gt 1.50', 'a[b eq "x" and c gt 1.5]'),
        ("a eq TRUE", "a eq true"),
        ("a ne Null", "a ne null"),
    ],
)
def test_filters_are_written_in_one_form(text: str, written: str) -> None:
    """Lower-case operators, single spaces, parentheses only where the tree needs them."""
    assert format_filter(parse_filter(text)) == written
