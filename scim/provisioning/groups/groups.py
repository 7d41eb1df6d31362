"""Groups: create, read, replace, patch and delete, at the same cost whatever their size."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from scim.protocol.errors import NotFound, Uniqueness
from scim.protocol.patch import Operation as PatchOperation
from scim.protocol.resource import read_resource, replace, with_schemas
from scim.protocol.schema import Json, Resource, ResourceType
from scim.provisioning import rows
from scim.provisioning.changes import group_rows, jobs
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.enforcement import check_allowed
from scim.provisioning.changes.jobs import Job, Jobs
from scim.provisioning.changes.preconditions import check_preconditions
from scim.provisioning.changes.reading import patched, read_patch, standard_body
from scim.provisioning.groups import effects as group_log
from scim.provisioning.groups import memberships
from scim.provisioning.groups.member_changes import MemberChange, member_ids, split_members
from scim.provisioning.groups.memberships import AT_ONCE, Delta, Known
from scim.provisioning.groups.queue import GroupQueue
from scim.provisioning.groups.small_changes import SmallChange, SmallChanges, fits, is_small
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, Did, entry_rows
from scim.provisioning.ports import COMMIT_ROWS, Operation, Storage, Unavailable
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import (
    Member,
    StoredGroup,
    load_group,
    load_groups,
    members_of,
)
from scim.provisioning.versions import created, touched, updated

JOB_WAIT: Final = timedelta(seconds=30)  # a change waits this long for the open job of its group
_PAUSE: Final = 0.1  # seconds between looks at such a group
_CHUNKS_AT_ONCE: Final = 2  # rows of pending ids that fit one commit by their bytes


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
        self._jobs = work
        self._rules = rules
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
            if await self._store(call, commit, read_at, None, group, delta):
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
            await self._delete(call, commit, group_id)

    async def _delete(self, call: Call, commit: Commit, group_id: str) -> None:
        while True:
            read_at = self._now()
            group = await self._ready(call, group_id)
            check_preconditions(call, group.resource)
            operations = await self._deletion(call, group)
            if operations is not None:
                if await commit.attempt(operations, read_at=read_at):
                    return
                continue
            job_id = resource_id(call.started)
            operations = [
                *group_rows.hide(group, job_id),
                *jobs.begin(
                    job_id, Job.begun_by(call, kind="group", target=group_id, walk="clear"), []
                ),
                *entry_rows(
                    call.log_key(), group_log.deleted(call, group, 0), [group_id], job=job_id
                ),
            ]
            if await commit.attempt(operations, read_at=read_at):
                await self._jobs.finish(call.directory, job_id)
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
            if await self._store(call, commit, read_at, before, after, delta):
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
        if change.whole or len(ids) > AT_ONCE:
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

    async def _store(
        self,
        call: Call,
        commit: Commit,
        read_at: datetime,
        before: StoredGroup | None,
        after: StoredGroup,
        delta: Delta,
    ) -> bool:
        """Commit the change, as a job if it is too long for one commit."""
        group_id = after.resource["id"]
        taken = _taken(after.resource)
        ruling = await self._rules.ruling(call, delta.subjects)
        operations = _at_once(before, after, delta, ruling)
        if operations is not None:
            subjects = [group_id, *(each.resource["id"] for each in delta.subjects)]
            entry = group_log.changed(call, before, after, delta, ruling.changes)
            operations += entry_rows(call.log_key(), entry, subjects)
            if len(operations) <= COMMIT_ROWS:
                return await commit.attempt(operations, read_at=read_at, taken=taken)
        job_id = resource_id(call.started)
        chunks = [
            *jobs.chunked("add", delta.joins.ids),
            *jobs.chunked("remove", delta.leaves.ids),
        ]
        job = Job.begun_by(
            call,
            kind="group",
            target=group_id,
            walk="" if delta.renames == () else "rename",
            chunks=len(chunks),
            total=len(delta.joins.ids) + len(delta.leaves.ids),
        )
        entry = group_log.changed(call, before, after, delta, None)
        await self._write_ahead(call, job_id, chunks)
        operations = [
            *_group_rows(before, dataclasses.replace(after, job=job_id)),
            *jobs.begin(job_id, job, chunks[:_CHUNKS_AT_ONCE]),
            *entry_rows(call.log_key(), entry, [group_id], job=job_id),
        ]
        if not await commit.attempt(operations, read_at=read_at, taken=taken):
            return False
        await self._jobs.finish(call.directory, job_id)
        return True

    async def _write_ahead(
        self, call: Call, job_id: str, chunks: Sequence[tuple[str, Sequence[str]]]
    ) -> None:
        """Store pending ids that the first commit cannot hold; without their job they are void."""
        for number in range(_CHUNKS_AT_ONCE, len(chunks)):
            await self._storage.commit(
                rows.partition(call.directory), [jobs.chunk_row(job_id, number, chunks[number])]
            )

    async def _deletion(self, call: Call, group: StoredGroup) -> list[Operation] | None:
        """Return the rows that remove the group in one commit; None if they are too many."""
        partition, group_id = rows.partition(call.directory), group.resource["id"]
        members = await memberships.few_members(self._storage, partition, group_id)
        if members is None or len(group.parents) > AT_ONCE:
            return None
        parents = await load_groups(self._storage, partition, group.parents)
        ruling = await self._rules.ruling(call, members)
        operations = [
            *group_rows.delete(group),
            *(row for each in members for row in group_rows.leave(each, group_id, ruling)),
            *(row for each in parents for row in group_rows.unlink_group(group, *each)),
        ]
        subjects = [group_id, *(each.resource["id"] for each in members), *group.parents]
        entry = group_log.deleted(call, group, len(members) + len(parents), ruling.changes)
        operations += entry_rows(call.log_key(), entry, subjects)
        return operations if len(operations) <= COMMIT_ROWS else None

    def _commit(self, call: Call) -> Commit:
        return Commit(self._storage, rows.partition(call.directory), call.log_key(), self._now)


def _place(call: Call, group_id: str) -> str:
    return f"{call.directory} {group_id}"


def _at_once(
    before: StoredGroup | None, after: StoredGroup, delta: Delta, ruling: Ruling
) -> list[Operation] | None:
    """Return the rows of the change if its members fit one commit, else None."""
    touched_members = len(delta.joins.ids) + len(delta.leaves.ids)
    if delta.renames is None or touched_members + len(delta.renames) > AT_ONCE:
        return None
    group_id = after.resource["id"]
    return [
        *_group_rows(before, after),
        *(row for each in delta.joins.subjects for row in group_rows.join(each, after, ruling)),
        *(
            row
            for each in delta.leaves.subjects
            for row in group_rows.leave(each, group_id, ruling)
        ),
        *(row for each in delta.renames for row in group_rows.rename(each, after, ruling)),
    ]


def _group_rows(before: StoredGroup | None, after: StoredGroup) -> list[Operation]:
    return group_rows.insert(after) if before is None else group_rows.replace(before, after)


def _taken(group: Resource) -> Callable[[str], Exception | None]:
    unique = group_rows.unique_key(group)

    def taken(key: str) -> Exception | None:
        if key != unique:
            return None
        return Uniqueness(
            f"The displayName {group['displayName'][:200]!r} belongs to another group of this "
            "directory. Find that group with a filter on displayName, or choose another name."
        )

    return taken
