"""What an installation costs a month and how much of its limits it uses, from named figures.

Pure arithmetic. Change a figure here, then run `python3 -m local fix`: docs/costs.md follows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from scim.settings import Settings


@dataclass(frozen=True, slots=True)
class Figure:
    """A number with what it means and where it is from."""

    what: str
    value: float
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Call:
    """What one call takes: storage requests, rows written, and CPU in ms on SQLite."""

    what: str
    reads: int
    commits: int
    rows: int
    cpu: float

    @property
    def azure_cpu(self) -> float:
        """Return the CPU in ms where the storage is Azure Tables."""
        storage = self.reads * SDK_READ.value + self.commits * SDK_COMMIT.value
        return self.cpu + storage + WORKER.value


# Measured. A test counts requests, rows and sizes again; CPU is that of a full `bench`.
FIND: Final = Call("filter by userName, nobody found", 1, 0, 0, 0.35)
GET: Final = Call("GET a user by id", 1, 0, 0, 0.27)
POST: Final = Call("POST a user", 0, 1, 9, 0.8)
PATCH: Final = Call("PATCH a user", 1, 1, 3, 0.65)
GET_GROUP: Final = Call("GET a group without its members", 1, 0, 0, 0.27)
ADD: Final = Call("PATCH a group: one member", 2, 1, 7, 0.7)
CALLS: Final = (FIND, GET, POST, PATCH, GET_GROUP, ADD)

_COUNTED = "counted, 2026-11-25"
_SDK = "measured against an emulator, 2026-11-26"
SDK_READ: Final = Figure("Read through the SDK's pipeline", 0.5, "ms of CPU", _SDK)
SDK_COMMIT: Final = Figure("Commit through our batch writer", 0.7, "ms of CPU", _SDK)
WORKER: Final = Figure("Worker library around a call", 0.1, "ms of CPU", _SDK)
USER_BYTES: Final = Figure("User of 16 attributes, with its index rows", 3_400, "bytes", _COUNTED)
MEMBER_BYTES: Final = Figure("Membership, both sides", 620, "bytes", _COUNTED)
ENTRY_BYTES: Final = Figure("Log entry of a change, with its index", 1_350, "bytes", _COUNTED)
RUN_REQUESTS: Final = Figure("Storage requests of an idle run of the timer", 22, "", _COUNTED)
DIRECTORY_REQUESTS: Final = Figure("More of them for each further directory", 11, "", _COUNTED)
MEASURED: Final = (
    *(SDK_READ, SDK_COMMIT, WORKER, USER_BYTES, MEMBER_BYTES, ENTRY_BYTES),
    *(RUN_REQUESTS, DIRECTORY_REQUESTS),
)

_ASSUMED = "assumption"
_ENTRA = "Microsoft, entra-docs, read in a copy of 2026"
CYCLE: Final = Figure("Entra's cycle", 40, "minutes", _ENTRA)
ENTRA_RATE: Final = Figure("Rate that Entra's gallery wants served", 25, "calls/s", _ENTRA)
ENTRA_FAST: Final = Figure("Entra's first cycle, fastest", 0.6, "s per user", _ENTRA)
ENTRA_SLOW: Final = Figure("Entra's first cycle, slowest", 4.8, "s per user", _ENTRA)
PROBES: Final = Figure("Calls of a cycle in which nothing changed", 2, "", _ASSUMED)
CHANGED: Final = Figure("Users with a changed attribute", 0.01, "of all a day", _ASSUMED)
MOVED: Final = Figure("Memberships that change, by users", 0.01, "of all a day", _ASSUMED)
MEMBERSHIPS: Final = Figure("Groups that a user is in", 5, "", _ASSUMED)
TELEMETRY_BYTES: Final = Figure("Telemetry of a call or a run of the timer", 4_000, "B", _ASSUMED)
LEAST_ACTIVE: Final = Figure(
    "Billed time of a call and of a run of the timer", 1, "s", "Microsoft, azure-docs: the least"
)
ASSUMED: Final = (
    *(CYCLE, ENTRA_RATE, ENTRA_FAST, ENTRA_SLOW, PROBES, CHANGED, MOVED, MEMBERSHIPS),
    *(TELEMETRY_BYTES, LEAST_ACTIVE),
)

# USD, East US, without tax. No price page could be read here: quotes of others.
_QUOTED = "quoted by others, 2025 and 2026"
BASELINE: Final = Figure("Always-ready instance, waiting", 0.000004, "per GB-s", _QUOTED)
READY: Final = Figure("Always-ready instance, at work", 0.000016, "per GB-s", _QUOTED)
ON_DEMAND: Final = Figure("Instance on demand, at work", 0.000026, "per GB-s", _QUOTED)
EXECUTIONS: Final = Figure("Executions", 0.40, "per million", _QUOTED)
FREE_GB_S: Final = Figure("Free on demand", 100_000, "GB-s a month", _QUOTED)
FREE_RUNS: Final = Figure("Free on demand", 250_000, "executions a month", _QUOTED)
TABLE_GB: Final = Figure("Tables, three zones", 0.0563, "per GB and month", _QUOTED)
TABLE_REQUESTS: Final = Figure("Tables, requests", 0.00036, "per 10,000", _QUOTED)
VAULT_REQUESTS: Final = Figure("Key Vault, secret operations", 0.03, "per 10,000", _QUOTED)
LOG_GB: Final = Figure("Telemetry taken in", 2.30, "per GB", _QUOTED)
FREE_LOG_GB: Final = Figure("Free telemetry", 5, "GB a month", _QUOTED)
LOG_ALERT: Final = Figure("Alert on logs, every 15 minutes", 0.50, "each a month", _QUOTED)
METRIC_SERIES: Final = Figure("Alert on metrics", 0.10, "per series and month", _QUOTED)
ENDPOINT: Final = Figure("Private endpoint", 0.01, "per hour", _QUOTED)
PRICES: Final = (
    *(BASELINE, READY, ON_DEMAND, EXECUTIONS, FREE_GB_S, FREE_RUNS, TABLE_GB, TABLE_REQUESTS),
    *(VAULT_REQUESTS, LOG_GB, FREE_LOG_GB, LOG_ALERT, METRIC_SERIES, ENDPOINT),
)

# What infra/ creates by default; a test compares.
MEMORY_GB: Final = 2
LOG_ALERTS: Final = 14
ALERT_SERIES: Final = 12

# The platform's limits (Microsoft, azure-docs, read in a copy of 2026).
PARTITION_ROWS: Final = 2_000  # a second
ACCOUNT_REQUESTS: Final = 20_000  # a second

REQUESTS_PER_SECOND: Final[int] = Settings.model_fields["REQUESTS_PER_SECOND"].default
LOG_DAYS: Final[int] = Settings.model_fields["LOG_RETENTION_DAYS"].default

DAYS: Final = 365 / 12  # of a month
MINUTES: Final = DAYS * 24 * 60  # of a month; the timer runs in each
SIZES: Final = (1_000, 10_000, 100_000, 1_000_000)  # users

GB_S: Final = LEAST_ACTIVE.value * MEMORY_GB  # of one call or run
EXECUTION: Final = EXECUTIONS.value / 1e6  # USD each
TABLE_REQUEST: Final = TABLE_REQUESTS.value / 10_000  # USD each

FIRST_CYCLE: Final = (FIND, POST)  # of each user
CHANGE: Final = (GET, PATCH)
MOVE: Final = (GET_GROUP, ADD)


@dataclass(frozen=True, slots=True)
class Load:
    """What one directory of so many users asks for, beyond its first cycle, in a month."""

    users: int

    @property
    def calls(self) -> float:
        """Return the calls of a month."""
        return sum(self._calls().values())

    @property
    def requests(self) -> float:
        """Return the storage requests of a month, those of the timer with them."""
        calls = sum((call.reads + call.commits) * n for call, n in self._calls().items())
        return calls + MINUTES * RUN_REQUESTS.value

    @property
    def gigabytes(self) -> float:
        """Return what is stored when the log is as long as it gets."""
        of_user = USER_BYTES.value + MEMBERSHIPS.value * MEMBER_BYTES.value
        entries = self.users * (1 + (CHANGED.value + MOVED.value) * LOG_DAYS)
        return (self.users * of_user + entries * ENTRY_BYTES.value) / 1e9

    @property
    def cpu(self) -> float:
        """Return the part of one core that the calls keep busy, on average."""
        busy = sum(call.azure_cpu * number for call, number in self._calls().items()) / 1000
        return busy / (MINUTES * 60)

    def _calls(self) -> Mapping[Call, float]:
        changed = self.users * CHANGED.value * DAYS
        moved = self.users * MOVED.value * DAYS
        probes = MINUTES / CYCLE.value * PROBES.value
        return {
            FIND: probes,
            **dict.fromkeys(CHANGE, changed),
            **dict.fromkeys(MOVE, moved),
        }


def costs(load: Load, *, warm: bool = True) -> dict[str, float]:
    """Return the lines of a month's bill in USD, each rather too high than too low.

    Without a warm instance, calls are billed on demand as the timer's runs are.
    """
    baseline = MINUTES * 60 * MEMORY_GB * BASELINE.value if warm else 0
    ready = load.calls * (GB_S * READY.value + EXECUTION) if warm else 0
    on_demand = MINUTES + (0 if warm else load.calls)  # executions
    telemetry = (load.calls + MINUTES) * TELEMETRY_BYTES.value / 1e9
    return {
        "warm instance": baseline,
        "its calls": ready,
        "on demand": max(0, on_demand * GB_S - FREE_GB_S.value) * ON_DEMAND.value
        + max(0, on_demand - FREE_RUNS.value) * EXECUTION,
        "Table Storage": load.gigabytes * TABLE_GB.value + load.requests * TABLE_REQUEST,
        # A look-up a minute, as if calls came in each.
        "Key Vault": MINUTES * VAULT_REQUESTS.value / 10_000,
        "telemetry": max(0, telemetry - FREE_LOG_GB.value) * LOG_GB.value,
        "alerts": LOG_ALERTS * LOG_ALERT.value + ALERT_SERIES * METRIC_SERIES.value,
    }


def first_cycle(users: int) -> float:
    """Return what creating all users costs in USD, once."""
    calls = users * len(FIRST_CYCLE)
    requests = users * sum(call.reads + call.commits for call in FIRST_CYCLE)
    return calls * (GB_S * READY.value + EXECUTION) + requests * TABLE_REQUEST


def limits() -> dict[str, float]:
    """Return how many calls of a first cycle a second each limit lets through."""
    cpu = sum(call.azure_cpu for call in FIRST_CYCLE) / len(FIRST_CYCLE)
    rows = sum(call.rows for call in FIRST_CYCLE) / len(FIRST_CYCLE)
    requests = sum(call.reads + call.commits for call in FIRST_CYCLE) / len(FIRST_CYCLE)
    return {
        "Entra ID": ENTRA_RATE.value,
        "directory in a process": REQUESTS_PER_SECOND,
        "partition": PARTITION_ROWS / rows,
        "core": 1000 / cpu,
        "account": ACCOUNT_REQUESTS / requests,
    }
