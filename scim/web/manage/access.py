"""Access: who has which role in which tenant, by which rules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from scim.protocol.errors import NotFound
from scim.provisioning.directories.stored import Directory
from scim.provisioning.queries.access_report import Holder, Wanted, gives_access, holders
from scim.web.manage.models import Shown
from scim.web.manage.pages import Page
from scim.web.manage.reports import REPORTING, report
from scim.web.manage.routes import Managed, Parameter, Reply, Route


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
    query, storage = call.request.query, call.services.storage
    wanted = Wanted(query.get("tenant"), query.get("role"), query.get("username"))
    directories = await _directories(call)

    async def read(after: object, limit: int) -> tuple[Sequence[Access], object]:
        place = after if isinstance(after, list) else []
        found, following = await holders(storage, directories, wanted, place, limit)
        return [_shown(each) for each in found], following

    return await report(call, read, Page[Access], (Access, lambda each: each))


async def _directories(call: Managed) -> list[Directory]:
    name = call.request.query.get("directory")
    if name is None:
        return await call.services.directories.all()
    directory = await call.services.directories.read(name)
    if directory is None:
        raise NotFound(f"There is no directory {name[:100]!r}.")
    return [directory] if gives_access(directory) else []


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
            *REPORTING,
        ),
    ),
)
