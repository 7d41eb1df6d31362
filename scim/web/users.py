"""The Users endpoint (RFC 7644 §3.2)."""

from __future__ import annotations

import functools

import azure.functions as func

from scim import dialects
from scim.protocol.errors import InvalidValue, NotFound
from scim.protocol.filter import Filter
from scim.protocol.lists import Paging, list_response, read_paging
from scim.protocol.projection import Projection, read_projection
from scim.protocol.schema import Json
from scim.provisioning import presentation
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.versions import matches_version
from scim.web import responses
from scim.web.exchange import Exchange, by_method


async def serve(exchange: Exchange) -> func.HttpResponse:
    """Answer a call on /Users, /Users/{id} or /Users/.search."""
    match exchange.rest:
        case ():
            return await by_method(exchange, {"GET": _list, "POST": _create})
        case (".search",):
            return await by_method(exchange, {"POST": _search})
        case (_,):
            methods = {"GET": _get, "PUT": _replace, "PATCH": _patch, "DELETE": _delete}
            return await by_method(exchange, methods)
        case _:
            raise NotFound("Nothing is served below a user; ask for /Users/{id}.")


async def _create(exchange: Exchange) -> func.HttpResponse:
    projection = _projection(exchange)
    body = exchange.request.object()
    user = await exchange.services.users.create(exchange.call, body)
    return _resource(exchange, 201, user, projection)


async def _get(exchange: Exchange) -> func.HttpResponse:
    projection = _projection(exchange)
    user = await exchange.services.users.get(exchange.directory.id, exchange.rest[0])
    known = exchange.request.headers.get("if-none-match")
    version = user.resource["meta"]["version"]
    if known and matches_version(known, version):
        return responses.scim(exchange.request, 304, headers={"ETag": version})
    return _resource(exchange, 200, user, projection)


async def _replace(exchange: Exchange) -> func.HttpResponse:
    projection = _projection(exchange)
    body = exchange.request.object()
    user = await exchange.services.users.replace(exchange.call, exchange.rest[0], body)
    return _resource(exchange, 200, user, projection)


async def _patch(exchange: Exchange) -> func.HttpResponse:
    # RFC 7644 §3.5.2 permits 204; the body is what all known clients take.
    projection = _projection(exchange)
    message = exchange.request.object()
    user = await exchange.services.users.patch(exchange.call, exchange.rest[0], message)
    return _resource(exchange, 200, user, projection)


async def _delete(exchange: Exchange) -> func.HttpResponse:
    await exchange.services.users.delete(exchange.call, exchange.rest[0])
    return func.HttpResponse(status_code=204)


async def _list(exchange: Exchange) -> func.HttpResponse:
    query = exchange.request.query
    limits = exchange.services.limits
    paging = read_paging(
        query.get("startindex"),
        query.get("count"),
        default_count=limits.page,
        max_count=limits.page_max,
    )
    return await _answer(exchange, query.get("filter"), paging, _projection(exchange))


async def _search(exchange: Exchange) -> func.HttpResponse:
    """Answer a SearchRequest (RFC 7644 §3.4.3): the parameters of a GET in a body."""
    message = {name.lower(): value for name, value in exchange.request.object().items()}
    limits = exchange.services.limits
    paging = read_paging(
        message.get("startindex"),
        message.get("count"),
        default_count=limits.page,
        max_count=limits.page_max,
    )
    projection = read_projection(
        _name_list(message, "attributes"),
        _name_list(message, "excludedattributes"),
        exchange.services.users.kind,
    )
    condition = message.get("filter")
    if condition is not None and not isinstance(condition, str):
        raise InvalidValue("filter has to be a string, as in a query.")
    return await _answer(exchange, condition, paging, projection)


def _name_list(message: Json, name: str) -> list[str] | None:
    value = message.get(name)
    if value is None:
        return None
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise InvalidValue(f"{name} has to be a list of attribute names.")
    return names


async def _answer(
    exchange: Exchange, condition: str | None, paging: Paging, projection: Projection
) -> func.HttpResponse:
    show = functools.partial(presentation.user, base=exchange.base)
    queries = exchange.services.user_queries
    if condition is None:
        found = await queries.page(exchange.directory.id, paging)
    else:
        read = _read_filter(exchange, condition)
        found = await queries.matching(exchange.directory.id, read, paging, show)
    shown = [projection.apply(show(user)) for user in found.users]
    body = list_response(shown, found.total, paging.start_index)
    return responses.scim(exchange.request, 200, body)


def _read_filter(exchange: Exchange, text: str) -> Filter:
    kind = exchange.services.users.kind
    return dialects.standard_filter(text, kind, exchange.call.quirks)


def _projection(exchange: Exchange) -> Projection:
    return read_projection(
        exchange.request.names("attributes"),
        exchange.request.names("excludedAttributes"),
        exchange.services.users.kind,
    )


def _resource(
    exchange: Exchange, status: int, user: StoredUser, projection: Projection
) -> func.HttpResponse:
    full = presentation.user(user, exchange.base)
    return responses.resource(exchange.request, status, projection.apply(full), full)
