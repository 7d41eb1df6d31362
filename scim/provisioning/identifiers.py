"""Identifiers: what ids are made of. Time and chance are arguments."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime

RandomBytes = Callable[[int], bytes]

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
_DIRECTORY_ID = re.compile("[a-z0-9-]{1,60}")
_LOWER = "0123456789abcdefghijklmnopqrstuvwxyz"


def milliseconds(moment: datetime) -> int:
    """Return the time since 1970 in whole milliseconds."""
    return int(moment.timestamp() * 1000)


def moment(milliseconds: int) -> datetime:
    """Return the time so many milliseconds after 1970."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def resource_id(now: datetime, random_bytes: RandomBytes = os.urandom) -> str:
    """Return a UUIDv7 (RFC 9562 §5.7): ids sort in the order of creation."""
    tail = int.from_bytes(random_bytes(10), "big")
    high, low = tail >> 68, tail & ((1 << 62) - 1)
    number = (milliseconds(now) << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def is_resource_id(text: str) -> bool:
    """Whether the text can be an id that we gave out."""
    return _ID.fullmatch(text) is not None


def is_directory_id(text: str) -> bool:
    """Whether the text can be the id of a directory."""
    return _DIRECTORY_ID.fullmatch(text) is not None


def created_ms(resource_id: str) -> int:
    """Return when an id was made, in milliseconds since 1970."""
    return int(resource_id[:8] + resource_id[9:13], 16)


def lower_id(length: int, random_bytes: RandomBytes = os.urandom) -> str:
    """Return random lower-case letters and digits, about 5.17 bits each."""
    number = int.from_bytes(random_bytes(length), "big")
    letters = []
    for _ in range(length):
        number, rest = divmod(number, len(_LOWER))
        letters.append(_LOWER[rest])
    return "".join(letters)
