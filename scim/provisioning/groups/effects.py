"""What the log says of a change of a group."""

from __future__ import annotations

from scim.protocol.schema import Resource
from scim.provisioning.groups.memberships import Delta
from scim.provisioning.log.access_changes import AccessChanges
from scim.provisioning.log.entries import Call, Did, LogEntry, Target, changed_names
from scim.provisioning.stored_groups import StoredGroup


def target(group: Resource) -> Target:
    """Return the group as the log names it."""
    return Target(type="Group", id=group["id"], identifier=group["displayName"][:200])


def did(before: Resource, after: Resource, delta: Delta) -> list[Did]:
    """Return what a change does to a group; an empty `before` is a new group."""
    own = [Did.UPDATE] if changed_names(before, after) else []
    joined = [Did.ADD_MEMBERS] if delta.joins.ids else []
    left = [Did.REMOVE_MEMBERS] if delta.leaves.ids else []
    return [*(own if before else [Did.CREATE]), *joined, *left]


def changed(
    call: Call,
    before: StoredGroup | None,
    after: StoredGroup,
    delta: Delta,
    access: AccessChanges | None,
) -> LogEntry:
    """Return the entry of a new or changed group.

    `access` is what members gain and lose; None if a job changes the memberships, and counts them.
    """
    earlier = before.resource if before else {}
    adds = {"groups": int(before is None)}
    if access is not None:
        adds["memberships"] = len(delta.joins.ids) - len(delta.leaves.ids)
    return call.entry(
        did(earlier, after.resource, delta),
        target(after.resource),
        change=(earlier, after.resource),
        access=access,
        adds=_without_zeros(adds),
    )


def deleted(
    call: Call, group: StoredGroup, members: int, access: AccessChanges | None = None
) -> LogEntry:
    """Return the entry of a deleted group whose commit ends so many memberships."""
    adds = {"groups": -1, "groupsDeleted": 1, "memberships": -members}
    return call.entry(
        [Did.DELETE], target(group.resource), access=access, adds=_without_zeros(adds)
    )


def _without_zeros(adds: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in adds.items() if number}
