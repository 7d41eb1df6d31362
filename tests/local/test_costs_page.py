"""The page of costs, and the figures that it is made from."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from bench.calls import user_body
from local import costs, costs_page
from scim.provisioning import rows
from scim.provisioning.ports import Row
from scim.provisioning.scans import scan_rows
from tests.endpoint import Directory, Endpoint
from tests.infra.bicep_text import INFRA

LOG = {"l", "i"}  # kept for LOG_RETENTION_DAYS; the rest as long as the user


def test_the_page_of_costs_is_current() -> None:
    """It says what the figures say; `python3 -m local fix` brings it up to date."""
    assert costs_page.PAGE.read_text("utf-8") == costs_page.text()


async def test_calls_take_what_the_page_says(endpoint: Endpoint, directory: Directory) -> None:
    """Storage requests and rows of each call are counted as an identity provider sends it."""
    known = (await directory.create_user())["id"]
    group = (await directory.create_group("Tunnels"))["id"]
    title = {"op": "replace", "path": "title", "value": "Manager"}
    member = {"op": "add", "path": "members", "value": [{"value": known}]}
    sent = {
        costs.FIND: ("GET", "/Users", None, "filter=userName%20eq%20%22nobody%22"),
        costs.GET: ("GET", f"/Users/{known}", None, ""),
        costs.POST: ("POST", "/Users", user_body(2), ""),
        costs.PATCH: ("PATCH", f"/Users/{known}", {"Operations": [title]}, ""),
        costs.GET_GROUP: ("GET", f"/Groups/{group}", None, "excludedAttributes=members"),
        costs.ADD: ("PATCH", f"/Groups/{group}", {"Operations": [member]}, ""),
    }
    assert tuple(sent) == costs.CALLS
    storage = endpoint.storage
    for call, (method, path, body, query) in sent.items():
        storage.calls.clear()
        storage.written = 0
        answer = await directory.send(method, path, body, query=query)
        assert answer.status < 300, answer.raw
        reads = storage.calls["get"] + storage.calls["scan"]
        counted = (reads, storage.calls["commit"], storage.written)
        assert counted == (call.reads, call.commits, call.rows), call.what


async def test_rows_are_as_large_as_the_page_says(endpoint: Endpoint, directory: Directory) -> None:
    """A user, a membership and the log entry of a change, within a fifth."""
    group = (await directory.create_group("Tunnels"))["id"]
    before = await _stored(endpoint, directory)
    answer = await directory.send("POST", "/Users", user_body(2))
    created = await _stored(endpoint, directory)
    assert _kept(created - before) == pytest.approx(costs.USER_BYTES.value, rel=0.2)

    user = answer.json["id"]
    await directory.patch(user, {"op": "replace", "path": "title", "value": "Manager"})
    changed = await _stored(endpoint, directory)
    member = {"op": "add", "path": "members", "value": [{"value": user}]}
    await directory.patch_group(group, member)
    joined = await _stored(endpoint, directory)
    assert _kept(joined - changed) == pytest.approx(costs.MEMBER_BYTES.value, rel=0.2)

    entries = [_logged(changed - created), _logged(joined - changed)]
    assert sum(entries) / 2 == pytest.approx(costs.ENTRY_BYTES.value, rel=0.2)


async def test_an_idle_run_of_the_timer_asks_for_what_the_page_says(endpoint: Endpoint) -> None:
    """So many storage requests, and so many more for each further directory."""
    expected = costs.RUN_REQUESTS.value
    for name in ("first", "second"):
        await endpoint.directory(name)
        for _ in range(3):  # what there is to do is done by then
            await endpoint.services.upkeep.run()
            endpoint.clock.forward(minutes=3)
        endpoint.storage.calls.clear()
        await endpoint.services.upkeep.run()
        assert endpoint.storage.calls.total() == pytest.approx(expected, rel=0.2)
        expected += costs.DIRECTORY_REQUESTS.value


def test_the_installation_is_the_one_of_infra() -> None:
    """Alerts and memory are counted as they are deployed."""
    main = (INFRA / "main.bicep").read_text("utf-8")
    assert f"instanceMemoryMB int = {costs.MEMORY_GB * 1024}" in main
    assert "alwaysReadyInstances int = 1" in main
    assert "storageSku string = 'Standard_ZRS'" in main
    alerts = (INFRA / "modules" / "alerts.bicep").read_text("utf-8")
    rules = len(re.findall(r"^    query: ", alerts, re.MULTILINE)) + 1  # and the one on silence
    assert rules == costs.LOG_ALERTS
    metrics = (INFRA / "modules" / "metric-alerts.bicep").read_text("utf-8")
    series = sum(
        len(re.findall("'", each)) // 2 for each in re.findall(r"values: \[(.+)\]", metrics)
    )
    assert series == costs.ALERT_SERIES


async def _stored(endpoint: Endpoint, directory: Directory) -> Counter[str]:
    """Return the bytes of the directory's rows as Table Storage counts them, by their kind."""
    partition = rows.partition(directory.id)
    found: Counter[str] = Counter()
    async for row in scan_rows(endpoint.services.storage, partition, "", rows.END):
        found[row.key.split("_")[0]] += _bytes(partition, row)
    return found


def _bytes(partition: str, row: Row) -> int:
    values = sum(
        8 + 2 * len(name) + (8 if isinstance(value, int) else 4 + len(value.encode("utf-16-le")))
        for name, value in row.values.items()
    )
    return 38 + 2 * (len(partition) + len(row.key)) + values


def _kept(stored: Counter[str]) -> int:
    return sum(size for kind, size in stored.items() if kind not in LOG)


def _logged(stored: Counter[str]) -> int:
    return sum(size for kind, size in stored.items() if kind in LOG)
