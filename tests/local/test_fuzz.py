"""The command `python3 -m local fuzz` around what it runs."""

from __future__ import annotations

from collections import Counter
from itertools import islice

from local.commands import parse
from local.fuzz import Comparing, Requesting, Tally, summary, tasks
from tests.fuzz.batch import Found, Sending
from tests.fuzz.judging import Finding
from tests.fuzz.oracle import Compared
from tests.fuzz.requests import Sent


def test_at_least_as_much_is_done_as_was_asked() -> None:
    """By default 20 000 pairs and 200 000 requests; each task has a seed of its own."""
    todo = list(tasks("7", parse(["fuzz"])))
    assert sum(isinstance(each, Requesting) for each in todo) == 100
    assert sum(isinstance(each, Comparing) for each in todo) == 40
    assert len(set(todo)) == len(todo)
    few = list(tasks("7", parse(["fuzz", "--pairs", "1", "--requests", "0"])))
    assert few == [Comparing(0, "7/pairs/0")]


def test_a_time_goes_before_numbers() -> None:
    """With --minutes there is always more to do, of both kinds."""
    first = list(islice(tasks("7", parse(["fuzz", "--minutes", "1", "--requests", "0"])), 300))
    assert len(first) == 300
    assert sum(isinstance(each, Requesting) for each in first) == 150


def test_the_summary_tells_what_was_done_and_found() -> None:
    """Numbers, explained differences, and each finding with its seed and its requests."""
    tally = Tally()
    tally.add(Compared("PATCH", pairs=500, departures=Counter({"an entry goes": 3})))
    tally.add(Compared("PUT", pairs=20, unexplained="seed 7/pairs/1: PUT: 5 is not 6"))
    step = Sent("GET", "/Users", query="count=x")
    found = Found("7/requests/0/3", Finding("status 500", "KeyError"), [step], again=True)
    tally.add(Sending(Counter({200: 1900, 400: 100}), [found]))
    told = summary(7, tally, 12)
    for each in (
        *("PATCH", "500 pairs", "3  PATCH: an entry goes", "2,000", "1,900", "2 findings"),
        *("5 is not 6", "7/requests/0/3", "KeyError", "GET /Users?count=x"),
    ):
        assert each in told
