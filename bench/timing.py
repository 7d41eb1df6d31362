"""What each call takes of time, over real HTTP, and of the server's CPU."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.client import Load, load

CONNECTIONS = (1, 16)


@dataclass(frozen=True, slots=True)
class Timing:
    """Requests per second, milliseconds, and CPU milliseconds of the server for one request."""

    call: str
    size: int
    connections: int
    per_second: float
    p50: float
    p95: float
    cpu: float | None


def measure(
    call: str,
    size: int,
    port: int,
    requests: Sequence[bytes],
    connections: int,
    cpu: Callable[[], float] | None,
) -> Timing:
    """Send the requests; `cpu` tells the seconds that the server has used so far."""
    before = cpu() if cpu else 0.0
    done = asyncio.run(load(port, requests, connections))
    spent = (cpu() - before) * 1000 / len(requests) if cpu else None
    return _timing(call, size, connections, done, spent)


def _timing(call: str, size: int, connections: int, done: Load, cpu: float | None) -> Timing:
    ordered = sorted(each * 1000 for each in done.each)
    return Timing(
        call,
        size,
        connections,
        per_second=len(ordered) / done.whole,
        p50=ordered[len(ordered) // 2],
        p95=ordered[len(ordered) * 95 // 100],
        cpu=cpu,
    )
