from __future__ import annotations

from local.test import Result, summary


def test_the_summary_ends_with_skips_and_counts() -> None:
    """After the table come the reasons of what was skipped, then the counts alone on a line."""
    results = [
        Result("format", "ok", 1.25),
        Result("types", "FAILED", 12.0),
        Result("worker library", "skipped", 0.0, "no Python 3.13 found"),
    ]
    assert summary(results).splitlines()[-5:] == [
        "  format          ok          1.2 s",
        "  types           FAILED     12.0 s",
        "  worker library  skipped     0.0 s",
        "Skipped: worker library: no Python 3.13 found",
        "1 passed, 1 failed, 1 skipped",
    ]
