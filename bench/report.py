"""The results as a table for people and as JSON for programs."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from bench.counts import Count
from bench.startup import Startup
from bench.timing import Timing

MEMORY_BUDGET: Final = 256 * 1024 * 1024  # bytes; the answer to a GET of the largest group included


@dataclass
class Report:
    """All that was measured.

    `peer` are the timings of another server under the same calls, which keeps its resources in
    memory alone.
    """

    timings: list[Timing] = field(default_factory=list)
    peer: list[Timing] = field(default_factory=list)
    counts: list[Count] = field(default_factory=list)
    startup: Startup | None = None
    peak: int | None = None

    @property
    def failures(self) -> list[str]:
        """Return every budget that does not hold."""
        failed = [
            f"{each.call} at {each.size}: {each.round_trips} round trips, budget {each.budget}"
            for each in self.counts
            if not each.within
        ]
        for smaller, larger in _grown(self.counts):
            if larger.written != smaller.written or larger.round_trips != smaller.round_trips:
                failed.append(f"{larger.call} costs more at {larger.size} than at {smaller.size}")
        if self.peak is not None and self.peak > MEMORY_BUDGET:
            failed.append(f"peak of memory: {_mib(self.peak)}, budget {_mib(MEMORY_BUDGET)}")
        return failed

    def text(self) -> str:
        """Return the tables."""
        parts = [_timings(self.timings), _growth(self.timings)]
        if self.peer:
            parts.append(_peer(self.timings, self.peer))
        parts += [_counts(self.counts), _rest(self.startup, self.peak)]
        parts += [f"OVER BUDGET: {failure}" for failure in self.failures]
        return "\n\n".join(part for part in parts if part)

    def json(self) -> dict[str, Any]:
        """Return everything with its names and units."""
        return {
            "python": platform.python_version(),
            "units": {"p50": "ms", "p95": "ms", "cpu": "ms per call", "peak": "bytes"},
            **asdict(self),
            "failures": self.failures,
        }


def _timings(timings: Sequence[Timing]) -> str:
    header = ("call", "size", "connections", "req/s", "p50 ms", "p95 ms", "CPU ms")
    return _table(header, (_row(each) for each in timings))


def _row(each: Timing) -> tuple[str, ...]:
    cpu = "" if each.cpu is None else f"{each.cpu:.2f}"
    number = f"{each.per_second:.0f}"
    size, connections = f"{each.size}", f"{each.connections}"
    return each.call, size, connections, number, f"{each.p50:.2f}", f"{each.p95:.2f}", cpu


def _growth(timings: Sequence[Timing]) -> str:
    """Return what a call costs at the largest size against the smallest."""
    rows = [
        (
            larger.call,
            f"{smaller.size} -> {larger.size}",
            f"{larger.connections}",
            f"{larger.p50 / smaller.p50:.2f}",
            f"{larger.cpu / smaller.cpu:.2f}" if larger.cpu and smaller.cpu else "",
        )
        for smaller, larger in _grown(timings)
    ]
    return _table(("growth", "size", "connections", "p50 x", "CPU x"), rows) if rows else ""


def _peer(ours: Sequence[Timing], peer: Sequence[Timing]) -> str:
    rows = []
    for other in peer:
        own = next(
            each
            for each in ours
            if (each.call, each.size, each.connections)
            == (other.call, other.size, other.connections)
        )
        ratio = f"{own.per_second / other.per_second:.1f}"
        rows.append((*_row(other)[:6], f"{own.per_second:.0f}", ratio))
    header = ("scim2-server", "size", "connections", "req/s", "p50 ms", "p95 ms", "ours", "x")
    return _table(header, rows)


def _counts(counts: Sequence[Count]) -> str:
    header = ("call", "size", "round trips", "budget", "rows read", "rows written")
    return _table(
        header,
        (
            tuple(map(str, (e.call, e.size, e.round_trips, e.budget, e.read, e.written)))
            for e in counts
        ),
    )


def _rest(startup: Startup | None, peak: int | None) -> str:
    lines = []
    if startup:
        own = startup.product - startup.bare
        lines.append(
            f"import of function_app: {startup.product:.0f} ms CPU; a bare app with the same "
            f"packages {startup.bare:.0f}; ours {own:.0f}"
        )
    if peak is not None:
        lines.append(f"peak of memory after a GET of the largest group: {_mib(peak)}")
    return "\n".join(lines)


def _grown(measured: Sequence[Any]) -> Iterator[tuple[Any, Any]]:
    """Yield the same call at its smallest and its largest size."""
    kinds: dict[tuple[str, int], list[Any]] = {}
    for each in measured:
        kinds.setdefault((each.call, getattr(each, "connections", 0)), []).append(each)
    for same in kinds.values():
        if len(same) > 1:
            yield min(same, key=lambda each: each.size), max(same, key=lambda each: each.size)


def _table(header: Sequence[str], rows: Iterator[Sequence[str]] | Sequence[Sequence[str]]) -> str:
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        for line in lines
    )


def _mib(size: int) -> str:
    return f"{size / 1024 / 1024:.0f} MiB"
