"""Bulk requests: what is read, what is refused, and in which order the operations run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.bulk import BULK_REQUEST, MAX_OPERATIONS, Operation, Step, plan, read_bulk
from scim.protocol.errors import InvalidSyntax, PayloadTooLarge

POST = {"method": "POST", "path": "/Users", "bulkId": "kim", "data": {"userName": "kim"}}


def message(*operations: Any, **members: Any) -> dict[str, Any]:
    """Return a BulkRequest."""
    return {"schemas": [BULK_REQUEST], "Operations": list(operations), **members}


def creation(bulk_id: str, *references: str) -> Operation:
    """Return the creation of a group with members that the request creates."""
    members = [{"value": f"bulkId:{each}"} for each in references]
    return Operation("POST", "/Groups", bulk_id, data={"members": members})


def change(*references: str) -> Operation:
    """Return a change that refers to what the request creates."""
    return Operation("PATCH", "/Groups/1", data=[f"bulkId:{each}" for each in references])


def test_names_and_methods_are_read_in_any_case() -> None:
    """Names of members and methods are read in any case; DELETE has no data."""
    request = read_bulk(
        {
            "Schemas": [BULK_REQUEST],
            "failonerrors": 2,
            "operations": [
                {"Method": "post", "PATH": "/Users", "bulkid": "kim", "Data": {"userName": "kim"}},
                {"method": "Delete", "path": "/Users/1", "version": 'W/"2"', "data": {}},
            ],
        }
    )
    assert request.fail_on_errors == 2
    assert request.operations == [
        Operation("POST", "/Users", "kim", data={"userName": "kim"}),
        Operation("DELETE", "/Users/1", version='W/"2"'),
    ]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({}, "schemas"),
        ({"schemas": BULK_REQUEST, "Operations": [POST]}, "schemas"),
        ({"schemas": ["urn:other"], "Operations": [POST]}, "schemas"),
        ({"schemas": [BULK_REQUEST]}, "Operations"),
        ({"schemas": [BULK_REQUEST], "Operations": POST}, "Operations"),
        (message(), "Operations"),
        (message(POST, "POST"), "Operations[1]"),
        (message(POST, failOnErrors=0), "failOnErrors"),
        (message(POST, failOnErrors=True), "failOnErrors"),
        (message(POST, failOnErrors="1"), "failOnErrors"),
        (message({**POST, "method": "GET"}), "Operations[0].method"),
        (message({**POST, "method": 1}), "Operations[0].method"),
        (message({**POST, "method": None}), "Operations[0].method"),
        (message({**POST, "path": None}), "Operations[0].path"),
        (message({**POST, "path": ""}), "Operations[0].path"),
        (message({**POST, "bulkId": None}), "Operations[0].bulkId"),
        (message({**POST, "bulkId": 7}), "Operations[0].bulkId"),
        (message({**POST, "version": 7}), "Operations[0].version"),
        (message(POST, {**POST, "path": "/Groups"}), "Operations[1].bulkId"),
    ],
)
def test_a_wrong_shape_is_refused_and_named(wrong: Any, named: str) -> None:
    """A request that is built wrongly is refused as a whole; the detail names the place."""
    with pytest.raises(InvalidSyntax) as refused:
        read_bulk(wrong)
    assert named in refused.value.detail


def test_the_number_of_operations_is_bounded() -> None:
    """As many operations as announced are taken; one more is 413 and names the limit."""
    delete = {"method": "DELETE", "path": "/Users/1"}
    assert len(read_bulk(message(*[delete] * MAX_OPERATIONS)).operations) == MAX_OPERATIONS
    with pytest.raises(PayloadTooLarge, match=f"maxOperations is {MAX_OPERATIONS}"):
        read_bulk(message(*[delete] * (MAX_OPERATIONS + 1)))


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([change(), creation("a"), change()], [Step(0), Step(1), Step(2)]),
        ([change("b"), creation("a"), creation("b")], [Step(2), Step(0), Step(1)]),
        ([creation("a", "b"), creation("b", "c"), creation("c")], [Step(2), Step(1), Step(0)]),
        ([change("nobody"), creation("a")], [Step(0), Step(1)]),
        (
            [creation("a", "a")],
            [Step(0, frozenset({"a"})), Step(0, frozenset({"a"}), completes=True)],
        ),
        (
            [creation("a", "b"), creation("b", "a"), change("b")],
            [
                Step(1, frozenset({"a"})),
                Step(0),
                Step(1, frozenset({"a"}), completes=True),
                Step(2),
            ],
        ),
        (
            [creation("a", "b"), creation("b", "c"), creation("c", "b", "a", "c")],
            [
                Step(2, frozenset({"a", "b", "c"})),
                Step(1),
                Step(0),
                Step(2, frozenset({"a", "b", "c"}), completes=True),
            ],
        ),
    ],
    ids=["independent", "forward", "chain", "unknown", "itself", "two in a cycle", "nested cycles"],
)
def test_creations_move_forward_to_who_needs_them(
    operations: Sequence[Operation], expected: list[Step]
) -> None:
    """What is needed runs first, all else keeps its order, and cycles are closed at once."""
    assert plan(operations) == expected


def test_a_chain_may_be_as_long_as_a_request() -> None:
    """A chain of references through all operations runs from its end."""
    chain = [creation(f"{each}", f"{each + 1}") for each in range(MAX_OPERATIONS)]
    order = [step.index for step in plan(chain)]
    assert order == list(reversed(range(MAX_OPERATIONS)))


graphs = st.integers(min_value=1, max_value=9).flatmap(
    lambda size: st.lists(
        st.tuples(
            st.sampled_from(["POST", "PUT", "PATCH", "DELETE"]),
            st.lists(st.integers(min_value=0, max_value=size), max_size=4),
        ),
        min_size=size,
        max_size=size,
    )
)


@given(graphs)
def test_every_operation_runs_once_and_after_what_it_needs(
    graph: list[tuple[str, list[int]]],
) -> None:
    """In any graph: each runs once, never before what it needs, unless that is told and mended.

    A reference is left for later in a cycle only, and what is left is added once it exists.
    """
    operations = [
        Operation(
            method, "/Users", f"{index}" if method == "POST" else None, data=_references(needs)
        )
        for index, (method, needs) in enumerate(graph)
    ]
    steps = plan(operations)
    begun = [step.index for step in steps if not step.completes]
    assert sorted(begun) == list(range(len(operations)))
    place = {index: at for at, index in enumerate(step.index for step in steps)}
    first = {step.index: at for at, step in reversed(list(enumerate(steps)))}
    needs = {
        index: {each for each in needs if each < len(graph) and graph[each][0] == "POST"}
        for index, (_, needs) in enumerate(graph)
    }
    for step in steps:
        later = {int(each) for each in step.later}
        if step.completes:
            assert all(first[each] < place[step.index] for each in later - {step.index})
            assert place[step.index] > first[step.index]
        else:
            at = first[step.index]
            assert all(first[each] < at for each in needs[step.index] - later)
            assert all(step.index in _reach(each, needs) for each in later)
            assert bool(later) == (place[step.index] > at)
    changes = [index for index in begun if graph[index][0] != "POST"]
    assert changes == sorted(changes)


def _references(needs: list[int]) -> list[str]:
    return [f"bulkId:{each}" for each in needs]


def _reach(start: int, needs: dict[int, set[int]]) -> set[int]:
    """Return what one operation needs, at any distance, and itself."""
    found, ahead = {start}, [start]
    while ahead:
        new = needs[ahead.pop()] - found
        found |= new
        ahead.extend(new)
    return found
