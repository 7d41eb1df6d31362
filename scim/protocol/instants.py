"""dateTime values as points in time (RFC 7643 §2.3.5)."""

from __future__ import annotations

import re
from datetime import date
from typing import Final

_DATE_TIME: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):([0-5]\d):([0-5]\d)(?:\.(\d{1,9}))?"
    r"(?:Z|([+-])(0\d|1[0-4]):([0-5]\d))?",
    re.ASCII | re.IGNORECASE,
)


def instant(text: str) -> int | None:
    """Return the nanoseconds since the year 1; None when the text is no dateTime.

    Integers, because seven fraction digits are more than a datetime holds. A time without an
    offset is UTC.
    """
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    fraction, sign, offset_hours, offset_minutes = found.groups()[6:]
    try:
        days = date(year, month, day).toordinal()
    except ValueError:
        return None
    seconds = days * 86_400 + hour * 3600 + minute * 60 + second
    if sign is not None:
        offset = int(offset_hours) * 3600 + int(offset_minutes) * 60
        seconds += offset if sign == "-" else -offset
    return seconds * 1_000_000_000 + int((fraction or "").ljust(9, "0"))
