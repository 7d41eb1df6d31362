"""JSON Merge Patch, by the examples of RFC 7396's appendix and more of their kind."""

from __future__ import annotations

from typing import Any

import pytest

from scim.web.manage.merge_patch import merge_patch


@pytest.mark.parametrize(
    ("target", "patch", "result"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": 1}, {"a": {"b": None, "c": 2}}, {"a": {"c": 2}}),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({"a": 1}, {"a": False}, {"a": False}),
        ({"a": 1}, {}, {"a": 1}),
        ({"a": 1}, [1], [1]),
    ],
)
def test_a_patch_changes_what_it_names(target: Any, patch: Any, result: Any) -> None:
    """Null removes, an object goes deeper, anything else replaces; the target stays as it is."""
    before = repr(target)
    assert merge_patch(target, patch) == result
    assert repr(target) == before
