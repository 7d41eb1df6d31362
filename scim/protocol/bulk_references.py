"""References within a bulk request: what `bulkId:` names, resolved or left out (RFC 7644 §3.7.2).

A text refers as a whole; in an address (`$ref`, the path of an operation) and in the filter of a
PATCH path, a part of it does. `name` is the key under which a value stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from scim.protocol.schema import Json

_WHOLE: Final = re.compile(r"\AbulkId:(.+)\Z", re.DOTALL)
_WITHIN: Final = re.compile(r'(?:\A|(?<=[/"]))bulkId:([^/"?#]+)')
_ADDRESSES: Final = ("$ref", "path")


def of(value: Json, name: str = "") -> Iterator[str]:
    """Yield the bulkIds that a value refers to."""
    if isinstance(value, str):
        yield from _pattern(name).findall(value)
    elif isinstance(value, list):
        for each in value:
            yield from of(each, name)
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from of(each, key)


def resolve(value: Json, ids: Mapping[str, str], name: str = "") -> Json:
    """Return the value with an id in the place of every reference."""
    if isinstance(value, str):
        return _pattern(name).sub(lambda found: ids[found[1]], value)
    if isinstance(value, list):
        return [resolve(each, ids, name) for each in value]
    if isinstance(value, dict):
        return {key: resolve(each, ids, key) for key, each in value.items()}
    return value


def split(data: Json, later: frozenset[str]) -> tuple[Json, Json]:
    """Return the data without its references to `later`, and what has to be added afterwards.

    An entry goes as a whole when its `value` refers to `later`.
    """
    rest, cut = _split(data, later, "")
    return rest, {} if cut is _NOTHING else cut


class _Nothing:
    """What is left where all was cut, and what is cut where all is left."""


_NOTHING: Final = _Nothing()


def _split(value: Json, later: frozenset[str], name: str) -> tuple[Json, Json]:
    if isinstance(value, str):
        refers = not later.isdisjoint(of(value, name))
        return (_NOTHING, value) if refers else (value, _NOTHING)
    if isinstance(value, list):
        halves = [_split(each, later, name) for each in value]
        rest = [each for each, _ in halves if each is not _NOTHING]
        return rest, [each for _, each in halves if each is not _NOTHING] or _NOTHING
    if isinstance(value, dict):
        parts = {key: _split(each, later, key) for key, each in value.items()}
        if any(key.lower() == "value" and rest is _NOTHING for key, (rest, _) in parts.items()):
            return _NOTHING, value
        left = {key: rest for key, (rest, _) in parts.items() if rest is not _NOTHING}
        return left, {
            key: cut for key, (_, cut) in parts.items() if cut is not _NOTHING
        } or _NOTHING
    return value, _NOTHING


def _pattern(name: str) -> re.Pattern[str]:
    return _WITHIN if name.lower() in _ADDRESSES else _WHOLE
