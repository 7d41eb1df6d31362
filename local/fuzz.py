"""`python3 -m local fuzz`: pairs against scim2-models, and requests gone wrong against the product.

The same seed sends the same. Whatever is found stands in the summary with the smallest example.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import count, islice, zip_longest
from multiprocessing import get_context

from tests.fuzz.batch import EACH, LANES, Batch, Sending
from tests.fuzz.oracle import ORACLES, Compared, compare

PAIRS = 500  # compared at a time
PATIENCE = 5  # seconds between two lines of progress

Outcome = Compared | Sending
Task = Callable[[], Outcome]


@dataclass(slots=True)
class Tally:
    """What was done so far, and what was found."""

    pairs: Counter[str] = field(default_factory=Counter)
    departures: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Add what came of a task."""
        if isinstance(outcome, Sending):
            self.statuses += outcome.statuses
            self.findings += map(str, outcome.found)
        else:
            self.pairs[outcome.name] += outcome.pairs
            self.departures.update(
                {f"{outcome.name}: {why}": number for why, number in outcome.departures.items()}
            )
            self.findings += [outcome.unexplained] if outcome.unexplained else []

    def __str__(self) -> str:
        """Return one line."""
        return (
            f"{self.pairs.total():,} pairs, {self.statuses.total():,} requests, "
            f"{len(self.findings)} findings"
        )


@dataclass(frozen=True, slots=True)
class Comparing:
    """A task for another process: pairs of one kind."""

    kind: int  # place in ORACLES
    seed: str

    def __call__(self) -> Compared:
        """Compare them."""
        return compare(ORACLES[self.kind], self.seed, PAIRS)


@dataclass(frozen=True, slots=True)
class Requesting:
    """A task for another process: a batch of requests."""

    seed: str

    def __call__(self) -> Sending:
        """Send it."""
        return asyncio.run(Batch(self.seed).send())


def main(options: argparse.Namespace) -> int:
    """Compare and send as much as the options say; 1 when something was found."""
    seed = secrets.randbelow(10**9) if options.seed is None else options.seed
    print(f"Seed {seed}", file=sys.stderr)
    tally, begun = Tally(), time.monotonic()
    until = begun + options.minutes * 60 if options.minutes else None
    told = begun
    for outcome in _outcomes(tasks(str(seed), options), until):
        tally.add(outcome)
        if time.monotonic() > told + PATIENCE:
            told = time.monotonic()
            print(f"{told - begun:5.0f} s  {tally}", file=sys.stderr)
    print(summary(seed, tally, time.monotonic() - begun))
    return 1 if tally.findings else 0


def summary(seed: int, tally: Tally, seconds: float) -> str:
    """Return what was compared and sent, which departures explained a difference, the findings."""
    lines = [f"Seed {seed}, {seconds:.0f} s", "", "Compared with scim2-models"]
    lines += [f"  {name:8} {number:>9,} pairs" for name, number in sorted(tally.pairs.items())]
    lines += ["Explained differences"] if tally.departures else []
    lines += [f"  {number:>9,}  {why}" for why, number in tally.departures.most_common()]
    lines += ["Requests", f"  {'all':8} {tally.statuses.total():>9,}"]
    lines += [f"  {status:<8} {number:>9,}" for status, number in sorted(tally.statuses.items())]
    lines += ["", f"{len(tally.findings)} findings", *tally.findings]
    return "\n".join(lines)


def tasks(seed: str, options: argparse.Namespace) -> Iterator[Task]:
    """Yield what is to do, pairs and requests in turn; without end if the time limits it."""
    comparing = (Comparing(number % len(ORACLES), f"{seed}/pairs/{number}") for number in count())
    requesting = (Requesting(f"{seed}/requests/{number}") for number in count())
    if options.minutes:
        yield from (task for both in zip(comparing, requesting, strict=False) for task in both)
    counted = zip_longest(
        islice(requesting, -(-options.requests // (LANES * EACH))),
        islice(comparing, -(-options.pairs // PAIRS)),
    )
    yield from (task for both in counted for task in both if task)


def _outcomes(tasks: Iterator[Task], until: float | None) -> Iterator[Outcome]:
    """Yield what comes of the tasks, one process per core; begin none after the time."""
    workers = os.cpu_count() or 1
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running: set[Future[Outcome]] = set()
        while True:
            for task in islice(tasks, 2 * workers - len(running)):
                running.add(pool.submit(task))
            if not running:
                return
            done, running = wait(running, return_when=FIRST_COMPLETED)
            for each in done:
                yield each.result()
            if until is not None and time.monotonic() > until:
                tasks = iter(())
