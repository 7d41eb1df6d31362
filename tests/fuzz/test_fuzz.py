"""A share of `python3 -m local fuzz`, and that it would tell what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest
from hypothesis import strategies as st

from scim.provisioning.ports import Operation
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import running
from tests.fuzz.batch import Batch
from tests.fuzz.lane import Lane
from tests.fuzz.mutations import fresh, mutated
from tests.fuzz.oracle import ORACLES, Oracle, compare
from tests.fuzz.requests import GOOD


@pytest.mark.parametrize("oracle", ORACLES, ids=lambda oracle: oracle.name)
def test_pairs_agree_or_a_departure_explains_it(oracle: Oracle) -> None:
    """Filter, PATCH and PUT have the outcome that they have with scim2-models."""
    compared = compare(oracle, "test", 200)
    assert compared.unexplained == ""
    assert compared.pairs == 200


async def test_requests_are_good_before_they_are_changed(tmp_path: Path) -> None:
    """Most succeed, so that what is changed reaches deep into the endpoint."""
    async with running(tmp_path) as endpoint:
        lane = Lane(await endpoint.directory("demo"))
        chance = Random("good")  # noqa: S311 - it has to be repeatable
        for sent in GOOD:
            assert await lane.run(fresh(chance, sent)) is None
        assert await lane.finish() is None
        good = sum(number for status, number in lane.statuses.items() if status < 400)
        assert good > 0.8 * len(GOOD), lane.statuses


async def test_changed_requests_find_nothing() -> None:
    """No fault, always a SCIM error, no secret, and what is stored is whole."""
    sending = await Batch("test").send()
    assert list(map(str, sending.found)) == []
    assert sending.statuses.total() == 2000
    assert {200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 415, 501} <= set(
        sending.statuses
    )


async def test_the_same_seed_sends_the_same() -> None:
    """A finding can be had again."""
    first, again = [mutated(Random("a")) for _ in range(2)]  # noqa: S311 - as above
    assert first == again
    once, twice = [(await Batch("a", lanes=2, each=40).send()).statuses for _ in range(2)]
    assert once == twice


class Brittle(SqliteStorage):
    """Breaks when it is to store a certain name."""

    def __init__(self) -> None:
        super().__init__(":memory:")

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        if "Ferries" in str(operations):
            raise RuntimeError
        await super().commit(partition, operations)


async def test_a_fault_is_told_with_the_smallest_request() -> None:
    """One request with little more than what breaks is left, and the place of the defect."""
    sending = await Batch("brittle", lanes=1, each=400, engine=Brittle).send()
    [found] = sending.found
    assert found.again
    assert found.finding.kind == "status 500"
    assert "error=RuntimeError place=Brittle.commit" in found.finding.said
    [sent] = found.steps
    assert "Ferries" in str(sent)
    assert len(sent.content() or b"") < 150, sent
    assert found.seed in str(found)


def test_a_difference_without_a_name_is_told_with_the_smallest_pair() -> None:
    """What the oracle's comparison refuses ends up in `unexplained`, shrunk."""

    def agrees(number: int) -> Sequence[str]:
        assert number < 1000
        return ["large"] if number > 500 else []

    compared = compare(Oracle("numbers", st.integers(), agrees), "a", 500)
    assert "1000" in compared.unexplained
    assert "seed a: numbers" in compared.unexplained
    assert set(compared.departures) == {"large"}
