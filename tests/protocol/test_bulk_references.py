"""References within a bulk request: found, resolved, left out."""

from __future__ import annotations

from typing import Any

import pytest

from scim.protocol import bulk_references
from scim.protocol.bulk import Operation

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


@pytest.mark.parametrize(
    ("data", "resolved"),
    [
        ({"members": [{"value": "bulkId:k"}]}, {"members": [{"value": "ID"}]}),
        ({"members": ["bulkId:k", "x"]}, {"members": ["ID", "x"]}),
        (
            {ENTERPRISE: {"manager": {"value": "bulkId:k"}}},
            {ENTERPRISE: {"manager": {"value": "ID"}}},
        ),
        ({ENTERPRISE: {"manager": "bulkId:k"}}, {ENTERPRISE: {"manager": "ID"}}),
        ({"$ref": "../Users/bulkId:k"}, {"$ref": "../Users/ID"}),
        ({"$REF": "bulkId:k"}, {"$REF": "ID"}),
        (
            {"Operations": [{"op": "add", "path": "members", "value": "bulkId:k"}]},
            {"Operations": [{"op": "add", "path": "members", "value": "ID"}]},
        ),
        (
            {"Operations": [{"op": "remove", "path": 'members[value eq "bulkId:k"]'}]},
            {"Operations": [{"op": "remove", "path": 'members[value eq "ID"]'}]},
        ),
    ],
)
def test_references_are_found_wherever_they_stand(data: Any, resolved: Any) -> None:
    """A reference is found as a value, in an address and in the filter of a path."""
    assert list(bulk_references.of(data)) == ["k"]
    assert bulk_references.resolve(data, {"k": "ID"}) == resolved


@pytest.mark.parametrize(
    "text", ["see bulkId:k", "bulkId:", "bulkid:k", " bulkId:k", "k", '"bulkId:k"']
)
def test_a_text_that_only_mentions_one_is_no_reference(text: str) -> None:
    """A text stays as it is unless all of it is the reference."""
    data = {"displayName": text, "number": 1, "active": True, "title": None}
    assert list(bulk_references.of(data)) == []
    assert bulk_references.resolve(data, {}) == data


def test_a_bulk_id_may_hold_any_characters() -> None:
    """As a value a bulkId is everything behind the colon, whatever the client put there."""
    assert list(bulk_references.of(["bulkId:a/b \n:'é"])) == ["a/b \n:'é"]


@pytest.mark.parametrize(
    ("path", "resolved"),
    [
        ("/Users/bulkId:k", "/Users/ID"),
        ("/Users/bulkId:k/", "/Users/ID/"),
        ("Groups/bulkId:k?attributes=id", "Groups/ID?attributes=id"),
        ("/Users/kbulkId:k", "/Users/kbulkId:k"),
    ],
)
def test_a_path_may_hold_a_reference(path: str, resolved: str) -> None:
    """An operation may act on what another one creates."""
    operation = Operation("DELETE", path)
    assert operation.resolved({"k": "ID"}).path == resolved
    assert operation.references() == (["k"] if path != resolved else [])


@pytest.mark.parametrize(
    ("data", "rest", "cut"),
    [
        (
            {
                "displayName": "G",
                "members": [{"value": "bulkId:k", "type": "User"}, {"value": "1"}],
            },
            {"displayName": "G", "members": [{"value": "1"}]},
            {"members": [{"value": "bulkId:k", "type": "User"}]},
        ),
        (
            {"members": [{"$ref": "../Users/bulkId:k"}, "bulkId:k", {"value": "bulkId:other"}]},
            {"members": [{}, {"value": "bulkId:other"}]},
            {"members": [{"$ref": "../Users/bulkId:k"}, "bulkId:k"]},
        ),
        (
            {ENTERPRISE: {"manager": {"value": "bulkId:k", "displayName": "K"}, "division": "D"}},
            {ENTERPRISE: {"division": "D"}},
            {ENTERPRISE: {"manager": {"value": "bulkId:k", "displayName": "K"}}},
        ),
        (
            {ENTERPRISE: {"manager": "bulkId:k"}, "active": True},
            {ENTERPRISE: {}, "active": True},
            {ENTERPRISE: {"manager": "bulkId:k"}},
        ),
        ({"members": []}, {"members": []}, {}),
    ],
)
def test_what_refers_to_later_is_cut_and_nothing_else(data: Any, rest: Any, cut: Any) -> None:
    """A creation without its later references, and the rest of it, are the whole."""
    assert bulk_references.split(data, frozenset({"k"})) == (rest, cut)
