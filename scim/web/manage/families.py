"""The families of management calls, with all that they can answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

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
from scim.web.manage.addresses import DESCRIBED
from scim.web.manage.openapi import Document, described
from scim.web.manage.routes import Managed, Reply, Route

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


def routes_of(family: str) -> Sequence[Route]:
    """Return the routes of a family, or of `openapi.json`, which describes them all."""
    return (DESCRIPTION,) if family == DESCRIBED else FAMILIES[family]
