"""The status of a directory: totals, statistics to date, contacts, health."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from scim.provisioning.directories import status as read
from scim.provisioning.directories.status import Health
from scim.web.manage.models import Shown, Time
from scim.web.manage.routes import Managed, Reply, Route


class UserTotals(Shown):
    """Users that the directory holds."""

    active: int
    inactive: int


class UsersDone(Shown):
    """Calls that changed users."""

    created: int
    updated: int
    enabled: int
    disabled: int
    deleted: int


class GroupsDone(Shown):
    """Calls that changed groups."""

    created: int
    updated: int
    deleted: int
    members_added: int
    members_removed: int


class Done(Shown):
    """What was done in a time, and how many calls were refused or failed."""

    users: UsersDone
    groups: GroupsDone
    failed: int


class Statistics(Shown):
    """What was done today (UTC), in 7 and 30 days with today, and in all."""

    today: Done
    days7: Done
    days30: Done
    total: Done


class Contact(Shown):
    """When the identity provider was in touch, some minutes late.

    `intervalSeconds` is the usual time between its cycles. `unauthorized` counts calls without a
    valid credential, whoever made them.
    """

    first: Time | None
    last: Time | None
    last_change: Time | None
    interval_seconds: int | None
    requests: int
    reads: int
    unauthorized: int
    last_unauthorized: Time | None


class Status(Shown):
    """The status of a directory. `strictWouldRefuse` counts requests that needed a quirk.

    `health`: silent is an identity provider that was never in touch, or not for three of its usual
    intervals; failing one whose calls were mostly refused or failed of late, or that is not let in.
    """

    users: UserTotals
    groups: int
    memberships: int
    statistics: Statistics
    contact: Contact
    health: Health
    quirks: dict[str, int]
    strict_would_refuse: int


async def _status(call: Managed) -> Reply:
    directory = await call.directory()
    services = call.services
    found = await read.read_status(services.storage, services.contacts, directory.id, call.by.at)
    total, contacts = found.totals, found.contacts
    active = total.get("activeUsers", 0)
    interval = contacts.interval
    return Reply(
        Status(
            users=UserTotals(active=active, inactive=total.get("users", 0) - active),
            groups=total.get("groups", 0),
            memberships=total.get("memberships", 0),
            statistics=Statistics(
                today=_done(found.done[1]),
                days7=_done(found.done[7]),
                days30=_done(found.done[30]),
                total=_done(found.done[0]),
            ),
            contact=Contact(
                first=contacts.first,
                last=contacts.last,
                last_change=contacts.last_change,
                interval_seconds=None if interval is None else int(interval.total_seconds()),
                requests=contacts.requests,
                reads=contacts.reads,
                unauthorized=contacts.refused,
                last_unauthorized=contacts.last_refused,
            ),
            health=found.health,
            quirks=dict(contacts.quirks),
            strict_would_refuse=contacts.tolerated,
        )
    )


def _done(counted: Mapping[str, int]) -> Done:
    def of(name: str) -> int:
        return counted.get(name, 0)

    return Done(
        users=UsersDone(
            created=of("User.create"),
            updated=of("User.update"),
            enabled=of("User.enable"),
            disabled=of("User.disable"),
            deleted=of("User.delete"),
        ),
        groups=GroupsDone(
            created=of("Group.create"),
            updated=of("Group.update"),
            deleted=of("Group.delete"),
            members_added=of("Group.addMembers"),
            members_removed=of("Group.removeMembers"),
        ),
        failed=of("failed"),
    )


STATUS: Final = Route(
    "GET",
    "{directory}/status",
    _status,
    "Read totals, statistics to date, contacts and health of a directory",
    gives=Status,
)
