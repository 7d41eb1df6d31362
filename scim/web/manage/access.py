"""Access: who has which role in which tenant, by which rules."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlencode

from scim.protocol.errors import InvalidValue, NotFound
from scim.provisioning.access_report import Holder, Wanted, gives_access, holders
from scim.provisioning.stored_directories import Directory
from scim.web.manage.csv_text import csv_text
from scim.web.manage.models import Shown
from scim.web.manage.pages import PAGING, Page, limit_of
from scim.web.manage.routes import ROOT, Managed, Parameter, Reply, Route


class Access(Shown):
    """A role that a user has in a tenant, and the ids of the rules that grant it."""

    directory: str
    directory_state: Literal["active", "paused", "deleted"]
    user_id: str
    user_name: str
    tenant: str
    role: str
    rules: tuple[str, ...]


async def _list(call: Managed) -> Reply:
    services, query = call.services, call.request.query
    as_csv = _as_csv(call)
    limit, question = limit_of(call), call.question("limit", "cursor", "format")
    after: list[str] = []
    if cursor := query.get("cursor"):
        opened = await services.cursors.open("", question, cursor)
        after = opened if isinstance(opened, list) else []
    wanted = Wanted(query.get("tenant"), query.get("role"), query.get("username"))
    found, place = await holders(services.storage, await _directories(call), wanted, after, limit)
    items = tuple(_shown(each) for each in found)
    next_cursor = await services.cursors.seal("", question, place) if place else None
    if as_csv:
        return Reply(csv=csv_text(Access, items), headers=_following(call, next_cursor))
    return Reply(Page[Access](items=items, next_cursor=next_cursor))


async def _directories(call: Managed) -> list[Directory]:
    name = call.request.query.get("directory")
    if name is None:
        return await call.services.directories.all()
    directory = await call.services.directories.read(name)
    if directory is None:
        raise NotFound(f"There is no directory {name[:100]!r}.")
    return [directory] if gives_access(directory) else []


def _following(call: Managed, next_cursor: str | None) -> dict[str, str]:
    """Return the header that leads to the next page (RFC 8288)."""
    if next_cursor is None:
        return {}
    query = urlencode({**call.request.query, "cursor": next_cursor})
    return {"Link": f'<{call.services.public_base}{ROOT}/access?{query}>; rel="next"'}


def _as_csv(call: Managed) -> bool:
    wanted = call.request.query.get("format")
    if wanted not in (None, "json", "csv"):
        raise InvalidValue("format has to be json or csv.")
    accept = call.request.headers.get("accept", "").lower()
    return wanted == "csv" or (wanted is None and "text/csv" in accept)


def _shown(holder: Holder) -> Access:
    state = holder.directory.state
    assert state != "purging"  # those are not listed
    return Access(
        directory=holder.directory.id,
        directory_state=state,
        user_id=holder.user.resource["id"],
        user_name=holder.user.resource["userName"],
        tenant=holder.access.tenant,
        role=holder.access.role,
        rules=holder.access.rules,
    )


ROUTES = (
    Route(
        "GET",
        "",
        _list,
        "List who has access, as JSON or as CSV (with the next page in the header Link)",
        gives=Page[Access],
        query=(
            Parameter("tenant", "Only in this tenant."),
            Parameter("role", "Only this role."),
            Parameter("userName", "Only of the users of this name, in any case."),
            Parameter("directory", "Only of this directory."),
            Parameter(
                "format",
                "json or csv; else Accept decides.",
                {"type": "string", "enum": ["json", "csv"]},
            ),
            *PAGING,
        ),
    ),
)
