"""Lists (RFC 7644 §3.4.2): filter, sort, and pages by index or by cursor (RFC 9865)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic

import azure.functions as func

from scim import dialects
from scim.protocol.errors import InvalidCount, InvalidCursor, InvalidFilter, InvalidValue
from scim.protocol.lists import LIST_RESPONSE, Paging, list_response, read_paging
from scim.protocol.projection import read_projection
from scim.protocol.schema import Json, Resource, ResourceType
from scim.protocol.sorting import read_sort
from scim.provisioning.changes.enforcement import check_standard
from scim.provisioning.queries.collections import Stored
from scim.provisioning.queries.lookups import mentions
from scim.provisioning.queries.queries import Query
from scim.web import responses
from scim.web.endpoint import Endpoint
from scim.web.exchange import Exchange


async def answer(
    exchange: Exchange, endpoint: Endpoint[Stored], parameters: Mapping[str, Json]
) -> func.HttpResponse:
    """Answer a list; `parameters` by lower-case name: texts of a query, or JSON of a search."""
    asked = Question(exchange, endpoint, parameters)
    body = await (asked.by_cursor() if "cursor" in parameters else asked.by_index())
    return responses.scim(exchange.request, 200, body)


class Question(Generic[Stored]):
    """One question to one resource type, read and checked."""

    def __init__(
        self,
        exchange: Exchange,
        endpoint: Endpoint[Stored],
        parameters: Mapping[str, Json],
        beside: Sequence[ResourceType] = (),
    ) -> None:
        self._exchange = exchange
        self._endpoint: Endpoint[Stored] = endpoint
        self._parameters = parameters
        text = parameters.get("filter")
        if text is not None and not isinstance(text, str):
            raise InvalidValue("filter has to be a text, as in a query.")
        kind, quirks = endpoint.kind, exchange.call.quirks
        condition = None if text is None else dialects.standard_filter(text, kind, quirks)
        check_standard(exchange.call, InvalidFilter)
        sort = read_sort(parameters.get("sortby"), parameters.get("sortorder"), kind)
        self._query = Query(condition, sort, beside)
        self._projection = read_projection(
            _names(parameters, "attributes"), _names(parameters, "excludedAttributes"), kind
        )

    async def by_index(self) -> Resource:
        """Return the ListResponse of a page at a position (RFC 7644 §3.4.2.4)."""
        paging = self.paging()
        shown, total = await self.page(paging)
        return list_response(shown, total, paging.start_index)

    async def page(self, paging: Paging) -> tuple[list[Resource], int]:
        """Return the resources of a page, and how many there are in all."""
        directory, queries = self._exchange.directory.id, self._endpoint.queries
        if self._query == Query():
            found = await queries.page(directory, paging)
        else:
            found = await queries.matching(directory, self._query, paging, self._show)
        return await self._shown(found.resources), found.total

    async def by_cursor(self) -> Resource:
        """Return the ListResponse of a page behind a cursor (RFC 9865 §2)."""
        directory, cursors = self._exchange.directory.id, self._exchange.services.cursors
        sent = self._parameters["cursor"]
        if not isinstance(sent, str | None):
            raise InvalidCursor("cursor has to be a text; use `nextCursor` as it was answered.")
        bound = "\n".join(
            [
                self._endpoint.kind.name,
                *(
                    str(self._parameters.get(each, ""))
                    for each in ("filter", "sortby", "sortorder")
                ),
            ]
        )
        position = await cursors.open(directory, bound, sent) if sent else None
        try:
            count = self.paging().count
        except InvalidValue as error:
            raise InvalidCount(error.detail) from error
        body: dict[str, Any] = {"schemas": [LIST_RESPONSE]}
        if self._query == Query():
            _, body["totalResults"] = await self.page(Paging(1, 0))
        found: Sequence[Stored] = []
        if count:
            found, after = await self._endpoint.queries.following(
                directory, self._query, position, count, self._show
            )
            if after is not None:
                body["nextCursor"] = await cursors.seal(directory, bound, after)
        return {**body, "itemsPerPage": len(found), "Resources": await self._shown(found)}

    def paging(self) -> Paging:
        """Read startIndex and count."""
        limits = self._exchange.services.limits
        return read_paging(
            self._parameters.get("startindex"),
            self._parameters.get("count"),
            default_count=limits.page,
            max_count=limits.page_max,
        )

    async def _show(self, stored: Stored) -> Resource:
        condition = self._query.condition
        return await self._endpoint.show(
            stored, lambda name: condition is not None and mentions(condition, name)
        )

    async def _shown(self, found: Sequence[Stored]) -> list[Resource]:
        return [
            self._projection.apply(await self._endpoint.show(each, self._projection.wants))
            for each in found
        ]


def _names(parameters: Mapping[str, Json], name: str) -> list[str] | None:
    value = parameters.get(name.lower())
    if value is None:
        return None
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
        raise InvalidValue(f"{name} has to be a list of attribute names.")
    return names
