"""What a rule sync takes: `python3 -m bench.rule_sync` applies 200 rules to 100 000 users.

The set withdraws the default rules, so it is counted first: every user is judged by both sets.
Each size is measured in a process of its own, filled by another, so that the peak of memory is that
of the walk alone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.filling import fill
from bench.served import peak
from local.setup import ROOT
from scim.app import build
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.management import By
from scim.provisioning.rule_sync.effects import Comparison, Effects
from scim.provisioning.rules.rule import Grant, Rule
from scim.settings import read_settings
from scim.storage.local_vault import LocalVault
from scim.storage.sqlite import SqliteStorage
from scim.web.services import Services

RULES: Final = 200
TIME_BUDGET: Final = 300.0  # seconds for the walk of the largest directory
PREVIEW_BUDGET: Final = 20.0  # seconds: what a call has for it; later it would be incomplete
MEMORY_BUDGET: Final = 300 * 1024 * 1024  # bytes
GROWTH_BUDGET: Final = 1.5  # of the CPU for one user; ten times as many users
_CONDITIONS: Final = (
    'groups.display eq "Department {n}"',
    'groups.display eq "Group of {n}" and userType ne "Contractor"',
    'title eq "Engineer" and addresses.postalCode eq "{n}"',
    'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber ew "{n:03d}"',
)


@dataclass(frozen=True, slots=True)
class Measured:
    """What the walks over a directory took.

    `counting` only reads, by two sets of rules; `first` writes every row; `closing` only reads.
    `preview` is of one rule less.
    """

    users: int
    changed: int
    counting_seconds: float
    counting_cpu: float
    first_seconds: float
    first_cpu: float
    closing_seconds: float
    preview_seconds: float
    peak: int | None


class _Clock:
    """The clock of the machine, which can be set forward to when the closing walk is due."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def rules() -> Iterator[Rule]:
    """Yield rules by groups that most users are not in, and by attributes, each of its own."""
    for number in range(RULES):
        yield Rule(
            id=f"rule-{number}",
            name=f"Rule {number}",
            condition=_CONDITIONS[number % len(_CONDITIONS)].format(n=number),
            grants=(Grant(tenant=f"tenant-{number % 7}", role=f"Role {number}"),),
        )
    yield Rule(
        id="everybody",
        name="Everybody",
        condition='groups.display sw "Group of "',
        grants=(Grant(tenant="home", role="Member"),),
    )


def _services(folder: Path, clock: _Clock) -> Services:
    settings = {
        "PUBLIC_BASE_URL": "http://127.0.0.1",
        "STORAGE_ENGINE": "sqlite",
        "SQLITE_PATH": str(folder / "store.db"),
        "VAULT_ENGINE": "sqlite",
        "VAULT_PATH": str(folder / "vault.db"),
    }
    storage = SqliteStorage(settings["SQLITE_PATH"])
    return build(read_settings(settings), storage, LocalVault(folder / "vault.db"), clock)


async def _fill(folder: Path, users: int) -> None:
    services = _services(folder, _Clock())
    directory = await services.directories.create("large")
    groups = (users // 10, users)
    await fill(services.storage, directory.id, services.now(), users=users, groups=groups)
    await services.storage.close()
    await services.vault.close()


async def _walk(folder: Path) -> Measured:
    clock = _Clock()
    services = _services(folder, clock)
    [directory] = await services.directories.all()
    changes, later = services.rule_changes, clock() + timedelta(hours=1)
    begun, cpu = time.monotonic(), time.process_time()
    now = clock()
    await changes.change(lambda _: tuple(rules()), By("bench", resource_id(now), now))
    known = await changes.count_on(later)
    assert known.saved is None
    counted, used_counting = time.monotonic() - begun, time.process_time() - cpu
    begun, cpu = time.monotonic(), time.process_time()
    await services.rule_sync.run(later)
    walked, used = time.monotonic() - begun, time.process_time() - cpu
    state = await services.rule_sync.state(directory.id)
    assert state.walked
    clock.ahead = timedelta(minutes=2)
    begun = time.monotonic()
    await services.rule_sync.run(clock() + timedelta(hours=1))
    closing = time.monotonic() - begun
    assert (await services.rule_sync.state(directory.id)).finished
    begun = time.monotonic()
    await _preview(services, directory.id, clock)
    previewed = time.monotonic() - begun
    await services.storage.close()
    await services.vault.close()
    return Measured(
        state.done, state.changed, counted, used_counting, walked, used, closing, previewed, peak()
    )


async def _preview(services: Services, directory: str, clock: _Clock) -> None:
    in_force = await services.rules.latest()
    before = in_force.stored.rules
    effects = await Comparison(in_force, before, before[:-1], names=20).look_on(
        services.storage, [directory], Effects(), clock, clock() + timedelta(hours=1)
    )
    assert effects.complete
    assert effects.losing == effects.users


def failures(measured: Sequence[Measured]) -> list[str]:
    """Return every budget that does not hold; the last size is the largest."""
    small, large = measured[0], measured[-1]
    failed = []
    took = large.counting_seconds + large.first_seconds
    if took > TIME_BUDGET:
        failed.append(f"{large.users} users took {took:.0f} s")
    if large.preview_seconds > PREVIEW_BUDGET:
        failed.append(f"a preview for {large.users} users took {large.preview_seconds:.0f} s")
    if large.peak is not None and large.peak > MEMORY_BUDGET:
        failed.append(f"the peak of memory was {large.peak // 2**20} MiB")
    growth = _cpu_of_a_user(large) / _cpu_of_a_user(small)
    if growth > GROWTH_BUDGET:
        failed.append(f"a user costs {growth:.1f} times as much among {large.users}")
    return failed


def _cpu_of_a_user(measured: Measured) -> float:
    return (measured.counting_cpu + measured.first_cpu) / measured.users


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line of JSON for each size, and return 1 if a budget does not hold."""
    parser = argparse.ArgumentParser(prog="python3 -m bench.rule_sync")
    parser.add_argument("--users", type=int, default=100_000, help="and a tenth of them before")
    parser.add_argument("--fill", nargs=2, metavar=("FOLDER", "USERS"), help=argparse.SUPPRESS)
    parser.add_argument("--walk", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.fill:
        asyncio.run(_fill(Path(options.fill[0]), int(options.fill[1])))
        return 0
    if options.walk:
        print(json.dumps(asdict(asyncio.run(_walk(options.walk)))))
        return 0
    measured = []
    for users in (options.users // 10, options.users):
        with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
            _child("--fill", folder, str(users))
            line = _child("--walk", folder)
            print(line.strip(), flush=True)
            measured.append(Measured(**json.loads(line)))
    failed = failures(measured)
    for each in failed:
        print(f"OVER BUDGET: {each}")
    return 1 if failed else 0


def _child(*arguments: str) -> str:
    command = [sys.executable, "-m", "bench.rule_sync", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout


if __name__ == "__main__":
    sys.exit(main())
