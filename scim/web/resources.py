"""The endpoints of a resource type (RFC 7644 §3.2): the same for users and groups."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic

import azure.functions as func

from scim import dialects
from scim.protocol.errors import InvalidValue, NotFound
from scim.protocol.filter import Filter
from scim.protocol.lists import Paging, list_response, read_paging
from scim.protocol.projection import Projection, read_projection
from scim.protocol.schema import Json, Resource, ResourceType
from scim.provisioning.collections import Stored
from scim.provisioning.lookups import mentions
from scim.provisioning.queries import Queries
from scim.provisioning.versions import matches_version
from scim.web import responses
from scim.web.exchange import Exchange, by_method
from scim.web.services import Provisioner


@dataclass(frozen=True, slots=True)
class Endpoint(Generic[Stored]):
    """One resource type: who provisions it, who finds it, and how it is shown.

    `show` returns the whole resource as far as the names in `wants` need it; `patch_shows` tells
    whether a PATCH is answered with the resource even when nobody asks.
    """

    kind: ResourceType
    provisioner: Provisioner[Stored]
    queries: Queries[Stored]
    show: Callable[[Stored, Callable[[str], bool]], Awaitable[Resource]]
    patch_shows: bool


async def serve(exchange: Exchange, endpoint: Endpoint[Stored]) -> func.HttpResponse:
    """Answer a call on the collection, on one resource, or on .search."""
    calls = _Calls(exchange, endpoint)
    match exchange.rest:
        case ():
            return await by_method(exchange, {"GET": calls.list, "POST": calls.create})
        case (".search",):
            return await by_method(exchange, {"POST": calls.search})
        case (_,):
            methods = {
                "GET": calls.get,
                "PUT": calls.replace,
                "PATCH": calls.patch,
                "DELETE": calls.delete,
            }
            return await by_method(exchange, methods)
        case _:
            path = f"{endpoint.kind.endpoint}/{{id}}"
            raise NotFound(f"Nothing is served below a resource; ask for {path}.")


class _Calls(Generic[Stored]):
    """The calls of one exchange."""

    def __init__(self, exchange: Exchange, endpoint: Endpoint[Stored]) -> None:
        self._exchange = exchange
        self._endpoint: Endpoint[Stored] = endpoint
        self._request = exchange.request

    async def create(self) -> func.HttpResponse:
        projection = self._projection()
        body = self._request.object(self._limit)
        made = await self._endpoint.provisioner.create(self._exchange.call, body)
        return await self._resource(201, made, projection)

    async def get(self) -> func.HttpResponse:
        projection = self._projection()
        found = await self._endpoint.provisioner.get(self._exchange.directory.id, self._id)
        known = self._request.headers.get("if-none-match")
        version = found.resource["meta"]["version"]
        if known and matches_version(known, version):
            return responses.scim(self._request, 304, headers={"ETag": version})
        return await self._resource(200, found, projection)

    async def replace(self) -> func.HttpResponse:
        projection = self._projection()
        body = self._request.object(self._limit)
        after = await self._endpoint.provisioner.replace(self._exchange.call, self._id, body)
        return await self._resource(200, after, projection)

    async def patch(self) -> func.HttpResponse:
        projection = self._projection()
        message = self._request.object(self._limit)
        after = await self._endpoint.provisioner.patch(self._exchange.call, self._id, message)
        # RFC 7644 §3.5.2: 204 is permitted unless attributes were asked for.
        if self._endpoint.patch_shows or self._request.names("attributes") is not None:
            return await self._resource(200, after, projection)
        return func.HttpResponse(status_code=204)

    async def delete(self) -> func.HttpResponse:
        await self._endpoint.provisioner.delete(self._exchange.call, self._id)
        return func.HttpResponse(status_code=204)

    async def list(self) -> func.HttpResponse:
        query = self._request.query
        paging = self._paging(query.get("startindex"), query.get("count"))
        return await self._answer(query.get("filter"), paging, self._projection())

    async def search(self) -> func.HttpResponse:
        """Answer a SearchRequest (RFC 7644 §3.4.3): the parameters of a GET in a body."""
        message = {name.lower(): value for name, value in self._request.object().items()}
        condition = message.get("filter")
        if condition is not None and not isinstance(condition, str):
            raise InvalidValue("filter has to be a string, as in a query.")
        projection = read_projection(
            _name_list(message, "attributes"),
            _name_list(message, "excludedAttributes"),
            self._endpoint.kind,
        )
        paging = self._paging(message.get("startindex"), message.get("count"))
        return await self._answer(condition, paging, projection)

    @property
    def _id(self) -> str:
        return self._exchange.rest[0]

    @property
    def _limit(self) -> int:
        return self._exchange.services.limits.body[self._endpoint.kind.name]

    def _paging(self, start_index: Json, count: Json) -> Paging:
        limits = self._exchange.services.limits
        return read_paging(start_index, count, default_count=limits.page, max_count=limits.page_max)

    def _projection(self) -> Projection:
        return read_projection(
            self._request.names("attributes"),
            self._request.names("excludedAttributes"),
            self._endpoint.kind,
        )

    def _filter(self, text: str) -> Filter:
        return dialects.standard_filter(text, self._endpoint.kind, self._exchange.call.quirks)

    async def _answer(
        self, condition: str | None, paging: Paging, projection: Projection
    ) -> func.HttpResponse:
        directory, queries = self._exchange.directory.id, self._endpoint.queries
        if condition is None:
            found = await queries.page(directory, paging)
        else:
            read = self._filter(condition)

            async def show(stored: Stored) -> Resource:
                return await self._endpoint.show(stored, lambda name: mentions(read, name))

            found = await queries.matching(directory, read, paging, show)
        shown = [
            projection.apply(await self._endpoint.show(each, projection.wants))
            for each in found.resources
        ]
        body = list_response(shown, found.total, paging.start_index)
        return responses.scim(self._request, 200, body)

    async def _resource(
        self, status: int, stored: Stored, projection: Projection
    ) -> func.HttpResponse:
        full = await self._endpoint.show(stored, projection.wants)
        return responses.resource(self._request, status, projection.apply(full), full)


def _name_list(message: Json, name: str) -> list[str] | None:
    value = message.get(name.lower())
    if value is None:
        return None
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise InvalidValue(f"{name} has to be a list of attribute names.")
    return names
