"""Liveness for anyone, readiness of each dependency for whoever has the function key."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

import azure.functions as func
import orjson

from scim.provisioning import rows
from scim.provisioning.ports import Unavailable
from scim.web.scim import METHODS
from scim.web.services import Misconfigured, Provider, Services

_ALLOW = "GET, HEAD"


def blueprint(provider: Provider) -> func.Blueprint:
    """Return the functions `health` and `health_ready`."""
    functions = func.Blueprint()

    async def health(req: func.HttpRequest) -> func.HttpResponse:
        return _refused(req) or _json(200, {"status": "alive"})

    async def ready(req: func.HttpRequest) -> func.HttpResponse:
        if refused := _refused(req):
            return refused
        try:
            services = provider()
        except Misconfigured as error:
            return _json(503, {"status": "misconfigured", "problems": error.problems})
        problems = await _problems(services)
        if problems:
            return _json(503, {"status": "unavailable", "problems": problems})
        return _json(200, {"status": "ready", "problems": []})

    functions.function_name("health")(functions.route(route="health", methods=METHODS)(health))
    functions.function_name("health_ready")(
        functions.route(route="health/ready", methods=METHODS, auth_level=func.AuthLevel.FUNCTION)(
            ready
        )
    )
    return functions


def _refused(req: func.HttpRequest) -> func.HttpResponse | None:
    if req.method.upper() in _ALLOW.split(", "):
        return None
    response = _json(405, {"status": f"{req.method[:20]} is not possible here"})
    response.headers["Allow"] = _ALLOW
    return response


async def _problems(services: Services) -> list[str]:
    async def check(name: str, question: Awaitable[object]) -> str | None:
        try:
            await question
        except Unavailable as error:
            return f"{name}: {error}"
        return None

    found = await asyncio.gather(
        check("storage", services.storage.get(rows.INSTALLATION, rows.directory("health"))),
        check("vault", services.vault.get("health")),
    )
    return [problem for problem in found if problem]


def _json(status: int, body: object) -> func.HttpResponse:
    return func.HttpResponse(orjson.dumps(body), status_code=status, mimetype="application/json")
