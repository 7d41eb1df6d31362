"""How a long change of a group goes on: pending members first, then a walk over all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes import group_rows
from scim.provisioning.changes.group_rows import Subject
from scim.provisioning.changes.jobs import Batch
from scim.provisioning.changes.stored_jobs import Chunk, Job
from scim.provisioning.groups.effects import target
from scim.provisioning.groups.memberships import known_or_loaded
from scim.provisioning.log.entries import Did
from scim.provisioning.ports import Operation, Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import StoredGroup, load_group, load_groups, members_of

# Four rows a member, and the rows that end the job, in one commit of 100.
BATCH: Final = 18
PARENTS: Final = 20


@dataclasses.dataclass(frozen=True, slots=True)
class Read:
    """What a call has read or written of a group before its job begins, to save reading it again.

    `group` is as the first commit left it, but for its etag; `chunks` are all of the job.
    """

    group: StoredGroup
    subjects: Mapping[str, Subject]
    chunks: Sequence[Chunk]


@dataclasses.dataclass(frozen=True, slots=True)
class _Step:
    """The next ids, what becomes of them, and the job afterwards (None: it ends with them)."""

    op: str  # add, remove or rename
    ids: Sequence[str]
    job: Job | None


class GroupWork:
    """Works off jobs of the kind `group`."""

    def __init__(self, storage: Storage, rules: RuleSets, read: Read | None = None) -> None:
        self._storage = storage
        self._rules = rules
        self._read = read

    async def next_batch(self, directory: str, job: Job, job_id: str) -> Batch:
        """Return the next members to add, remove, rename or clear away; or the end of the job."""
        partition = rows.partition(directory)
        group = self._read.group if self._read else await self._load(partition, job)
        if group.leaving and group.parents:
            return await self._unlink(directory, group, job)
        if job.chunk < job.chunks:
            step = await self._pending(partition, job, job_id)
        else:
            step = await self._walk(partition, group, job)
        known = self._read.subjects if self._read else {}
        subjects = [
            subject
            async for _, subject in known_or_loaded(self._storage, partition, step.ids, known)
            if subject is not None and _concerned(step.op, subject, group)
        ]
        call = job.call(directory)
        ruling = await self._rules.ruling(call, subjects)
        operations = [row for each in subjects for row in _rows(step.op, each, group, ruling)]
        if step.job is None:
            operations.extend(_end(await self._load(partition, job) if self._read else group))
        entry = call.entry(
            [_DID[step.op]],
            target(group.resource),
            access=ruling.changes,
            adds={"memberships": _SIGN[step.op] * len(subjects)} if _SIGN[step.op] else {},
        )
        concerned = [group.resource["id"], *(each.resource["id"] for each in subjects)]
        return Batch(operations, entry, concerned, step.job)

    async def _pending(self, partition: str, job: Job, job_id: str) -> _Step:
        op, ids = await self._chunk(partition, job_id, job.chunk)
        until = job.offset + job.fewer(BATCH)
        done = job.done + len(ids[job.offset : until])
        if until < len(ids):
            after = job.model_copy(update={"offset": until, "done": done})
        else:
            after = job.model_copy(update={"chunk": job.chunk + 1, "offset": 0, "done": done})
        ended = after.chunk == job.chunks and not job.walk
        return _Step(op, ids[job.offset : until], None if ended else after)

    async def _load(self, partition: str, job: Job) -> StoredGroup:
        group = await load_group(self._storage, partition, job.target)
        assert group is not None  # an open job keeps its group
        return group

    async def _chunk(self, partition: str, job_id: str, number: int) -> Chunk:
        if self._read:
            return self._read.chunks[number]
        row = await self._storage.get(partition, rows.job_chunk(job_id, number))
        assert row is not None  # stored before the job, removed with it
        return str(row.values["op"]), rows.unpack(row.values)

    async def _walk(self, partition: str, group: StoredGroup, job: Job) -> _Step:
        ids: list[str] = []
        most = job.fewer(BATCH)
        group_id = group.resource["id"]
        async for member in members_of(
            self._storage, partition, group_id, page=most + 1, after=job.cursor
        ):
            ids.append(member.id)
            if len(ids) > most:
                break
        some = ids[:most]
        op = "rename" if job.walk == "rename" else "remove"
        if len(ids) <= most:
            return _Step(op, some, None)
        after = job.model_copy(update={"cursor": some[-1], "done": job.done + len(some)})
        return _Step(op, some, after)

    async def _unlink(self, directory: str, group: StoredGroup, job: Job) -> Batch:
        """Return the end of some memberships that a deleted group had in others."""
        some = group.parents[:PARENTS]
        parents = await load_groups(self._storage, rows.partition(directory), some)
        operations = [row for each in parents for row in group_rows.unlink_group(group, *each)]
        entry = job.call(directory).entry(
            [Did.DELETE], target(group.resource), adds={"memberships": -len(some)}
        )
        return Batch(operations, entry, [group.resource["id"], *some], job)


def _end(group: StoredGroup) -> list[Operation]:
    if group.leaving:
        return group_rows.delete(group)
    return group_rows.replace(group, dataclasses.replace(group, job=""))


_DID = {"add": Did.ADD_MEMBERS, "remove": Did.REMOVE_MEMBERS, "rename": Did.UPDATE}
_SIGN = {"add": 1, "remove": -1, "rename": 0}


def _concerned(op: str, subject: Subject, group: StoredGroup) -> bool:
    member = group_rows.is_member(subject, group.resource["id"])
    if op == "add":
        return not member
    return member and not (op == "rename" and group_rows.shows_name(subject, group))


def _rows(op: str, subject: Subject, group: StoredGroup, ruling: Ruling) -> list[Operation]:
    if op == "add":
        return group_rows.join(subject, group, ruling)
    if op == "remove":
        return group_rows.leave(subject, group.resource["id"], ruling)
    return group_rows.rename(subject, group, ruling)
