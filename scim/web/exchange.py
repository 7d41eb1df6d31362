"""One SCIM call: the authenticated request with everything its handler needs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import azure.functions as func

from scim.protocol.errors import MethodNotAllowed
from scim.provisioning.directories.stored import Directory
from scim.provisioning.log.entries import Call
from scim.web.requests import Request
from scim.web.services import Services


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call on one directory; `rest` are the path segments behind the resource's endpoint."""

    services: Services
    request: Request
    directory: Directory
    call: Call
    rest: tuple[str, ...]

    @property
    def base(self) -> str:
        """Return the directory's Base URL."""
        return self.services.base_url(self.directory.id)


Handler = Callable[[Exchange], Awaitable[func.HttpResponse]]
Methods = Mapping[str, Callable[[], Awaitable[func.HttpResponse]]]


async def by_method(exchange: Exchange, methods: Methods) -> func.HttpResponse:
    """Call the handler of the method; HEAD is GET without a body, OPTIONS tells the methods."""
    method = exchange.request.method
    handler = methods.get("GET" if method == "HEAD" else method)
    if handler is not None:
        return await handler()
    allowed = [*methods, "OPTIONS"] + (["HEAD"] if "GET" in methods else [])
    allow = {"Allow": ", ".join(sorted(allowed))}
    if method == "OPTIONS":
        return func.HttpResponse(status_code=204, headers=allow)
    raise MethodNotAllowed(
        f"{method} is not possible here; possible are {allow['Allow']}.", headers=allow
    )
