"""Pages of a list: what a client may ask for, and the ListResponse (RFC 7644 §3.4.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from scim.protocol.errors import InvalidValue
from scim.protocol.schema import Json, Resource

LIST_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
DEFAULT_PAGE: Final = 100  # resources, where the client names no count
MAX_PAGE: Final = 200  # resources; the installation may set up to 1 000
MAX_START: Final = 2**31 - 1  # position; beyond any directory, within every client's integer

_INTEGER: Final = re.compile(r"\s*+([+-]?)(\d+)\s*+", re.ASCII)
_DIGITS: Final = len(str(MAX_START))  # longer numbers are not converted


@dataclass(frozen=True, slots=True)
class Paging:
    """Which resources to return: `count` of them from the 1-based `start_index` on."""

    start_index: int
    count: int


def read_paging(
    start_index: Json, count: Json, *, default_count: int = DEFAULT_PAGE, max_count: int = MAX_PAGE
) -> Paging:
    """Read `startIndex` and `count`, texts of a query or integers of a SearchRequest.

    What is too small or too large is clamped (RFC 7644 §3.4.2.4). Raises InvalidValue for anything
    but an integer.
    """
    first = _integer("startIndex", start_index)
    size = _integer("count", count)
    return Paging(
        start_index=1 if first is None else min(max(first, 1), MAX_START),
        count=default_count if size is None else min(max(size, 0), max_count),
    )


def list_response(resources: list[Resource], total: int, start_index: int) -> Resource:
    """Return the ListResponse; `Resources` is there even when empty, as clients count on it."""
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": len(resources),
        "Resources": resources,
    }


def _integer(name: str, value: Json) -> int | None:
    """Return the number, None where it is absent or blank."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, str) and (found := _INTEGER.fullmatch(value)):
        sign, digits = found.groups()
        digits = digits.lstrip("0") or "0"
        number = int(digits) if len(digits) <= _DIGITS else MAX_START
        return -number if sign == "-" else number
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():  # how huge integers in JSON are read
        return int(value)
    raise InvalidValue(f"{name} has to be an integer.")
