"""The rows of a group and of its memberships, in both directions."""

from __future__ import annotations

import dataclasses

from scim.protocol.folding import fold
from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.changes import user_rows
from scim.provisioning.ports import Delete, Insert, Operation, Put, Replace
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import StoredGroup
from scim.provisioning.stored_users import Membership, StoredUser
from scim.provisioning.versions import touched

Subject = StoredUser | StoredGroup  # what can be a member


def unique_key(group: Resource) -> str:
    """Return the key of the index row that makes the displayName unique."""
    return rows.display_name(fold(group["displayName"]))


def insert(group: StoredGroup) -> list[Operation]:
    """Return the rows of a new group without members."""
    group_id = group.resource["id"]
    return [
        Insert(rows.group(group_id), _values(group)),
        *_index(group.resource, _index_keys(group.resource)),
        Put(rows.group_order(group_id), {"f": rows.FORMAT}),
    ]


def replace(before: StoredGroup, after: StoredGroup) -> list[Operation]:
    """Return the rows that change with a group; its own row guards all others."""
    old, new = _index_keys(before.resource), _index_keys(after.resource)
    return [
        Replace(rows.group(after.resource["id"]), _values(after), before.etag),
        *_index(after.resource, new - old),
        *(Delete(key, None) for key in sorted(old - new)),
    ]


def hide(before: StoredGroup, job: str) -> list[Operation]:
    """Return the rows that make a group leave: gone for clients, its memberships yet to clear."""
    leaving = dataclasses.replace(before, job=job, leaving=True)
    return [
        Replace(rows.group(before.resource["id"]), _values(leaving), before.etag),
        *_without(before),
    ]


def delete(group: StoredGroup) -> list[Operation]:
    """Return the removal of a group that has no members any more."""
    own = Delete(rows.group(group.resource["id"]), group.etag)
    return [own] if group.leaving else [own, *_without(group)]


def join(subject: Subject, group: StoredGroup, ruling: Ruling) -> list[Operation]:
    """Return the rows by which a user or group becomes a member; its own row guards them."""
    group_id = group.resource["id"]
    return [
        _touch(subject, group_id, _membership(group), ruling),
        _upward(subject, group),
        Put(
            rows.member(group_id, subject.resource["id"]),
            {"f": rows.FORMAT, "type": subject.resource["meta"]["resourceType"]},
        ),
    ]


def leave(subject: Subject, group_id: str, ruling: Ruling) -> list[Operation]:
    """Return the rows by which a user or group is a member no more."""
    return [
        _touch(subject, group_id, None, ruling),
        Delete(_upward_key(subject, group_id), None),
        Delete(rows.member(group_id, subject.resource["id"]), None),
    ]


def rename(subject: Subject, group: StoredGroup, ruling: Ruling) -> list[Operation]:
    """Return the rows by which a member shows the group's present name."""
    group_id = group.resource["id"]
    return [_touch(subject, group_id, _membership(group), ruling), _upward(subject, group)]


def is_member(subject: Subject, group_id: str) -> bool:
    """Whether the subject is a direct member of the group."""
    if isinstance(subject, StoredUser):
        return any(each.group == group_id for each in subject.memberships)
    return group_id in subject.parents


def shows_name(subject: Subject, group: StoredGroup) -> bool:
    """Whether the subject's membership shows the group's present name already."""
    if isinstance(subject, StoredGroup):
        return True
    group_id = group.resource["id"]
    return any(e.group == group_id and e.number >= group.number for e in subject.memberships)


def unlink(upward_key: str, member_key: str, group: StoredGroup | None) -> list[Operation]:
    """Return the rows by which a user or group that is deleted ends a membership.

    Its own row is the caller's and guards these. `group` is None when it is gone already.
    """
    ended: list[Operation] = [Delete(upward_key, None), Delete(member_key, None)]
    if group is None:
        return ended
    after = dataclasses.replace(group, resource=touched(group.resource))
    return [Replace(rows.group(group.resource["id"]), _values(after), group.etag), *ended]


def unlink_group(group: StoredGroup, parent_id: str, parent: StoredGroup | None) -> list[Operation]:
    """Return the rows by which a deleted group ends its membership of a parent."""
    group_id = group.resource["id"]
    return unlink(rows.parent(group_id, parent_id), rows.member(parent_id, group_id), parent)


def unlink_user(user_id: str, group_id: str, group: StoredGroup | None) -> list[Operation]:
    """Return the rows by which a deleted user ends a membership."""
    return unlink(rows.membership(user_id, group_id), rows.member(group_id, user_id), group)


def _touch(
    subject: Subject, group_id: str, membership: Membership | None, ruling: Ruling
) -> Operation:
    """Return the subject's own row, with its membership of the group as it is afterwards."""
    if isinstance(subject, StoredGroup):
        # Its representation does not show its parents: guard it, but keep its version.
        return Replace(rows.group(subject.resource["id"]), _values(subject), subject.etag)
    others = [each for each in subject.memberships if each.group != group_id]
    return user_rows.touch(subject, [*others, *([membership] if membership else [])], ruling)


def _membership(group: StoredGroup) -> Membership:
    return Membership(group.resource["id"], group.resource["displayName"], group.number)


def _upward(subject: Subject, group: StoredGroup) -> Operation:
    key = _upward_key(subject, group.resource["id"])
    if isinstance(subject, StoredGroup):
        return Put(key, {"f": rows.FORMAT})
    membership = _membership(group)
    return Put(key, {"f": rows.FORMAT, "name": membership.name, "number": membership.number})


def _upward_key(subject: Subject, group_id: str) -> str:
    subject_id = subject.resource["id"]
    if isinstance(subject, StoredGroup):
        return rows.parent(subject_id, group_id)
    return rows.membership(subject_id, group_id)


def keys_beside(group: Resource) -> set[str]:
    """Return the keys of all rows that follow from a group, memberships apart."""
    return {*_index_keys(group), rows.group_order(group["id"])}


def _without(group: StoredGroup) -> list[Operation]:
    return [Delete(key, None) for key in sorted(keys_beside(group.resource))]


def _values(group: StoredGroup) -> dict[str, str | int]:
    values: dict[str, str | int] = {"number": group.number}
    if group.job:
        values["job"] = group.job
    if group.leaving:
        values["leaving"] = 1
    return rows.pack(group.resource, **values)


def _index(group: Resource, keys: set[str]) -> list[Operation]:
    unique = unique_key(group)
    return [
        Insert(key, {"f": rows.FORMAT, "id": group["id"]})
        if key == unique
        else Put(key, {"f": rows.FORMAT})
        for key in sorted(keys)
    ]


def _index_keys(group: Resource) -> set[str]:
    keys = {unique_key(group)}
    if "externalId" in group:
        keys.add(rows.group_external_id(group["externalId"], group["id"]))
    return keys
