"""Every recorded request, and what each quirk is worth."""

from __future__ import annotations

import re

import pytest

from scim.dialects import new_entry
from scim.protocol.filter_parser import parse_filter
from scim.protocol.matching import matcher
from scim.protocol.patch import apply_patch, read_operations
from scim.protocol.resource import read_resource
from scim.protocol.schema import GROUP, USER
from tests.dialects.recorded import RECORDED, TYPES, Recorded, quirk_names, without

STORED = {
    "User": {"schemas": [USER], "id": "usr-7f3a", "userName": "kim.larsen@example.com"},
    "Group": {"schemas": [GROUP], "id": "grp-11", "displayName": "Tunnels"},
}

recorded = pytest.mark.parametrize("request_", RECORDED, ids=lambda each: each.name)
needed = pytest.mark.parametrize(
    ("request_", "quirk"),
    [(each, quirk) for each in RECORDED for quirk in each.fires],
    ids=lambda each: each if isinstance(each, str) else each.name,
)


@recorded
def test_recorded_request_becomes_standard(request_: Recorded) -> None:
    """A request as a client sends it becomes standard JSON, and the quirks that fired are named."""
    result, fired = request_.run(request_.request)
    assert result == request_.standard
    assert sorted(fired) == sorted(request_.fires)


@needed
def test_quirk_is_needed(request_: Recorded, quirk: str) -> None:
    """Without a quirk that fires on it, a recorded request does not become standard."""
    result, fired = request_.run(request_.request, without(quirk))
    assert result != request_.standard
    assert quirk not in fired


@pytest.mark.parametrize(
    "request_", [each for each in RECORDED if each.kind != "entry"], ids=lambda each: each.name
)
def test_standard_form_fires_nothing(request_: Recorded) -> None:
    """Standard JSON passes as it is."""
    assert request_.run(request_.standard) == (request_.standard, [])


@pytest.mark.parametrize(
    "request_", [each for each in RECORDED if each.kind != "entry"], ids=lambda each: each.name
)
def test_protocol_takes_the_standard_form(request_: Recorded) -> None:
    """The standard form is what the protocol, which knows the RFC alone, reads and applies."""
    kind = TYPES[request_.resource_type]
    match request_.kind:
        case "resource":
            assert read_resource(request_.standard, kind, [])
        case "filter":
            matcher(parse_filter(request_.standard), kind)
        case _:
            ignored: list[str] = []
            apply_patch(
                STORED[request_.resource_type],
                read_operations(request_.standard, kind),
                kind,
                new_entry=lambda entries, attribute: new_entry(entries, attribute, []),
                ignored=ignored,
            )
            assert ignored == []


@pytest.mark.parametrize("quirk", quirk_names())
def test_every_quirk_is_recorded(quirk: str) -> None:
    """Every quirk has a recorded request, named after it, in which it fires."""
    assert any(
        quirk in each.fires and each.name.split("/")[1].split("-")[0] == quirk for each in RECORDED
    )


def test_quirk_names_are_unique() -> None:
    """The name that is logged, counted and refused says which function it was."""
    names = quirk_names()
    assert len(names) == len(set(names))


@recorded
def test_source_is_told(request_: Recorded) -> None:
    """Every recorded request names its source with a mark of confidence: [D], [T], [C], …."""
    assert re.search(r"\[[DTCSR3I]\]", request_.source)
