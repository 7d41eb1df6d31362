"""The benchmark's quick run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from local.commands import parse, run


def test_budgets_hold(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Round trips, growth and memory stay within their budgets; the results are there as JSON."""
    file = tmp_path / "results.json"
    status = run(parse(["bench", "--quick", "--json", str(file)]))
    printed = capsys.readouterr()
    assert status == 0, printed.out
    results = json.loads(file.read_text("utf-8"))
    assert results["failures"] == []
    assert {each["connections"] for each in results["timings"]} == {1, 16}
    # Two directories, two groups, two logs.
    assert len({each["size"] for each in results["counts"]}) == 6
    assert "Timing" in printed.err
