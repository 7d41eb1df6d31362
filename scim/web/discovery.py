"""The discovery endpoints (RFC 7644 §4)."""

from __future__ import annotations

import azure.functions as func

from scim.protocol import discovery
from scim.protocol.errors import Forbidden, NotFound
from scim.protocol.lists import list_response
from scim.protocol.schema import Json
from scim.provisioning.queries.cursors import LIFE
from scim.web import responses
from scim.web.exchange import Exchange, by_method


async def service_provider_config(exchange: Exchange) -> func.HttpResponse:
    """Answer /ServiceProviderConfig: one object."""

    async def get() -> func.HttpResponse:
        if exchange.rest:
            raise NotFound("There is one ServiceProviderConfig, without an id.")
        limits = exchange.services.limits
        document = discovery.service_provider_config(
            exchange.base,
            default_page=limits.page,
            max_page=limits.page_max,
            cursor_seconds=int(LIFE.total_seconds()),
        )
        return _answer(exchange, document)

    return await by_method(exchange, {"GET": get})


async def resource_types(exchange: Exchange) -> func.HttpResponse:
    """Answer /ResourceTypes and /ResourceTypes/{name}."""
    kinds = exchange.services.resource_types
    documents = {kind.name: discovery.resource_type(kind, exchange.base) for kind in kinds}
    return await _collection(exchange, documents, "resource type")


async def schemas(exchange: Exchange) -> func.HttpResponse:
    """Answer /Schemas and /Schemas/{urn}."""
    known = discovery.schemas(exchange.services.resource_types)
    documents = {each.urn: discovery.schema(each, exchange.base) for each in known}
    return await _collection(exchange, documents, "schema")


async def _collection(
    exchange: Exchange, documents: dict[str, Json], kind: str
) -> func.HttpResponse:
    async def get() -> func.HttpResponse:
        match exchange.rest:
            case ():
                # RFC 7644 §4: no paging here.
                return _answer(exchange, list_response(list(documents.values()), len(documents), 1))
            case (name,):
                for known, document in documents.items():
                    if known.lower() == name.lower():
                        return _answer(exchange, document)
        raise NotFound(f"There is no such {kind}; those served are {', '.join(documents)}.")

    return await by_method(exchange, {"GET": get})


def _answer(exchange: Exchange, document: Json) -> func.HttpResponse:
    if "filter" in exchange.request.query:
        # RFC 7644 §4: a filter must not be ignored here.
        raise Forbidden("Discovery endpoints take no filter; leave it out.")
    return responses.scim(exchange.request, 200, document)
