"""Filters and paths as scim2-models reads them, and where we part from it."""

from __future__ import annotations

from hypothesis import given, settings
from scim2_models import Path as TheirPath
from scim2_models import ScimFilter
from scim2_models.exceptions import SCIMException
from scim2_models.path import expressions as theirs

from scim.protocol.errors import InvalidFilter, InvalidPath
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, Path, ValuePath
from scim.protocol.filter_parser import parse_filter, parse_path
from scim.protocol.filter_text import format_filter, format_path
from tests.protocol.filter_trees import disorder, filters, paths

REFUSED = "refused"


def _their_name(path: theirs.AttrPath) -> AttributePath:
    return AttributePath(path.uri, path.attr, path.sub_attr)


def _their_tree(node: theirs.FilterNode) -> Filter:
    match node:
        case theirs.Comparison():
            return Comparison(_their_name(node.attr_path), node.op.value, node.value)
        case theirs.Present():
            return Comparison(_their_name(node.attr_path), "pr", None)
        case theirs.ValuePath():
            return ValuePath(_their_name(node.attr_path), _their_tree(node.val_filter))
        case theirs.Not():
            return Not(_their_tree(node.expr))
        case theirs.LogicalExpr():
            branches = tuple(map(_their_tree, node.terms))
            return And(branches) if node.op is theirs.LogicalOperator.and_ else Or(branches)
    raise AssertionError(node)


def _their_filter(text: str) -> Filter | str:
    try:
        return _their_tree(ScimFilter(text).ast)
    except SCIMException:
        return REFUSED


def _our_filter(text: str) -> Filter | str:
    try:
        return parse_filter(text)
    except InvalidFilter:
        return REFUSED


def _their_path(text: str) -> Path | str:
    try:
        node = TheirPath(text).ast
    except SCIMException:
        return REFUSED
    if isinstance(node, theirs.AttrPath):
        name = _their_name(node)
        return Path(name.urn, name.name, None, name.sub)
    if not isinstance(node, theirs.ValuePath):
        return REFUSED  # see test_a_comparison_is_no_path
    name = _their_name(node.attr_path)
    return Path(name.urn, name.name, _their_tree(node.val_filter), node.sub_attr)


def _our_path(text: str) -> Path | str:
    try:
        path = parse_path(text)
    except InvalidPath:
        return REFUSED
    if path.name is None and path.urn is not None:
        # Theirs keeps a bare URN as a name until it is resolved.
        urn, _, name = path.urn.rpartition(":")
        return Path(urn, name)
    return path


@settings(deadline=None)
@given(disorder | filters.map(format_filter))
def test_filters_are_read_alike(text: str) -> None:
    """Both read the same filters, and the same tree from each."""
    assert _our_filter(text) == _their_filter(text)


@settings(deadline=None)
@given(disorder | paths.map(format_path))
def test_paths_are_read_alike(text: str) -> None:
    """Both read the same paths, and the same target from each."""
    assert _our_path(text) == _their_path(text)


def test_lone_surrogates_are_refused_by_us_alone() -> None:
    """No JSON answer could hold such a text, so nothing stored can equal it."""
    text = r'userName eq "\ud800"'
    assert (_our_filter(text), isinstance(_their_filter(text), Comparison)) == (REFUSED, True)


def test_a_word_may_not_touch_a_number_here() -> None:
    """`1or` is a slip, which we report; theirs takes it for `1 or`."""
    text = "a eq 1or b pr"
    assert (_our_filter(text), isinstance(_their_filter(text), Or)) == (REFUSED, True)


def test_more_urns_name_a_schema_here() -> None:
    """RFC 8141 allows more characters, and namespaces are not ours to check; theirs is stricter."""
    for text in ("urn:example:a%20b:name pr", "urn:example:a+b~c:name pr"):
        assert (isinstance(_our_filter(text), Comparison), _their_filter(text)) == (True, REFUSED)
    for text in ("urn:x:name", "urn:example:a%20b:name"):
        assert (isinstance(_our_path(text), Path), _their_path(text)) == (True, REFUSED)


def test_a_comparison_is_no_path() -> None:
    """An erratum reads `emails.type eq "work"` as a filtered path; no client sends it."""
    for text in ('emails.type eq "work"', "emails.type pr"):
        assert _our_path(text) == REFUSED
        assert isinstance(TheirPath(text).ast, theirs.Comparison | theirs.Present)


def test_an_empty_path_is_no_path() -> None:
    """Theirs is the resource itself, which RFC 7644 §3.5.2 says by leaving the path out."""
    assert _our_path("") == REFUSED
    assert TheirPath("").ast is None
