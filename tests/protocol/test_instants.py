"""Promises of dateTime values as points in time."""

from __future__ import annotations

import pytest

from scim.protocol.instants import instant


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.0000000Z"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00"),
        ("2026-01-31T12:00:00.5Z", "2026-01-31t12:00:00.500000000z"),
        ("2024-03-01T00:15:00Z", "2024-02-29T23:45:00-00:30"),
    ],
)
def test_one_instant_may_be_written_in_many_ways(one: str, other: str) -> None:
    """Offset and trailing zeros do not count; a time without an offset is UTC."""
    assert instant(one) == instant(other)
    assert instant(one) is not None


def test_instants_are_in_order_to_the_seventh_digit_and_beyond_the_calendar() -> None:
    """Later is greater, by 100 ns, across offsets, and where the first and last year end."""
    texts = [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00Z",
        "2026-01-31T12:00:00.1234566Z",
        "2026-01-31T11:00:00.1234567-01:00",
        "2026-01-31T12:00:00.12345671Z",
        "2026-01-31T12:00:01Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59-14:00",
    ]
    instants = [each for each in map(instant, texts) if each is not None]
    assert len(instants) == len(texts)
    assert instants == sorted(set(instants))


@pytest.mark.parametrize(
    "text",
    [
        *("", "2026", "2026-01-31", "2026-01-31 12:00:00Z", "26-01-31T12:00:00Z"),
        *("2026-02-30T12:00:00Z", "2026-13-01T12:00:00Z", "0000-01-01T00:00:00Z"),
        *("2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:60Z"),
        *("2026-01-31T12:00:00.Z", "2026-01-31T12:00:00.0123456789Z", "2026-01-31T12:00:00+15:00"),
        *("2026-01-31T12:00:00+1:00", "2026-01-31T12:00:00ZZ", "202\uff16-01-31T12:00:00Z"),
    ],
)
def test_anything_else_is_no_instant(text: str) -> None:
    """Half a date, a day that never was, and a time that no clock shows."""
    assert instant(text) is None
