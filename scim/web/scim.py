"""The functions under /scim: one per resource, and one for every path that is none."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import azure.functions as func

from scim.protocol.errors import InvalidVersion, NotFound, NotImplementedHere, ScimError
from scim.provisioning.identifiers import resource_id
from scim.web import bulk, calls, discovery, failures, groups, responses, search, users
from scim.web.authentication import admit, is_read
from scim.web.exchange import Exchange, Handler
from scim.web.requests import Request, read_request
from scim.web.services import Provider, Services

# Every method is declared: the host answers one that is not with a bare 404.
METHODS = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")


async def _not_served(exchange: Exchange) -> func.HttpResponse:
    raise NotImplementedHere(f"/{exchange.request.segments[3]} is not supported here.")


ENDPOINTS: Mapping[str, Handler] = {
    "Users": users.serve,
    "Groups": groups.serve,
    ".search": search.serve,
    "ServiceProviderConfig": discovery.service_provider_config,
    "ResourceTypes": discovery.resource_types,
    "Schemas": discovery.schemas,
    "Bulk": bulk.serve,
    "Me": _not_served,
}
_BY_LOWER_NAME = {name.lower(): handler for name, handler in ENDPOINTS.items()}


def blueprint(services: Provider) -> func.Blueprint:
    """Return the functions. The host picks by function name, in alphabetical order."""
    functions = func.Blueprint()

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        return await answer(services, req)

    for name in ENDPOINTS:
        functions.function_name(f"scim_{name.strip('.')}")(
            functions.route(route=f"scim/v2/{{directory}}/{name}/{{*rest}}", methods=METHODS)(serve)
        )
    # Sorts behind all others: unknown paths, and known ones with doubled slashes.
    functions.function_name("unmatched_scim")(
        functions.route(route="scim/{*rest}", methods=METHODS)(serve)
    )
    return functions


async def answer(provider: Provider, req: func.HttpRequest) -> func.HttpResponse:
    """Answer any call under /scim; every refusal and fault becomes a SCIM error."""
    message_id = ""
    try:
        services = provider()
        now = services.now()
        message_id = resource_id(now)
        response = await _dispatch(services, req, message_id, now)
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        message_id = message_id or "unknown"
        response = responses.problem(
            req.headers.get("accept", ""),
            req.method.upper(),
            responses.to_error(error, message_id),
            message_id,
        )
    response.headers["x-message-id"] = message_id
    return response


async def _dispatch(
    services: Services, req: func.HttpRequest, message_id: str, started: datetime
) -> func.HttpResponse:
    request = read_request(req)
    match request.segments:
        case (_, "v2" | "V2", directory_id, endpoint, *rest):
            directory, token = await failures.authenticated(
                services, request, directory_id, message_id
            )
        case _:
            refusal = _astray(request)
            failures.note_astray(services, request, refusal)
            raise refusal
    call = calls.begin(services, request, directory, token, message_id, started)
    exchange = Exchange(services, request, directory, call, tuple(rest))
    try:
        request.check_query()
        admit(directory, token, request)
        services.rate.take(directory.id, call.policy.requests_per_second)
        response = await _handler(endpoint)(exchange)
        read = is_read(request)
        services.contacts.note(directory.id, call.quirks, read=read, changed=not read)
    except Exception as error:
        refusal = responses.to_error(error, message_id)
        path = (endpoint, *rest)
        body = failures.body_of(request)
        services.contacts.note(directory.id, call.quirks, read=False, changed=False)
        await failures.keep(services, call, request.method, path, body, refusal)
        raise refusal from error
    return response


def _astray(request: Request) -> ScimError:
    if "".join(request.segments[1:2]).lower() == "v2":
        return NotFound("The Base URL is /scim/v2/{directory}; a resource follows it.")
    return InvalidVersion("Only version v2 of SCIM is served: /scim/v2/{directory}.")


def _handler(endpoint: str) -> Handler:
    handler = _BY_LOWER_NAME.get(endpoint.lower())
    if handler is None:
        raise NotFound(f"There is no {endpoint[:100]}; served are {', '.join(ENDPOINTS)}.")
    return handler
