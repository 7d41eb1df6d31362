"""Families of management calls: a function each, with its own table of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlencode

import azure.functions as func
from pydantic import BaseModel

from scim.protocol.errors import MethodNotAllowed, NotFound, PreconditionFailed
from scim.provisioning.changes.idempotency import Answered, Keyed
from scim.provisioning.changes.preconditions import matches_version
from scim.provisioning.directories.stored import Directory
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.management import By
from scim.web import responses
from scim.web.manage.addresses import ROOT
from scim.web.manage.models import AGAIN
from scim.web.manage.problems import Model, Refused, checked, problem
from scim.web.requests import Request, read_request
from scim.web.services import Provider, Services

CSV: Final = "text/csv"
JSON_TYPES: Final = (
    "application/json",
    "application/scim+json",
)  # the second of whoever tests both


@dataclass(frozen=True, slots=True)
class Managed:
    """One management call; `parts` are what stands for `{name}` in the route."""

    services: Services
    request: Request
    parts: Mapping[str, str]
    by: By

    async def directory(self) -> Directory:
        """Return the directory that the path names, also a deleted one. Raises NotFound."""
        found = await self.services.directories.read(self.parts["directory"])
        if found is None:
            raise NotFound(f"There is no directory {self.parts['directory'][:100]!r}.")
        return found

    async def connected(self) -> Directory:
        """Return the directory that the path names. Raises NotFound, Refused for a deleted one."""
        found = await self.directory()
        if found.state == "deleted":
            raise Refused("The directory is deleted; restore it first.")
        return found

    def read(self, model: type[Model], context: object = None) -> Model:
        """Return the body as a model; no body is an object without members. Raises Invalid."""
        sent = self.request.body or self.request.headers.get("transfer-encoding")
        return checked(model, self.request.object(media_types=JSON_TYPES) if sent else {}, context)

    def demand(self, resource: BaseModel) -> None:
        """Raise PreconditionFailed if the call demands another state of the resource."""
        condition = self.request.headers.get("if-match")
        if condition and not matches_version(condition, entity_tag(resource)):
            raise PreconditionFailed("The resource has changed; read it again and repeat the call.")

    def question(self, *apart: str) -> str:
        """Return the path and the query without the parameters named: a cursor is bound to it."""
        query = {name: each for name, each in self.request.query.items() if name not in apart}
        return "/".join(self.request.segments) + "?" + urlencode(sorted(query.items()))


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. `location` is a path under /manage/v1.

    `resource` is what the entity tag stands for, if the body says more. `csv` is instead of a body.
    """

    body: BaseModel | None = None
    location: str = ""
    resource: BaseModel | None = None
    csv: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of the query."""

    name: str
    meaning: str
    schema: Mapping[str, Any] = field(default_factory=lambda: {"type": "string"})


Handler = Callable[[Managed], Awaitable[Reply]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path behind the family's name, such as `{directory}/tokens/{token}`.

    `takes` and `gives` are the models of the bodies.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    gives: type[BaseModel] | None
    takes: type[BaseModel] | None = None
    status: int = 200
    query: tuple[Parameter, ...] = ()

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return the parts of a path that fits, else None."""
        names = [name for name in self.path.split("/") if name]
        if len(names) != len(segments):
            return None
        parts: dict[str, str] = {}
        for name, segment in zip(names, segments, strict=True):
            if name.startswith("{"):
                parts[name[1:-1]] = segment
            elif name != segment.lower():
                return None
        return parts


async def answer(
    provider: Provider, req: func.HttpRequest, routes: Sequence[Route]
) -> func.HttpResponse:
    """Answer a call; every refusal and fault becomes a problem document."""
    message_id = "unknown"
    try:
        services = provider()
        now = services.now()
        message_id = resource_id(now)
        request = read_request(req)
        request.check_query()
        route, parts = _route(routes, request)
        # The host checks the function key and does not tell the worker which one it was.
        agent = request.headers.get("user-agent", "")
        by = By("management key", message_id, now, agent, request.traceparent, services.now)
        answered = await _answered(Managed(services, request, parts, by), route)
        response = _response(answered, request)
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        response = problem(responses.to_error(error, message_id), message_id)
    response.headers["x-message-id"] = message_id
    return response


def _route(routes: Sequence[Route], request: Request) -> tuple[Route, dict[str, str]]:
    behind = request.segments[3:]  # manage, v1, the family
    matches = {
        route.method: (route, parts)
        for route in routes
        if (parts := route.match(behind)) is not None
    }
    if not matches:
        raise NotFound("There is nothing under this path of the management API.")
    if request.method not in matches:
        allow = ", ".join(sorted(matches))
        raise MethodNotAllowed(f"Possible here: {allow}.", headers={"Allow": allow})
    return matches[request.method]


async def _answered(call: Managed, route: Route) -> Answered:
    key = call.request.headers.get("idempotency-key")
    if key is None or route.method != "POST":
        return _rendered(call, route, await route.handler(call))
    keyed = Keyed.read(key, call.question(), call.request.body)
    kept = call.services.idempotency
    if first := await kept.begin(keyed):
        return first
    try:
        reply = await route.handler(call)
    except BaseException:
        await kept.abandon(keyed)
        raise
    await kept.finish(keyed, _rendered(call, route, reply, AGAIN))
    return _rendered(call, route, reply)


def _rendered(call: Managed, route: Route, reply: Reply, context: object = None) -> Answered:
    headers = dict(reply.headers)
    if reply.location:
        headers["Location"] = f"{call.services.public_base}{ROOT}/{reply.location}"
    if reply.csv is not None:
        headers["Content-Type"] = CSV
        return Answered(route.status, headers, reply.csv)
    if reply.body is None:
        return Answered(204, headers, "")
    headers["ETag"] = entity_tag(reply.resource or reply.body)
    return Answered(route.status, headers, _json(reply.body, context))


def entity_tag(resource: BaseModel) -> str:
    """Return the entity tag of what a GET of the resource answers."""
    return f'"{sha256(_json(resource).encode()).hexdigest()[:32]}"'


def _json(body: BaseModel, context: object = None) -> str:
    return body.model_dump_json(by_alias=True, context=context)


def _response(answered: Answered, request: Request) -> func.HttpResponse:
    headers = dict(answered.headers)
    if request.method == "GET" and "ETag" in headers:
        condition = request.headers.get("if-none-match")
        if condition and matches_version(condition, headers["ETag"]):
            return func.HttpResponse(status_code=304, headers=headers)
    media_type = headers.pop("Content-Type", "application/json")
    return func.HttpResponse(
        answered.body, status_code=answered.status, headers=headers, mimetype=media_type
    )
