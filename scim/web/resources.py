"""The endpoints of a resource type (RFC 7644 §3.2): the same for users and groups."""

from __future__ import annotations

from typing import Generic

import azure.functions as func

from scim.protocol.errors import NotFound
from scim.protocol.projection import Projection, read_projection
from scim.provisioning.changes.preconditions import check_preconditions, matches_version
from scim.provisioning.queries.collections import Stored
from scim.web import lists, responses
from scim.web.endpoint import Endpoint
from scim.web.exchange import Exchange, by_method


async def serve(exchange: Exchange, endpoint: Endpoint[Stored]) -> func.HttpResponse:
    """Answer a call on the collection, on one resource, or on .search."""
    calls = _Calls(exchange, endpoint)
    match exchange.rest:
        case ():
            return await by_method(exchange, {"GET": calls.list, "POST": calls.create})
        case (name,) if name.lower() == ".search":
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
        known, version = self._exchange.call.if_none_match, found.resource["meta"]["version"]
        if known and matches_version(known, version):
            return responses.scim(self._request, 304, headers={"ETag": version})
        check_preconditions(self._exchange.call, found.resource)
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
        full = await self._endpoint.show(after, lambda _: False)
        return func.HttpResponse(status_code=204, headers=responses.entity_tag(full))

    async def delete(self) -> func.HttpResponse:
        await self._endpoint.provisioner.delete(self._exchange.call, self._id)
        return func.HttpResponse(status_code=204)

    async def list(self) -> func.HttpResponse:
        return await lists.answer(self._exchange, self._endpoint, self._request.query)

    async def search(self) -> func.HttpResponse:
        # RFC 7644 §3.4.3: the parameters of a GET, in a body.
        message = {name.lower(): value for name, value in self._request.object().items()}
        return await lists.answer(self._exchange, self._endpoint, message)

    @property
    def _id(self) -> str:
        return self._exchange.rest[0]

    @property
    def _limit(self) -> int:
        return self._exchange.services.limits.body[self._endpoint.kind.name]

    def _projection(self) -> Projection:
        return read_projection(
            self._request.names("attributes"),
            self._request.names("excludedAttributes"),
            self._endpoint.kind,
        )

    async def _resource(
        self, status: int, stored: Stored, projection: Projection
    ) -> func.HttpResponse:
        full = await self._endpoint.show(stored, projection.wants)
        return responses.resource(self._request, status, projection.apply(full), full)
