"""The Users endpoint."""

from __future__ import annotations

from collections.abc import Callable

import azure.functions as func

from scim.protocol.schema import Resource
from scim.provisioning.queries import presentation
from scim.provisioning.rules.access_extension import ACCESS_URN
from scim.provisioning.stored_users import StoredUser
from scim.web import resources
from scim.web.endpoint import Endpoint
from scim.web.exchange import Exchange


async def serve(exchange: Exchange) -> func.HttpResponse:
    """Answer a call on /Users."""
    return await resources.serve(exchange, endpoint(exchange))


def endpoint(exchange: Exchange) -> Endpoint[StoredUser]:
    """Return the endpoint. A PATCH shows the user: some clients take nothing else."""

    async def show(user: StoredUser, wants: Callable[[str], bool]) -> Resource:
        return presentation.user(user, exchange.base, access=wants(ACCESS_URN))

    services = exchange.services
    return Endpoint(
        services.users.kind, services.users, services.user_queries, show, patch_shows=True
    )
