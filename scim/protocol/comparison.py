"""One comparison of one value, by the type of its attribute (RFC 7644 §3.4.2.2)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Final

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import Comparison
from scim.protocol.folding import fold
from scim.protocol.instants import instant
from scim.protocol.schema import Attribute, Json

Test = Callable[[Json], bool]

_EQUALITY: Final[Mapping[str, Callable[[Json, Json], bool]]] = {"eq": operator.eq}
_ORDER: Final[Mapping[str, Callable[[Json, Json], bool]]] = {
    **_EQUALITY,
    "gt": operator.gt,
    "ge": operator.ge,
    "lt": operator.lt,
    "le": operator.le,
}
_TEXT: Final[Mapping[str, Callable[[Json, Json], bool]]] = {
    **_ORDER,
    "co": operator.contains,
    "sw": str.startswith,
    "ew": str.endswith,
}


def _text(value: Json) -> str | None:
    return value if isinstance(value, str) else None


def _folded(value: Json) -> str | None:
    return fold(value) if isinstance(value, str) else None


def _boolean(value: Json) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: Json) -> int | float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _instant(value: Json) -> int | None:
    return instant(value) if isinstance(value, str) else None


# By type: the operators that apply, how values become comparable, and what a literal has to be.
_TYPES: Final[Mapping[str, tuple[Mapping[str, Json], Callable[[Json], Json], str]]] = {
    "string": (_TEXT, _folded, "a text in double quotes"),
    "reference": (_TEXT, _folded, "a text in double quotes"),
    "boolean": (_EQUALITY, _boolean, "true or false, without quotes"),
    "integer": (_ORDER, _number, "a number"),
    "decimal": (_ORDER, _number, "a number"),
    "dateTime": (_ORDER, _instant, 'a dateTime as in "2026-01-31T12:00:00Z"'),
    "binary": (_EQUALITY, _text, "a base64 text in double quotes"),
}


def comparable(attribute: Attribute) -> Callable[[Json], Json]:
    """Return what makes values of the attribute comparable; None for a value of another type."""
    _, convert, _ = _TYPES[attribute.type]
    return _text if convert is _folded and attribute.case_exact else convert


def value_test(comparison: Comparison, attribute: Attribute, named: str) -> Test:
    """Return the test that one value has to pass; for `ne` the one of `eq`, which its user negates.

    Raises InvalidFilter for an operator or literal that the type does not take; `named` is the
    attribute in the client's words.
    """
    operators, _, literal = _TYPES[attribute.type]
    convert = comparable(attribute)
    compare = operators.get("eq" if comparison.operator == "ne" else comparison.operator)
    if compare is None:
        allowed = ", ".join(("eq", "ne", *(each for each in operators if each != "eq"), "pr"))
        raise InvalidFilter(
            f"{named} is of type {attribute.type}, which '{comparison.operator}' does not "
            f"apply to; use one of {allowed}."
        )
    wanted = convert(comparison.value)
    if wanted is None:
        raise InvalidFilter(f"{named} is of type {attribute.type}; compare it with {literal}.")

    def test(value: Json) -> bool:
        have = convert(value)
        return have is not None and compare(have, wanted)

    return test
