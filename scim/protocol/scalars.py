"""What a plain value of each type looks like (RFC 7643 §2.3); read exactly, never converted."""

from __future__ import annotations

import binascii
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Final

from scim.protocol.instants import instant
from scim.protocol.schema import Json

_INTEGER_LIMIT: Final = 2**63  # beyond, other readers of JSON lose digits, and so does orjson

_KINDS: Final[Mapping[type, str]] = {
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    list: "a list",
    dict: "an object",
    type(None): "null",
}


def kind(value: Json) -> str:
    """Return what a JSON value is, in words."""
    return _KINDS[type(value)]


def _string(value: Json) -> str | None:
    if type(value) is not str:
        return f"must be a string, not {kind(value)}"
    return "must not contain the character NUL" if "\0" in value else None


def _boolean(value: Json) -> str | None:
    return None if type(value) is bool else f"must be true or false, not {kind(value)}"


def _integer(value: Json) -> str | None:
    if type(value) is float and value.is_integer() and abs(value) >= _INTEGER_LIMIT:
        return "must fit 64 bits"
    if type(value) is not int:
        return (
            f"must be an integer, not {kind(value) if type(value) is not float else 'a fraction'}"
        )
    return None if -_INTEGER_LIMIT <= value < _INTEGER_LIMIT else "must fit 64 bits"


def _decimal(value: Json) -> str | None:
    if type(value) not in (int, float):
        return f"must be a number, not {kind(value)}"
    return None if -_INTEGER_LIMIT <= value < _INTEGER_LIMIT else "must fit 64 bits"


def _date_time(value: Json) -> str | None:
    wrong = _string(value)
    if wrong is None and value and instant(value) is None:
        return "must be a date and time as 2026-01-31T08:00:00Z"
    return wrong


def _binary(value: Json) -> str | None:
    wrong = _string(value)
    if wrong is None:
        try:
            b64decode(value, validate=True)
        except (binascii.Error, ValueError):
            return "must be base64 (RFC 4648 §4), padded and without line breaks"
    return wrong


# By type: what is wrong with a value, in words to follow its path; None when it is right. The empty
# string is right for every type whose values are strings.
COMPLAINTS: Final[Mapping[str, Callable[[Json], str | None]]] = {
    "string": _string,
    "reference": _string,
    "boolean": _boolean,
    "integer": _integer,
    "decimal": _decimal,
    "dateTime": _date_time,
    "binary": _binary,
}
