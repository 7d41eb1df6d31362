"""What the log says of a change of a group."""

from __future__ import annotations

from scim.protocol.schema import Resource
from scim.provisioning.log import Call, Did, LogEntry, Target, changed_names
from scim.provisioning.memberships import Delta
from scim.provisioning.stored_groups import StoredGroup


def target(group: Resource) -> Target:
    """Return the group as the log names it."""
    return Target(type="Group", id=group["id"], identifier=group["displayName"][:200])


def changed(
    call: Call, before: StoredGroup | None, after: StoredGroup, delta: Delta, *, members: bool
) -> LogEntry:
    """Return the entry of a new or changed group.

    `members`: the entry's commit holds the memberships too, so it counts them.
    """
    names = changed_names(before.resource if before else {}, after.resource)
    did = [Did.CREATE] if before is None else [Did.UPDATE] if names else []
    if delta.joins.ids:
        did.append(Did.ADD_MEMBERS)
    if delta.leaves.ids:
        did.append(Did.REMOVE_MEMBERS)
    adds = {"groups": int(before is None)}
    if members:
        adds["memberships"] = len(delta.joins.ids) - len(delta.leaves.ids)
    return call.entry(did, target(after.resource), changes=names, adds=_without_zeros(adds))


def deleted(call: Call, group: StoredGroup, members: int) -> LogEntry:
    """Return the entry of a deleted group whose commit ends so many memberships."""
    adds = {"groups": -1, "groupsDeleted": 1, "memberships": -members}
    return call.entry([Did.DELETE], target(group.resource), adds=_without_zeros(adds))


def _without_zeros(adds: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in adds.items() if number}
