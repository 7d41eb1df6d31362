"""Look-ups for admins: users and groups of a directory by what people call them."""

from __future__ import annotations

from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.filter import And, AttributePath, Comparison
from scim.protocol.lists import Paging
from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.queries import presentation
from scim.provisioning.queries.queries import Query
from scim.provisioning.stored_groups import StoredGroup
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.users.former import FormerUser, latest_former, load_former
from scim.web.manage.models import Shown, Time
from scim.web.manage.pages import LIMIT_MAX, PAGING, Page, page
from scim.web.manage.routes import Managed, Parameter, Reply, Route

_ALL = Paging(start_index=1, count=LIMIT_MAX)


class FoundUser(Shown):
    """A user as SCIM shows it; with `deletedAt` the record that is left of a deleted one."""

    user: dict[str, Any]
    deleted_at: Time | None = None


class FoundGroup(Shown):
    """A group as SCIM shows it, without its members."""

    group: dict[str, Any]


async def _users(call: Managed) -> Reply:
    directory = await call.directory()
    base = call.services.base_url(directory.id)

    async def show(user: StoredUser) -> Resource:
        return presentation.user(user, base)

    asked = _asked(call, "userName", "externalId")
    found = await call.services.user_queries.matching(directory.id, _query(asked), _ALL, show)
    users = [FoundUser(user=await show(each)) for each in found.resources]
    users += [
        FoundUser(user=each.resource, deleted_at=each.deleted_at)
        for each in await _former(call, directory.id, asked)
    ]
    return Reply(await page(call, users, lambda each: [each.user["id"]], lambda each: each))


async def _groups(call: Managed) -> Reply:
    directory = await call.directory()
    base = call.services.base_url(directory.id)

    async def show(group: StoredGroup) -> Resource:
        return presentation.group(group, base)

    query = _query(_asked(call, "displayName"))
    found = await call.services.group_queries.matching(directory.id, query, _ALL, show)
    groups = [FoundGroup(group=await show(each)) for each in found.resources]
    return Reply(await page(call, groups, lambda each: [each.group["id"]], lambda each: each))


def _asked(call: Managed, *names: str) -> dict[str, str]:
    query = call.request.query
    asked = {name: query[name.lower()] for name in names if query.get(name.lower())}
    if not asked:
        raise InvalidValue(f"Say whom to look for: {' or '.join(names)} in the query.")
    return asked


def _query(asked: dict[str, str]) -> Query:
    return Query(
        And(
            tuple(
                Comparison(AttributePath(None, name), "eq", value) for name, value in asked.items()
            )
        )
    )


async def _former(call: Managed, directory: str, asked: dict[str, str]) -> list[FormerUser]:
    """Return the records of deleted users of that userName, the last one first."""
    storage, partition = call.services.storage, rows.partition(directory)
    following = await latest_former(storage, partition, asked.get("userName", ""))
    found: list[FormerUser] = []
    while following and (former := await load_former(storage, partition, following)):
        if asked.get("externalId") in (None, former.resource.get("externalId")):
            found.append(former)
        following = former.former
    return found


ROUTES = (
    Route(
        "GET",
        "{directory}/users",
        _users,
        "Find users by userName in any case, or by externalId",
        gives=Page[FoundUser],
        query=(Parameter("userName", "In any case."), Parameter("externalId", "Exact."), *PAGING),
    ),
    Route(
        "GET",
        "{directory}/groups",
        _groups,
        "Find groups by displayName in any case",
        gives=Page[FoundGroup],
        query=(Parameter("displayName", "In any case."), *PAGING),
    ),
)
