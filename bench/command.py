"""`python3 -m local bench`: fills a store, measures the product in it, fails on what is counted."""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench import rule_sync, servers, startup
from bench.calls import Population, user_body
from bench.client import bodies
from bench.counting import Counted
from bench.counts import Counting
from bench.filling import Filled, fill
from bench.log_rows import count_reports
from bench.report import Report
from bench.timing import CONNECTIONS, Timing, measure
from local.setup import say
from scim.app import build
from scim.settings import read_settings
from scim.storage.local_vault import LocalVault
from scim.storage.sqlite import SqliteStorage
from scim.web.services import Services


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured: sizes, and how many requests over one and over many connections."""

    small: int
    large: int
    groups: Sequence[int]
    requests: Mapping[int, int]
    imports: int
    log: Sequence[int]  # entries

    @property
    def users(self) -> int:
        """Return how many users the large directory needs: some are in no group at first."""
        return max(self.large, max(self.groups) + max(self.requests.values()))


FULL = Plan(
    small=1_000,
    large=100_000,
    groups=(10, 1_000, 10_000, 100_000),
    requests={1: 300, 16: 1_600},
    imports=5,
    log=(10_000, 1_000_000),
)
QUICK = Plan(
    small=100, large=1_000, groups=(10, 500), requests={1: 20, 16: 64}, imports=1, log=(400, 2_000)
)
PEER_TOKEN = "token-of-a-benchmark"  # noqa: S105 - guards nothing
PAGES = 10  # a list of 100 is asked for so many times less often


@dataclass(frozen=True, slots=True)
class Directory:
    """A filled directory and its token."""

    id: str
    token: str
    filled: Filled

    def at(self, port: int) -> Population:
        """Return it as a server on that port shows it."""
        return Population(port, f"/scim/v2/{self.id}", self.token, self.filled.users)


def main(options: argparse.Namespace) -> int:
    """Measure, print the tables, and return 1 if a budget does not hold."""
    if options.rules:
        return rule_sync.main([])
    report = run(QUICK if options.quick else FULL)
    print(report.text())
    if options.json:
        options.json.write_text(json.dumps(report.json(), indent=2) + "\n", "utf-8")
    return 1 if report.failures else 0


def run(plan: Plan) -> Report:
    """Measure everything in a store that is gone afterwards."""
    report = Report()
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as folder:
        settings = _settings(Path(folder))
        small, large = asyncio.run(_filled(settings, plan))
        with servers.product(settings) as server:
            timed = _Timed(plan, server.port, report.timings, lambda: server.usage().cpu)
            timed.reads(large.at(server.port))
            timed.users(small.at(server.port))
            timed.members(large.at(server.port), large.filled)
        with servers.product(settings) as server:
            say("Getting the largest group ...")
            group = large.filled.groups[max(plan.groups)]
            whole = [large.at(server.port).request("GET", f"/Groups/{group}")]
            measure("GET group", max(plan.groups), server.port, whole, 1, None)
            report.peak = server.usage().peak
        say("Counting round trips and rows ...")
        asyncio.run(_count(settings, [small, large], report))
        asyncio.run(_count_reports(Path(folder), plan, report))
    if servers.has_peer():
        with servers.peer(PEER_TOKEN) as port:
            say("Filling scim2-server ...")
            empty = Population(port, "/v2", PEER_TOKEN, [])
            posts = [empty.request("POST", "/Users", user_body(n)) for n in range(plan.small)]
            made = asyncio.run(bodies(port, posts))
            filled = replace(empty, ids=[json.loads(each)["id"] for each in made])
            _Timed(plan, port, report.peer, None).users(filled)
    say("Importing ...")
    report.startup = startup.measure(plan.imports)
    return report


def _settings(folder: Path) -> dict[str, str]:
    return {
        "PUBLIC_BASE_URL": "http://127.0.0.1",
        "STORAGE_ENGINE": "sqlite",
        "SQLITE_PATH": str(folder / "store.db"),
        "VAULT_ENGINE": "sqlite",
        "VAULT_PATH": str(folder / "vault.db"),
        "REQUESTS_PER_SECOND": "10000",
    }


def _now() -> datetime:
    return datetime.now(UTC)


def _services(settings: Mapping[str, str]) -> tuple[Services, Counted]:
    storage = Counted(SqliteStorage(settings["SQLITE_PATH"]))
    vault = LocalVault(Path(settings["VAULT_PATH"]))
    return build(read_settings(settings), storage, vault, _now), storage


async def _filled(settings: Mapping[str, str], plan: Plan) -> tuple[Directory, Directory]:
    services, storage = _services(settings)
    sizes: list[tuple[str, int, Sequence[int]]] = [
        ("small", plan.small, ()),
        ("large", plan.users, plan.groups),
    ]
    made = []
    for name, users, groups in sizes:
        directory = await services.directories.create(name)
        token = await services.tokens.create(directory.id, "of a benchmark")

        def progress(done: int, users: int = users) -> None:
            if done % 10_000 == 0 or done == users:
                say(f"Filling: {done} of {users} users ...")

        filled = await fill(
            storage, directory.id, _now(), users=users, groups=groups, progress=progress
        )
        made.append(Directory(directory.id, token.value, filled))
    await storage.close()
    await services.vault.close()
    return made[0], made[1]


async def _count(
    settings: Mapping[str, str], directories: Sequence[Directory], report: Report
) -> None:
    services, storage = _services(settings)
    for directory in directories:
        counting = Counting(services, storage, directory.at(0))
        report.counts += await counting.directory_counts()
        for size, group in directory.filled.groups.items():
            others = directory.filled.users[size:]
            report.counts += await counting.group_counts(size, group, others)
    await storage.close()
    await services.vault.close()


async def _count_reports(folder: Path, plan: Plan, report: Report) -> None:
    storage = Counted(SqliteStorage(str(folder / "log.db")))

    def progress(done: int) -> None:
        say(f"Filling the log: {done} of {max(plan.log)} entries ...")

    report.counts += await count_reports(storage, plan.log, progress)
    await storage.close()


@dataclass(frozen=True, slots=True)
class _Timed:
    """Times calls on one server, each over one connection and over many."""

    plan: Plan
    port: int
    timings: list[Timing]
    cpu: Callable[[], float] | None

    def reads(self, directory: Population) -> None:
        """Time what a directory's size could slow down, before anything is written."""
        size = len(directory.ids)
        self._each("list of 100", size, lambda number: directory.page(max(1, number // PAGES)))
        self._each("GET user", size, directory.get)
        self._each("filter userName", size, directory.find)

    def users(self, directory: Population) -> None:
        """Time all calls on users."""
        self.reads(directory)
        self._each("PATCH active", len(directory.ids), directory.patch)
        self._each("POST user", len(directory.ids), directory.create)

    def members(self, directory: Population, filled: Filled) -> None:
        """Time the change of one member, in groups of every size."""
        for size, group in filled.groups.items():
            for connections in CONNECTIONS:
                some = filled.users[size : size + self.plan.requests[connections]]
                for call, requests in (
                    ("add one member", directory.add(group, some)),
                    ("remove one member", directory.remove(group, some)),
                ):
                    self._time(call, size, connections, requests)

    def _each(self, call: str, size: int, requests: Callable[[int], list[bytes]]) -> None:
        for connections in CONNECTIONS:
            self._time(call, size, connections, requests(self.plan.requests[connections]))

    def _time(self, call: str, size: int, connections: int, requests: Sequence[bytes]) -> None:
        say(f"Timing: {call}, size {size}, {connections} connections ...")
        timing = measure(call, size, self.port, requests, connections, self.cpu)
        self.timings.append(timing)
