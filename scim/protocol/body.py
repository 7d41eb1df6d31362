"""Request bodies: JSON read strictly; an error says where it fails and what to send."""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

from scim.protocol.errors import InvalidSyntax
from scim.protocol.schema import Json

MAX_DEPTH: Final = 254  # objects and lists within each other; what orjson writes again

_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"
_QUOTED: Final = 100  # characters of a name that an error repeats


def read_object(raw: bytes) -> Json:
    """Return the body as a JSON object. Raises InvalidSyntax."""
    document = read_json(raw)
    if type(document) is not dict:
        raise InvalidSyntax('The body is JSON but no object; send an object: {"schemas": [...]}.')
    return document


def read_json(raw: bytes) -> Json:
    """Return the body as JSON.

    A byte order mark is passed over. An integer beyond 64 bits comes as a float. Raises
    InvalidSyntax for all that is not JSON in UTF-8, for lone surrogates, for nesting deeper than
    MAX_DEPTH, and for a name given twice in one object: letter case does not tell names apart
    (RFC 7643 §2.1), and which of two values is meant cannot be known.
    """
    raw = raw.removeprefix(_BYTE_ORDER_MARK)
    if not raw.strip():
        raise InvalidSyntax("The body is empty; send a JSON object in UTF-8.")
    try:
        document = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise _not_json(raw, error) from None
    if _may_repeat_names(raw):
        json.loads(raw, object_pairs_hook=_refuse_repeated, parse_int=str, parse_float=str)
    return document


def _not_json(raw: bytes, error: orjson.JSONDecodeError) -> InvalidSyntax:
    try:
        raw.decode()
    except UnicodeDecodeError as undecodable:
        return InvalidSyntax(
            f"The body is not UTF-8 at byte {undecodable.start + 1}; send JSON in UTF-8."
        )
    return InvalidSyntax(
        f"The body is not JSON at line {error.lineno}, column {error.colno} ({error.msg}); "
        "send a JSON object in UTF-8."
    )


def _may_repeat_names(raw: bytes) -> bool:
    """Tell in a few microseconds that no name is repeated, which a slower reading would find.

    In lower case repeated names become one when the body is read, and written again it has fewer
    colons; those inside strings count the same both times, unless written as escapes.
    """
    try:
        written = orjson.dumps(orjson.loads(raw.lower()))
    except orjson.JSONEncodeError:
        raise InvalidSyntax(
            f"The body is nested deeper than {MAX_DEPTH} objects and lists."
        ) from None
    return raw.count(b":") != written.count(b":") or b"\\u00" in raw


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name.lower() in seen:
            raise InvalidSyntax(
                f"The body has the name {name[:_QUOTED]!r} twice in one object, letter case aside; "
                "send each name once."
            )
        seen.add(name.lower())
