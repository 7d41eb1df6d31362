"""Filters and paths for property tests: trees as the grammar allows them, and words in disorder."""

from __future__ import annotations

from hypothesis import strategies as st

from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, Path, ValuePath
from scim.protocol.schema import ENTERPRISE_USER, USER

_NAMES = st.sampled_from(["userName", "emails", "$ref", "x-y_1", "not", "and", "or", "eq", "true"])
_URNS = st.sampled_from([USER, ENTERPRISE_USER, "urn:example:hr_1:2.0:Staff", "URN:a:b"])
_TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
_NUMBERS = st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = _TEXTS | _NUMBERS | st.booleans() | st.none()

_OPERATORS = st.sampled_from(["eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le"])
# `not` alone at the beginning of a term is the operator.
_TERM_NAMES = _NAMES.filter(lambda name: name != "not")


def _attributes(subs: st.SearchStrategy[str | None]) -> st.SearchStrategy[AttributePath]:
    return st.builds(AttributePath, st.none() | _URNS, _TERM_NAMES, subs)


_COMPARISONS = st.builds(
    Comparison, _attributes(st.none() | _NAMES), _OPERATORS, _VALUES
) | st.builds(Comparison, _attributes(st.none() | _NAMES), st.just("pr"), st.none())


def _joined(leaves: st.SearchStrategy[Filter]) -> st.SearchStrategy[Filter]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(And, st.lists(inner, min_size=2, max_size=3).map(tuple))
            | st.builds(Or, st.lists(inner, min_size=2, max_size=3).map(tuple))
            | st.builds(Not, inner)
        ),
        max_leaves=5,
    )


_WITHIN = _joined(_COMPARISONS)

filters: st.SearchStrategy[Filter] = _joined(
    _COMPARISONS | st.builds(ValuePath, _attributes(st.none()), _WITHIN)
)

paths: st.SearchStrategy[Path] = (
    st.builds(Path, st.none() | _URNS, _NAMES, st.none(), st.none() | _NAMES)
    | st.builds(Path, st.none() | _URNS, _NAMES, _WITHIN, st.none() | _NAMES)
    | st.builds(Path, st.sampled_from([USER, ENTERPRISE_USER]), st.none())
)

_WORDS = (
    *(
        "userName",
        "emails",
        "name.givenName",
        "$ref",
        "a.b",
        "a-b",
        "_a",
        "$a",
        "é",
        "never",
        "prx",
    ),
    *("urn:ietf:params:scim:schemas:core:2.0:User:name", "URN:ab:c:d.e", "2.0"),
    *("and", "or", "NOT", "eq", "NE", "pr", "gt"),
    *("(", ")", "[", "]", ".", ":", ",", '"'),
    *("true", "FALSE", "null", "kim", "'x'"),
    *('"x"', '"ä"', '"\\u00e4"', '"\\ud83d\\ude00"', '"a\\"b"', '""'),
    *("1", "-1.5", "01", "1e5", "1.", "--1", "+1", "1x"),
)

disorder: st.SearchStrategy[str] = st.builds(
    lambda words, space: space.join(words),
    st.lists(st.sampled_from(_WORDS), min_size=1, max_size=9),
    st.sampled_from(["", " ", "\t", "  "]),
)
