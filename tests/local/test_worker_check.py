from __future__ import annotations

import json
import sys
from dataclasses import replace

import azure.functions as func
import pytest

from local.conversation import Conversation, Exchange
from local.worker_check import differences, executable_of
from tests.local.client import KEY, serving

EXCHANGE = Exchange("GET <origin>/x", 200, {"etag": "<version>"}, "{}")


def test_equal_answers_differ_in_nothing() -> None:
    """Two runs with the same answers pass."""
    assert differences([EXCHANGE], [replace(EXCHANGE)]) == []


@pytest.mark.parametrize("change", [{"status": 500}, {"headers": {}}, {"body": "[]"}])
def test_a_difference_names_the_call_and_both_sides(change: dict[str, object]) -> None:
    """Status, headers and body are compared, one line for each that differs."""
    (line,) = differences([EXCHANGE], [replace(EXCHANGE, **change)])  # type: ignore[arg-type]  # any one field
    assert line.startswith("GET <origin>/x: ")
    assert repr(*change.values()) in line


def test_an_interpreter_of_another_version_is_passed_over() -> None:
    """A command counts only if it exists, runs and is of the version asked for."""
    this = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert executable_of([sys.executable], this)
    assert executable_of([sys.executable], "3.99") is None
    assert executable_of(["no-such-python"], this) is None


async def test_what_differs_between_any_two_runs_is_left_out() -> None:
    """Ids, times, versions, the address and the directory are compared by their names alone."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    varying = {
        "id": "0198a8bd-5f0e-7c7e-8a57-0d2cfa0c1a11",
        "meta": {"created": "2026-11-25T21:04:32.123Z", "version": 'W/"7"'},
    }

    @app.route("{*rest}")
    def answer(req: func.HttpRequest) -> func.HttpResponse:
        body = {**varying, "at": req.url}
        return func.HttpResponse(json.dumps(body), mimetype="application/scim+json")

    async with serving(app) as client:
        directory = {"id": "d1", "baseUrl": f"{client.origin}/scim/v2/d1", "token": "t"}
        told = {"origin": client.origin, "managementKey": KEY, "directories": [directory]}
        exchanges = await Conversation(told).run()
    first = exchanges[0]
    assert first.call == "GET <origin>/scim/v2/<directory>/Users"
    assert json.loads(first.body) == {
        "id": "<uuid>",
        "meta": {"created": "<time>", "version": "<version>"},
        "at": "<origin>/scim/v2/<directory>/Users",
    }
    assert not {"date", "server"} & set(first.headers)
