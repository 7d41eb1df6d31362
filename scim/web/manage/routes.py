"""Families of management calls: a function each, with its own table of routes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import azure.functions as func
import orjson

from scim.protocol.errors import MethodNotAllowed, NotFound
from scim.provisioning.directories import Directory
from scim.provisioning.identifiers import resource_id
from scim.web import responses
from scim.web.manage.problems import problem
from scim.web.requests import Request, read_request
from scim.web.scim import METHODS
from scim.web.services import Provider, Services


@dataclass(frozen=True, slots=True)
class Managed:
    """One management call; `parts` are what stands for `{name}` in the route."""

    services: Services
    request: Request
    parts: Mapping[str, str]
    message_id: str

    async def directory(self) -> Directory:
        """Return the directory that the path names. Raises NotFound."""
        found = await self.services.directories.read(self.parts["directory"])
        if found is None:
            raise NotFound(f"There is no directory {self.parts['directory'][:100]!r}.")
        return found


Handler = Callable[[Managed], Awaitable[func.HttpResponse]]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path behind the family's name, such as `{directory}/tokens/{token}`."""

    method: str
    path: str
    handler: Handler

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


def register(
    functions: func.Blueprint, provider: Provider, family: str, routes: Sequence[Route]
) -> None:
    """Register the function of a family of calls under /manage/v1/{family}."""

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(provider, req, routes)

    functions.function_name(f"manage_{family.replace('-', '_')}")(
        functions.route(
            route=f"manage/v1/{family}/{{*rest}}",
            methods=METHODS,
            auth_level=func.AuthLevel.FUNCTION,
        )(serve)
    )


async def _answer(
    provider: Provider, req: func.HttpRequest, routes: Sequence[Route]
) -> func.HttpResponse:
    """Answer a call; every refusal and fault becomes a problem document."""
    message_id = "unknown"
    try:
        services = provider()
        message_id = resource_id(services.now())
        request = read_request(req)
        handler, parts = _route(routes, request)
        response = await handler(Managed(services, request, parts, message_id))
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        response = problem(responses.to_error(error, message_id), message_id)
    response.headers["x-message-id"] = message_id
    return response


def _route(routes: Sequence[Route], request: Request) -> tuple[Handler, dict[str, str]]:
    behind = request.segments[3:]  # manage, v1, the family
    matches = {
        route.method: (route.handler, parts)
        for route in routes
        if (parts := route.match(behind)) is not None
    }
    if not matches:
        raise NotFound("There is nothing under this path of the management API.")
    if request.method not in matches:
        allow = ", ".join(sorted(matches))
        raise MethodNotAllowed(f"Possible here: {allow}.", headers={"Allow": allow})
    return matches[request.method]


def answer(
    status: int,
    body: Any,  # noqa: ANN401 - any JSON
    headers: Mapping[str, str] | None = None,
) -> func.HttpResponse:
    """Return a JSON answer."""
    return func.HttpResponse(
        orjson.dumps(body),
        status_code=status,
        headers=dict(headers or {}),
        mimetype="application/json",
    )
