"""The benchmark of the rule sync."""

from __future__ import annotations

import json

import pytest

from bench import rule_sync


def test_budgets_hold_for_a_small_directory(capfd: pytest.CaptureFixture[str]) -> None:
    """All users are walked and changed within the budgets, in a small and a larger directory."""
    assert rule_sync.main(["--users", "300"]) == 0
    small, large = map(json.loads, capfd.readouterr().out.splitlines())
    assert [small["users"], large["users"]] == [30, 300]
    assert [small["changed"], large["changed"]] == [30, 300]


def test_what_is_over_budget_is_told() -> None:
    """Time, also of a preview, memory, and what a user costs when there are more of them."""
    small = rule_sync.Measured(100, 100, 0.5, 0.5, 0.5, 0.5, 1.0, 1.0, 1)
    large = rule_sync.Measured(1000, 1000, 101.0, 8.0, 200.0, 8.0, 1.0, 21.0, 301 * 2**20)
    assert len(rule_sync.failures([small, large])) == 4
    assert rule_sync.failures([small, small]) == []
