"""The Groups endpoint: members are read only where they are shown or asked for."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from scim.protocol.schema import Resource
from scim.provisioning.queries import presentation
from scim.provisioning.stored_groups import StoredGroup
from scim.web import resources
from scim.web.endpoint import Endpoint
from scim.web.exchange import Exchange


async def serve(exchange: Exchange) -> func.HttpResponse:
    """Answer a call on /Groups."""
    return await resources.serve(exchange, endpoint(exchange))


def endpoint(exchange: Exchange) -> Endpoint[StoredGroup]:
    """Return the endpoint. A PATCH answers 204: nobody wants all members of a large group back."""
    services = exchange.services

    async def show(group: StoredGroup, wants: Callable[[str], bool]) -> Resource:
        if not wants("members"):
            return presentation.group(group, exchange.base)
        found = services.groups.members(exchange.directory.id, group.resource["id"])
        return presentation.group(group, exchange.base, [each async for each in found])

    return Endpoint(
        services.groups.kind, services.groups, services.group_queries, show, patch_shows=False
    )
