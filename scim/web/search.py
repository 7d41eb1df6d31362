"""POST /.search: one question to all resource types (RFC 7644 §3.4.3)."""

from __future__ import annotations

import azure.functions as func

from scim.protocol.errors import InvalidCursor, NotFound
from scim.protocol.lists import Paging, list_response
from scim.web import groups, responses, users
from scim.web.exchange import Exchange, by_method
from scim.web.lists import Question


async def serve(exchange: Exchange) -> func.HttpResponse:
    """Answer a search over users, then groups."""

    async def search() -> func.HttpResponse:
        if exchange.rest:
            raise NotFound("Nothing is served below .search.")
        message = {name.lower(): value for name, value in exchange.request.object().items()}
        if "cursor" in message:
            raise InvalidCursor("A search over all types pages by startIndex, not by cursor.")
        user, group = users.endpoint(exchange), groups.endpoint(exchange)
        of_users = Question(exchange, user, message, beside=[group.kind])
        of_groups = Question(exchange, group, message, beside=[user.kind])
        paging = of_users.paging()
        found, total_users = await of_users.page(paging)
        first = max(paging.start_index - total_users, 1)
        more, total_groups = await of_groups.page(Paging(first, paging.count - len(found)))
        body = list_response([*found, *more], total_users + total_groups, paging.start_index)
        return responses.scim(exchange.request, 200, body)

    return await by_method(exchange, {"POST": search})
