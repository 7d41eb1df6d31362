"""Every call of the management API that changes something leaves an entry in the log."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning.changes.jobs import FAILURES
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.identifiers import resource_id
from scim.storage.https import HttpsFetch
from scim.web.manage.families import FAMILIES
from tests.endpoint import Answer, Directory, running
from tests.web.key_set_server import AUDIENCE, ISSUER, SUBJECT, KeySetServer

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
RULE = {"name": "Crew", "group": "Crew", "grants": [{"tenant": "hr", "role": "Crew"}]}
NEW = {"description": "new"}
FEDERATION = ["issuer", "subject", "audience", "jwksUrl", "clientId", "createdAt"]
PASSING = ["state", "deletedAt", "purgeAt", "access"]  # what begins and ends with a deletion
# Calls that store what is asked for, and change nothing.
QUESTIONS = {"POST directories/{directory}/check", "POST rule-previews/"}

Prepare = Callable[["Stage"], Awaitable[str]]


@dataclass
class Stage:
    """A directory, and the jwksUrl of its identity provider."""

    directory: Directory
    jwks_url: str

    async def made(self, path: str, body: Any) -> Any:
        """Return what a POST has made."""
        answer = await self.directory.endpoint.manage("POST", path, body)
        assert answer.status // 100 == 2, answer.raw
        return answer.json

    @property
    def base(self) -> str:
        return f"directories/{self.directory.id}"


@dataclass
class Case:
    """A call: where it goes, once what it needs is there, and what its entry says."""

    prepare: Prepare
    operation: str
    target: str
    body: Any = None
    changes: list[str] = field(default_factory=list)
    everywhere: bool = False  # of no directory


async def _itself(stage: Stage) -> str:
    return stage.base


async def _directories(_: Stage) -> str:
    return "directories/"


async def _deleted(stage: Stage) -> str:
    await stage.directory.endpoint.manage("DELETE", f"/{stage.base}")
    return f"{stage.base}/restore"


async def _tokens(stage: Stage) -> str:
    return f"{stage.base}/tokens"


async def _token(stage: Stage) -> str:
    return f"{stage.base}/tokens/{(await stage.made(f'/{stage.base}/tokens', NEW))['id']}"


async def _rotation(stage: Stage) -> str:
    return f"{await _token(stage)}/rotate"


async def _clients(stage: Stage) -> str:
    return f"{stage.base}/clients"


async def _client(stage: Stage) -> str:
    return f"{stage.base}/clients/{(await stage.made(f'/{stage.base}/clients', NEW))['id']}"


async def _secrets(stage: Stage) -> str:
    return f"{await _client(stage)}/secrets"


async def _secret(stage: Stage) -> str:
    secrets = await _secrets(stage)
    return f"{secrets}/{(await stage.made(f'/{secrets}', {}))['id']}"


async def _federation(stage: Stage) -> str:
    return f"{stage.base}/federation"


async def _federated(stage: Stage) -> str:
    path = await _federation(stage)
    body = CASES["PUT directories/{directory}/federation"].body | {"jwksUrl": stage.jwks_url}
    answer = await stage.directory.endpoint.manage("PUT", f"/{path}", body)
    assert answer.status == 200, answer.raw
    return path


async def _event(stage: Stage) -> str:
    await stage.directory.send("POST", "/Users", {})
    found = await stage.directory.endpoint.manage("GET", f"/{stage.base}/failed-events")
    return f"{stage.base}/failed-events/{found.json['items'][0]['id']}"


async def _erasure(stage: Stage) -> str:
    kim = (await stage.directory.create_user())["id"]
    await stage.directory.send("DELETE", f"/Users/{kim}")
    return f"{stage.base}/users/{kim}/erase"


async def _failed_job(stage: Stage) -> str:
    services = stage.directory.endpoint.services
    now = services.now()
    job = Job(
        kind="check",
        target=stage.directory.id,
        message_id=resource_id(now),
        actor="x",
        started=now,
        state="failed",
        failures=FAILURES,
    )
    job_id = resource_id(now)
    await services.jobs.add(stage.directory.id, job_id, job)
    return f"jobs/{job_id}/retry"


async def _rules(_: Stage) -> str:
    return "rules/"


async def _rule(stage: Stage) -> str:
    return f"rules/{(await stage.made('/rules', RULE))['id']}"


async def _sync(_: Stage) -> str:
    return "rule-sync"


async def _held(stage: Stage) -> str:
    """Let a set be held: it would withdraw access from many."""
    members = [(await stage.directory.create_user())["id"] for _ in range(15)]
    await stage.directory.create_group("Designers", members)
    found = await stage.directory.endpoint.manage("GET", "/rules")
    (rule,) = [each["id"] for each in found.json["items"] if each["name"] == "Designers"]
    assert (await stage.directory.endpoint.manage("DELETE", f"/rules/{rule}")).status == 200
    return "rule-sync"


async def _confirmation(stage: Stage) -> str:
    return f"{await _held(stage)}/confirm"


async def _cancellation(stage: Stage) -> str:
    return f"{await _held(stage)}/cancel"


CASES: dict[str, Case] = {
    "POST directories/": Case(
        _directories, "create", "Directory", {"name": "Okta"}, ["name", "state"]
    ),
    "PATCH directories/{directory}": Case(
        _itself,
        "update",
        "Directory",
        {"name": "Okta", "policy": {"strict": True}},
        ["name", "policy.strict"],
    ),
    "DELETE directories/{directory}": Case(_itself, "delete", "Directory", None, PASSING),
    "POST directories/{directory}/restore": Case(_deleted, "restore", "Directory", None, PASSING),
    "POST directories/{directory}/tokens": Case(_tokens, "create", "Token", NEW),
    "DELETE directories/{directory}/tokens/{token}": Case(_token, "revoke", "Token"),
    "POST directories/{directory}/tokens/{token}/rotate": Case(_rotation, "rotate", "Token", {}),
    "POST directories/{directory}/clients": Case(_clients, "create", "Client", NEW),
    "DELETE directories/{directory}/clients/{client}": Case(_client, "delete", "Client"),
    "POST directories/{directory}/clients/{client}/secrets": Case(
        _secrets, "create", "ClientSecret", {}
    ),
    "DELETE directories/{directory}/clients/{client}/secrets/{secret}": Case(
        _secret, "revoke", "ClientSecret"
    ),
    "PUT directories/{directory}/federation": Case(
        _federation,
        "update",
        "Directory",
        {"issuer": ISSUER, "subject": SUBJECT, "audience": AUDIENCE},
        [f"federation.{each}" for each in FEDERATION],
    ),
    "DELETE directories/{directory}/federation": Case(
        _federated,
        "update",
        "Directory",
        None,
        [f"federation.{each}" for each in FEDERATION],
    ),
    "PATCH directories/{directory}/failed-events/{event}": Case(
        _event, "ignore", "FailedEvent", {"state": "ignored"}
    ),
    "POST directories/{directory}/users/{user}/erase": Case(_erasure, "erase", "User"),
    "POST jobs/{job}/retry": Case(_failed_job, "retry", "Job"),
    "POST rules/": Case(_rules, "create", "Rule", RULE, everywhere=True),
    "PATCH rules/{rule}": Case(
        _rule, "update", "Rule", {"enabled": False}, ["enabled"], everywhere=True
    ),
    "DELETE rules/{rule}": Case(_rule, "delete", "Rule", everywhere=True),
    "POST rule-sync/": Case(_sync, "applyRules", "Rules", everywhere=True),
    "POST rule-sync/confirm": Case(_confirmation, "confirm", "Rules", everywhere=True),
    "POST rule-sync/cancel": Case(_cancellation, "cancel", "Rules", everywhere=True),
}


def test_every_change_has_a_case() -> None:
    """Whoever adds a call that changes something says here what its entry is."""
    routes = {
        f"{route.method} {family}/{route.path}"
        for family, table in FAMILIES.items()
        for route in table
        if route.method != "GET"
    }
    assert routes - QUESTIONS == set(CASES)


async def entries(stage: Stage, answer: Answer) -> list[Any]:
    """Return the entries of a call in the report across directories."""
    message = answer.headers["x-message-id"]
    found = await stage.directory.endpoint.manage("GET", f"/log?messageId={message}")
    assert found.status == 200, found.raw
    return list(found.json["items"])


@pytest.mark.parametrize("name", CASES)
async def test_an_entry_says_everything(tmp_path: Path, name: str) -> None:
    """Who did what to what, when, from where; field by field."""
    case, method = CASES[name], name.partition(" ")[0]
    async with (
        KeySetServer() as idp,
        running(tmp_path, fetch=HttpsFetch(idp.trusted)) as endpoint,
    ):
        stage = Stage(await endpoint.directory("demo"), idp.jwks_url)
        path = await case.prepare(stage)
        body = case.body
        if "federation" in name and body:
            body = body | {"jwksUrl": idp.jwks_url}
        headers = {"User-Agent": "console/1.0", "traceparent": TRACE}
        answer = await endpoint.manage(method, f"/{path}", body, headers)
        assert answer.status // 100 == 2, answer.raw
        found = await entries(stage, answer)
        # A directory comes with its first token, a rotation with a new one.
        expected = (case.target, [case.operation])
        (entry,) = [e for e in found if (e["target"]["type"], e["operations"]) == expected]
        assert entry["target"]["id"] or case.target == "FailedEvent"
        directory = stage.directory.id
        if name == "POST directories/":
            directory = answer.json["id"]
        assert entry["durationMs"] > 0
        apart = ("time", "target", "durationMs")
        assert {name: each for name, each in entry.items() if name not in apart} == {
            "messageId": answer.headers["x-message-id"],
            "directory": None if case.everywhere else directory,
            "actor": "management key",
            "operations": [case.operation],
            "outcome": "success",
            "changes": [{"attribute": e, "old": None, "new": None} for e in case.changes],
            "accessGained": [],
            "accessLost": [],
            "accessCut": False,
            "quirks": [],
            "ignored": [],
            "userAgent": "console/1.0",
            "traceparent": TRACE,
            "job": entry["job"] if case.operation == "erase" else None,
            "status": None,
            "scimType": None,
            "detail": "",
            "causeName": None,
            "cause": None,
            "advice": None,
        }


async def test_a_refused_change_leaves_no_entry(directory: Directory) -> None:
    """Whoever calls reads the answer; nothing was changed."""
    endpoint = directory.endpoint
    for method, path, body, status in (
        ("POST", "/directories", {"name": "demo"}, 409),
        ("PATCH", f"/directories/{directory.id}", {"name": 7}, 422),
        ("DELETE", f"/directories/{directory.id}/tokens/none", None, 404),
        ("POST", "/rule-sync/confirm", None, 409),
    ):
        assert (await endpoint.manage(method, path, body)).status == status
    assert (await endpoint.manage("GET", "/log")).json["items"] == []
