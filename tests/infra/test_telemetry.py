from __future__ import annotations

import json
import logging
import re
from typing import Any

import pytest

from local.setup import ROOT
from scim.app import create_app
from tests.endpoint import Directory
from tests.infra import bicep_text, code_facts

UNALERTED = {
    "credentials_refused": "each of its answers counts in the alert on refused tokens",
    "assertion_refused": "its answer counts in the alert on refused tokens",
}


def test_alerts_and_events_of_the_code_are_the_same() -> None:
    """No alert waits for an event that nobody writes, and no event goes unheard."""
    alerts = (bicep_text.INFRA / "modules" / "alerts.bicep").read_text("utf-8")
    named = set(re.findall(r'event == "(\w+)"', alerts))
    assert named | UNALERTED.keys() == set(code_facts.records()), "see infra/modules/alerts.bicep"
    assert not named & UNALERTED.keys()


def test_queries_read_fields_that_are_written() -> None:
    """A field of a record that a query names stands beside an event in the code."""
    written = {"event"}.union(*code_facts.records().values())
    for text in bicep_text.queries():
        assert set(re.findall(r"Properties\.(\w+)", text)) <= written
        assert set(re.findall(r'event == "(\w+)"', text)) <= set(code_facts.records())


async def test_the_alert_on_server_errors_leaves_out_paused_directories_alone(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """What a paused directory answers is told of by the record, and at the place, that it reads."""
    caplog.set_level(logging.INFO, "rollcall")
    pause = {"state": "paused"}
    assert (
        await directory.endpoint.manage("PATCH", f"/directories/{directory.id}", pause)
    ).status == 200
    paused = await directory.send("GET", "/Users")
    (record,) = caplog.records

    query = bicep_text.alert_query("server-errors")
    excluded, _, counted = query.partition("; ")
    for field, value in re.findall(r'(\w+) == "(\w+)"', excluded):
        assert getattr(record, field) == value
    assert re.findall(r"Properties\.(\w+)\) \| distinct", excluded) == ["directory"]
    place = re.findall(r'parse_url\(Url\)\.Path\), "/"\)\[(\d)\]', counted)
    path = f"/scim/v2/{directory.id}/Users".split("/")
    assert [path[int(each)] for each in place] == [record.__dict__["directory"]]
    assert paused.status == 503
    assert "status >= 500 and status != 501 and" in counted


async def test_no_other_failure_counts_as_paused(
    directory: Directory, caplog: pytest.LogCaptureFixture
) -> None:
    """A dependency that fails answers 503 as well, and says another cause."""
    caplog.set_level(logging.INFO, "rollcall")
    assert (await directory.send("GET", "/Users")).status == 200  # now the token is in the cache
    await directory.endpoint.storage.close()
    answer = await directory.send("GET", "/Users")
    assert answer.status == 503
    told = [each.__dict__ for each in caplog.records]
    assert [each["cause"] for each in told if each["event"] == "call_failed"] == ["unavailable"]


def test_the_guide_to_operations_lists_every_alert() -> None:
    """Name and title are those of infra/modules, so that a mail leads to what to do."""
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")
    listed = re.findall(r"^\| `rollcall-([\w-]+)` \| ([^|]+) \|", guide, re.MULTILINE)
    assert dict(listed) == bicep_text.alerts()


def test_queries_name_functions_that_exist() -> None:
    """The timer that alerts watch is the one that is registered."""
    functions = {each.get_function_name() for each in create_app({}).get_functions()}
    named = set(re.findall(r'Name has "(\w+)"', " ".join(bicep_text.queries())))
    assert named == {"upkeep"}
    assert named <= functions


def test_the_workbook_is_one_that_the_portal_reads() -> None:
    """It is JSON of the workbooks' own version, and each query has a title."""
    workbook = json.loads((bicep_text.INFRA / "modules" / "workbook.json").read_text("utf-8"))
    assert workbook["version"] == "Notebook/1.0"
    queries: list[dict[str, Any]] = [
        each["content"] for each in workbook["items"] if each["type"] == 3
    ]
    assert queries
    assert all(each["title"] and each["query"] for each in queries)
