"""Promises of paging and of the ListResponse (RFC 7644 §3.4.2)."""

from __future__ import annotations

import time

import pytest

from scim.protocol.errors import InvalidValue
from scim.protocol.lists import MAX_START, Paging, list_response, read_paging
from scim.protocol.schema import Json


@pytest.mark.parametrize(
    ("sent", "start"),
    [
        *((None, 1), ("", 1), (" ", 1), ("1", 1), ("0", 1), ("-7", 1), ("7", 7), ("007", 7)),
        *(("+7", 7), (" 7", 7), ("7 ", 7), ("0" * 5000 + "7", 7), (7, 7), (0, 1), (-7, 1)),
        *(("9" * 5000, MAX_START), ("-" + "9" * 5000, 1), (10**40, MAX_START), (1e40, MAX_START)),
    ],
    ids=lambda sent: ascii(sent)[:20],
)
def test_start_index_is_clamped_to_a_position(sent: Json, start: int) -> None:
    """Absent, blank and below one is one; a plus, decoded to a space, does no harm."""
    assert read_paging(sent, None, default_count=100, max_count=200) == Paging(start, 100)


@pytest.mark.parametrize(
    ("sent", "count"),
    [
        *((None, 100), ("", 100), ("0", 0), (0, 0), ("-1", 0), (-5, 0), ("1", 1), (150, 150)),
        *(("200", 200), ("201", 200), ("9" * 5000, 200), (10**40, 200), (2.0, 2)),
    ],
    ids=lambda sent: ascii(sent)[:20],
)
def test_count_is_clamped_to_a_page(sent: Json, count: int) -> None:
    """Absent is the default, below zero none, too many the maximum."""
    assert read_paging(None, sent, default_count=100, max_count=200) == Paging(1, count)


@pytest.mark.parametrize(
    "sent",
    ["x", "1.0", "1_0", "1 0", "--1", "+", "٣", "1e2", True, 1.5, float("inf"), [], {}],
    ids=ascii,
)
def test_anything_but_an_integer_is_refused_by_name(sent: Json) -> None:
    """The refusal says which of the two is wrong."""
    with pytest.raises(InvalidValue, match="startIndex has to be an integer"):
        read_paging(sent, None)
    with pytest.raises(InvalidValue, match="count has to be an integer"):
        read_paging("1", sent)


def test_hostile_numbers_cost_little() -> None:
    """The time is linear in the length of the text."""
    started = time.process_time()
    for text in ("0" * 100_000 + "x", " " * 100_000 + "x", "9" * 100_000):
        try:
            read_paging(text, None)
        except InvalidValue:
            continue
    assert time.process_time() - started < 0.2


def test_a_list_has_all_members_even_when_it_is_empty() -> None:
    """Clients fail on a missing Resources and on numbers that are no integers."""
    assert list_response([], 0, 1) == {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": 0,
        "startIndex": 1,
        "itemsPerPage": 0,
        "Resources": [],
    }


def test_a_list_counts_its_page_and_all_matches_apart() -> None:
    """The one is what this page holds, the other what all pages hold."""
    page = list_response([{"id": "a"}, {"id": "b"}], 12, 11)
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (12, 11, 2)
    assert page["Resources"] == [{"id": "a"}, {"id": "b"}]
