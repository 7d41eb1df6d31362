"""Groups: create, read, replace, patch and delete, at the same cost whatever their size."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from scim.protocol.errors import NotFound
from scim.protocol.patch import Operation as PatchOperation
from scim.protocol.resource import read_resource, replace, with_schemas
from scim.protocol.schema import Json, Resource, ResourceType
from scim.provisioning import rows
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.enforcement import check_allowed
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.changes.preconditions import check_preconditions
from scim.provisioning.changes.reading import patched, read_patch, standard_body
from scim.provisioning.groups import effects as group_log
from scim.provisioning.groups import memberships
from scim.provisioning.groups.deletion import GroupDeletion
from scim.provisioning.groups.member_changes import MemberChange, member_ids, split_members
from scim.provisioning.groups.memberships import Delta, Known
from scim.provisioning.groups.queue import GroupQueue
from scim.provisioning.groups.small_changes import SmallChange, SmallChanges, fits, is_small
from scim.provisioning.groups.storing import Storing
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, Did
from scim.provisioning.ports import Storage, Unavailable
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.stored_groups import (
    Member,
    StoredGroup,
    load_group,
    members_of,
)
from scim.provisioning.versions import created, touched, updated

JOB_WAIT: Final = timedelta(seconds=30)  # a change waits this long for the open job of its group
_PAUSE: Final = 0.1  # seconds between looks at such a group


class Groups:
    """The groups of all directories."""

    def __init__(
        self,
        storage: Storage,
        kind: ResourceType,
        now: Callable[[], datetime],
        work: Jobs,
        rules: RuleSets,
    ) -> None:
        self._storage = storage
        self.kind = kind
        self._now = now
        self._storing = Storing(storage, work, rules)
        self._deletion = GroupDeletion(storage, work, rules)
        self._small = SmallChanges(storage, kind, now, rules, self._ready)
        self._queue = GroupQueue[SmallChange, StoredGroup](self._small.make, fits)

    async def create(self, call: Call, body: Json) -> StoredGroup:
        """Store a new group and its members. Raises Uniqueness when the displayName is taken."""
        check_allowed(call, self.kind, [Did.CREATE])
        content, change = self._read(call, body)
        check_allowed(call, self.kind, [Did.ADD_MEMBERS] if change else [])
        group = StoredGroup(
            with_schemas(
                {
                    "id": resource_id(call.started),
                    **content,
                    "meta": created("Group", call.started),
                },
                self.kind,
            ),
            etag="",
        )
        commit = self._commit(call)
        while True:
            read_at = self._now()
            delta = await self._delta(call, group, change, {})
            if await self._storing.attempt(call, commit, read_at, None, group, delta):
                return group

    async def get(self, directory: str, group_id: str) -> StoredGroup:
        """Return the group without its members. Raises NotFound."""
        group = await load_group(self._storage, rows.partition(directory), group_id)
        if group is None or group.leaving:
            raise NotFound(f"There is no group with the id {group_id[:100]} in this directory.")
        return group

    def members(self, directory: str, group_id: str) -> AsyncIterator[Member]:
        """Yield the members of a group, page by page."""
        return members_of(self._storage, rows.partition(directory), group_id)

    async def replace(self, call: Call, group_id: str, body: Json) -> StoredGroup:
        """Replace the group and its members (RFC 7644 §3.5.1); without `members` it is empty."""
        content, change = self._read(call, body)
        return await self._change(
            call,
            group_id,
            lambda group: replace(group, content, self.kind),
            dataclasses.replace(change, whole=True),
        )

    async def patch(self, call: Call, group_id: str, message: Json) -> StoredGroup:
        """Apply all operations of a PatchOp message or none (RFC 7644 §3.5.2)."""
        operations = read_patch(call, self.kind, message)
        others, change, by_reading = split_members(operations)
        if not (by_reading or others) and is_small(call, change):
            small = SmallChange(call, group_id, change, self._commit(call))
            return await self._queue.together(_place(call, group_id), small)
        if not by_reading:
            return await self._change(
                call, group_id, lambda group: self._applied(call, group, others), change
            )
        whole = await self._whole(call, group_id)

        def decide(group: Resource) -> Resource:
            read = {**group, "members": whole["members"]}
            after = dict(self._applied(call, read, operations))
            after.pop("members", None)
            return group if after == group else after

        ids = member_ids(self._applied(call, whole, operations).get("members"))
        return await self._change(call, group_id, decide, MemberChange(add=tuple(ids), whole=True))

    async def delete(self, call: Call, group_id: str) -> None:
        """Remove the group and all its memberships. Raises NotFound."""
        check_allowed(call, self.kind, [Did.DELETE])
        commit = self._commit(call)
        async with self._queue.alone(_place(call, group_id)):
            while True:
                read_at = self._now()
                group = await self._ready(call, group_id)
                check_preconditions(call, group.resource)
                if await self._deletion.attempt(call, commit, group, read_at):
                    return

    def _read(self, call: Call, body: Json) -> tuple[Resource, MemberChange]:
        standard = standard_body(call, self.kind, body)
        content = read_resource(standard, self.kind, call.ignored)
        content.pop("members", None)
        # As sent: what was read has lost the entries that name nobody, and nobody may vanish so.
        sent = next((value for name, value in standard.items() if name.lower() == "members"), None)
        return content, MemberChange(add=tuple(member_ids(sent)))

    def _applied(
        self, call: Call, group: Resource, operations: Sequence[PatchOperation]
    ) -> Resource:
        return patched(call, self.kind, group, operations) if operations else group

    async def _whole(self, call: Call, group_id: str) -> Resource:
        group = await self.get(call.directory, group_id)
        members = [
            {"value": member.id, "type": member.type}
            async for member in self.members(call.directory, group_id)
        ]
        return {**group.resource, "members": members}

    async def _change(
        self,
        call: Call,
        group_id: str,
        decide: Callable[[Resource], Resource],
        change: MemberChange,
    ) -> StoredGroup:
        commit = self._commit(call)
        async with self._queue.alone(_place(call, group_id)):
            return await self._change_alone(call, commit, group_id, decide, change)

    async def _change_alone(
        self,
        call: Call,
        commit: Commit,
        group_id: str,
        decide: Callable[[Resource], Resource],
        change: MemberChange,
    ) -> StoredGroup:
        while True:
            read_at = self._now()
            before, known = await asyncio.gather(
                self._ready(call, group_id), self._known(call, change)
            )
            check_preconditions(call, before.resource)
            decided = decide(before.resource)
            delta = await self._delta(call, before, change, known)
            if decided is before.resource and not delta:
                return before
            check_allowed(call, self.kind, group_log.did(before.resource, decided, delta))
            if decided is before.resource:
                after = dataclasses.replace(before, resource=touched(decided))
            else:
                resource = updated(with_schemas(decided, self.kind), call.started)
                after = dataclasses.replace(before, resource=resource)
            if after.resource["displayName"] != before.resource["displayName"]:
                after = dataclasses.replace(after, number=before.number + 1)
                delta = await self._renamed(call, after, delta)
            if await self._storing.attempt(call, commit, read_at, before, after, delta):
                return after

    async def _ready(self, call: Call, group_id: str) -> StoredGroup:
        """Return the group once no job of it is open. Raises NotFound, Unavailable."""
        until = self._now() + JOB_WAIT
        while True:
            group = await self.get(call.directory, group_id)
            if not group.job:
                return group
            if self._now() >= until:
                raise Unavailable("a long change of this group is still going on", retry_after=30)
            await asyncio.sleep(_PAUSE)

    async def _known(self, call: Call, change: MemberChange) -> Known:
        """Read the subjects of a small change beside the group, to save a round trip."""
        ids = [*change.add, *change.remove]
        if change.whole or len(ids) > memberships.AT_ONCE:
            return {}
        partition = rows.partition(call.directory)
        return {
            each: subject
            async for each, subject in memberships.load_subjects(self._storage, partition, ids)
        }

    async def _delta(
        self, call: Call, group: StoredGroup, change: MemberChange, known: Known
    ) -> Delta:
        partition = rows.partition(call.directory)
        return await memberships.delta(self._storage, partition, group, change, known)

    async def _renamed(self, call: Call, group: StoredGroup, delta: Delta) -> Delta:
        members = await memberships.few_members(
            self._storage, rows.partition(call.directory), group.resource["id"]
        )
        if members is None:
            return dataclasses.replace(delta, renames=None)
        leaving = set(delta.leaves.ids)
        stay = [each for each in members if each.resource["id"] not in leaving]
        return dataclasses.replace(delta, renames=stay)

    def _commit(self, call: Call) -> Commit:
        return Commit(self._storage, rows.partition(call.directory), call.log_key(), self._now)


def _place(call: Call, group_id: str) -> str:
    return f"{call.directory} {group_id}"
