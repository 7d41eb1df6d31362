"""The page of costs and scale, made from the figures: `python3 -m local fix` writes it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from local import costs
from local.costs import Call, Figure, Load
from local.setup import ROOT

PAGE: Final = ROOT / "docs" / "costs.md"

_LIMITS: Final = costs.limits()
_ENDPOINTS: Final = 3 * costs.ENDPOINT.value * costs.MINUTES / 60
_TIMER: Final = costs.MINUTES * costs.GB_S

_HEAD: Final = """# Costs and scale

What an installation with the default parameters of [infra](../infra/README.md) costs a month, and
how far it is from its limits. Prices are US dollars for the region East US, without tax, and
**quotes of others, not read from Azure's own pages**: put those of your region into
`local/costs.py` before you decide on money. Nothing here was measured on Azure. Storage requests,
rows and sizes are counts that a test repeats; CPU is that of this code on a laptop's core; what
nobody can know for you, such as how many users change in a day, is an assumption with a name.
This page is made from `local/costs.py` by `python3 -m local fix`; all figures stand at its end.

## A month

One directory that Entra ID keeps up to date, and the timer's run in each minute. Each line is
rather too high than too low: a call is billed as if none ran beside it.

"""

_WHAT_DECIDES: Final = f"""
* **The warm instance** is most of the bill. With `alwaysReadyInstances = 0` the first call of a
  cycle waits for a cold start instead, and calls are billed on demand: the last row.
* **The timer** takes {_TIMER:,.0f} GB-s a month of the {costs.FREE_GB_S.value:,.0f} that are free
  on demand, as long as a run takes no more than a second; the grant belongs to the whole
  subscription or plan. Rule sync and long changes run longer. `UPKEEP_SCHEDULE = 0 */5 * * * *`
  divides it by five; jobs and the flags of expiring tokens then wait up to five minutes.
* **Alerts** cost the same at any size. **Telemetry** is free up to {costs.FREE_LOG_GB.value:.0f}
  GB, which other workspaces of the billing account share.
* **Private networking** adds {_ENDPOINTS:.2f} for its three endpoints, and something for their
  DNS zones.
* **Another directory** adds its own calls and {costs.DIRECTORY_REQUESTS.value:.0f} storage
  requests to each run of the timer: a cent or two. It needs no instance of its own.
* Not counted: the Functions host's own blobs (its locks, some ten thousand requests a month), the
  deployed package, applications that ask for access, lists that somebody reads out.

## The load

"""

_AFTER_LOAD: Final = """
A first cycle is one filter and one POST per user; memberships follow as changes of groups.
Entra's own documentation expects from a fifth of a user a second to about one and a half, so a
large first cycle takes days whatever the endpoint can do.

## Which limit comes first

Calls of a first cycle a second, half of them creating a user, and what to turn:

"""

_LIMIT_TEXTS: Final = {
    "Entra ID": "One identity provider seldom sends more. Several provisioning jobs add up.",
    "directory in a process": "429 with Retry-After. `REQUESTS_PER_SECOND`, or `requestsPerSecond` "
    "in the directory's policy. Instances count apart.",
    "partition": f"The service's {costs.PARTITION_ROWS:,} rows a second of one partition, that is "
    "of one directory; beyond it 503 with Retry-After, and jobs halve their pace. Several "
    "directories.",
    "core": "Instances are added by themselves, sixteen calls at once each, up to "
    "`maximumInstances`. More warm ones with `alwaysReadyInstances`; `instanceMemoryMB = 4096` has "
    "two cores, of which this process uses one.",
    "account": "Requests of the storage account, all directories together. Several installations.",
}

_AFTER_LIMITS: Final = f"""
So one warm instance at Entra's {costs.ENTRA_RATE.value:.0f} calls a second is busy for
{100 * costs.ENTRA_RATE.value / _LIMITS["core"]:.0f} % of its core and uses
{100 * costs.ENTRA_RATE.value / _LIMITS["partition"]:.0f} % of its directory's partition. Key
Vault is asked for a token once a minute and process: its 2,000 operations in ten seconds are
never near. Storage latency, not counted here, makes a call longer but takes no CPU. Memory
decides nothing: the process peaked at 61 MiB when it read out a group of 500 in the quick
benchmark.

Further limits, of time rather than rate:

* A long change keeps below 1,000 rows a second: renaming a group of 100,000 members takes
  minutes.
* Rule sync walks every user of a directory; it shares that pace and never blocks calls.
* `SCAN_LIMIT` rows is what one call reads when no index serves its filter.
* 250 cores per subscription and region are Flex Consumption's quota over all apps.

## Figures

Each is a named constant of `local/costs.py`. Storage requests and rows of a call were counted on
2026-11-25 and are counted again by a test; CPU on SQLite is of the same day, to which the SDK's
is added:

"""

_AFTER_FIGURES: Final = """
Where the prices were quoted: Flex Consumption by Modal (*Azure Functions pricing*, May 2025) and
by open repositories that list the meters; Tables by reports of 2025; Log Analytics by
monitoringcost.com (2026); alerts by Infracost's test data, which come from Azure's price list;
Key Vault by answers on Microsoft Q&A; private endpoints by c3x.dev. An entity group transaction,
which our commits are, counts as one request (Microsoft, azure-docs). Azure's own pages:
azure.microsoft.com/pricing.
"""


def text() -> str:
    """Return the page."""
    return "".join(
        (
            *(_HEAD, _month(), _WHAT_DECIDES, _load(), _AFTER_LOAD, _limits(), _AFTER_LIMITS),
            *(_calls(costs.CALLS), "\n", _figures(), _AFTER_FIGURES),
        )
    )


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(text(), "utf-8")


def _month() -> str:
    loads = [Load(users) for users in costs.SIZES]
    bills = [costs.costs(load) for load in loads]
    cold = [sum(costs.costs(load, warm=False).values()) for load in loads]
    lines = [(what, *(f"{bill[what]:.2f}" for bill in bills)) for what in bills[0]]
    return _table(
        _sizes("USD a month"),
        [
            *lines,
            ("**together**", *(f"**{sum(bill.values()):.0f}**" for bill in bills)),
            ("together, without a warm instance", *(f"{each:.0f}" for each in cold)),
        ],
    )


def _load() -> str:
    loads = [Load(users) for users in costs.SIZES]
    calls = [users * len(costs.FIRST_CYCLE) for users in costs.SIZES]
    rows = [
        ("calls a month", *(f"{each.calls:,.0f}" for each in loads)),
        ("storage requests a month", *(f"{each.requests:,.0f}" for each in loads)),
        (f"GB stored, log of {costs.LOG_DAYS} days", *(f"{each.gigabytes:.2f}" for each in loads)),
        ("a core's CPU in use on average", *(f"{100 * each.cpu:.4f} %" for each in loads)),
        ("calls of the first cycle", *(f"{each:,}" for each in calls)),
        (
            f"at {costs.ENTRA_RATE.value:.0f} calls a second",
            *(_time(each / costs.ENTRA_RATE.value) for each in calls),
        ),
        (
            "as Entra's documentation expects",
            *(
                f"{_time(users * costs.ENTRA_FAST.value)} to "
                f"{_time(users * costs.ENTRA_SLOW.value)}"
                for users in costs.SIZES
            ),
        ),
        ("USD for it, once", *(f"{costs.first_cycle(users):.2f}" for users in costs.SIZES)),
    ]
    return _table(_sizes("one directory"), rows)


def _limits() -> str:
    rows = [(of, f"{_LIMITS[of]:,.0f}", what) for of, what in _LIMIT_TEXTS.items()]
    return _table(("limit of", "calls/s", "what happens, and what to turn"), rows)


def _calls(calls: Iterable[Call]) -> str:
    head = ("call", "reads", "commits", "rows written", "ms on SQLite", "ms on Azure Tables")
    rows = (
        (
            each.what,
            *map(str, (each.reads, each.commits, each.rows, each.cpu, round(each.azure_cpu, 2))),
        )
        for each in calls
    )
    return _table(head, rows)


def _figures() -> str:
    figures: tuple[Figure, ...] = (*costs.MEASURED, *costs.ASSUMED, *costs.PRICES)
    rows = ((each.what, f"{_plain(each.value)} {each.unit}", each.source) for each in figures)
    return _table(("figure", "value", "from"), rows)


def _sizes(of: str) -> tuple[str, ...]:
    return (of, *(f"{users:,} users" for users in costs.SIZES))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _plain(value: float) -> str:
    return f"{value:,.6f}".rstrip("0").rstrip(".")


def _time(seconds: float) -> str:
    for size, unit in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
