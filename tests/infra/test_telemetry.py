from __future__ import annotations

import json
import re
from typing import Any

from scim.app import create_app
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
