"""The functions of the management API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import azure.functions as func

from scim.web.manage import (
    access,
    clients,
    directories,
    failed_events,
    federation,
    jobs,
    log,
    lookups,
    rule_previews,
    rule_sync,
    rules,
    status,
    tokens,
    why,
)
from scim.web.manage.openapi import Document, described
from scim.web.manage.routes import Managed, Reply, Route, register
from scim.web.services import Provider

FAMILIES: Final[Mapping[str, tuple[Route, ...]]] = {
    "directories": (
        *directories.ROUTES,
        *tokens.ROUTES,
        *clients.ROUTES,
        *federation.ROUTES,
        *lookups.ROUTES,
        log.DIRECTORY,
        status.STATUS,
        *failed_events.ROUTES,
        jobs.CHECK,
        jobs.ERASE,
        why.WHY,
    ),
    "jobs": jobs.ROUTES,
    "log": log.ROUTES,
    "rules": rules.ROUTES,
    "tenants": rules.TENANTS,
    "access": access.ROUTES,
    "rule-sync": rule_sync.ROUTES,
    "rule-previews": rule_previews.ROUTES,
}


async def _describe(call: Managed) -> Reply:
    return Reply(described(FAMILIES, call.services.public_base))


DESCRIPTION: Final = Route("GET", "", _describe, "Describe the management API", gives=Document)


def blueprint(provider: Provider) -> func.Blueprint:
    """Return a function per family of calls, and one that describes them."""
    functions = func.Blueprint()
    for family, routes in FAMILIES.items():
        register(functions, provider, family, routes)
    register(functions, provider, "openapi.json", [DESCRIPTION])
    return functions
