"""How a change of a group is stored: in one commit if it can be, else begun as a job."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Final

from scim.protocol.errors import InvalidValue, Uniqueness
from scim.protocol.schema import Resource
from scim.provisioning import rows
from scim.provisioning.changes import group_rows, stored_jobs
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.groups import effects as group_log
from scim.provisioning.groups import memberships
from scim.provisioning.groups.memberships import Delta
from scim.provisioning.groups.work import GroupWork, Read
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, entry_rows
from scim.provisioning.ports import COMMIT_ROWS, LimitExceeded, Operation, Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import StoredGroup

NAME_LENGTH: Final = 10_000  # characters; the name stands in the row of every membership
_CHUNKS_AT_ONCE: Final = 2  # rows of pending ids that fit one commit by their bytes


class Storing:
    """Stores the changes of groups of all directories."""

    def __init__(self, storage: Storage, work: Jobs, rules: RuleSets) -> None:
        self._storage = storage
        self._jobs = work
        self._rules = rules

    async def attempt(
        self,
        call: Call,
        commit: Commit,
        read_at: datetime,
        before: StoredGroup | None,
        after: StoredGroup,
        delta: Delta,
    ) -> bool:
        """Return whether the change is stored, `before` being None for a new group.

        A change too long for one commit is a job, and done when this returns. Raises Uniqueness,
        InvalidValue.
        """
        _check_name(after.resource)
        group_id = after.resource["id"]
        taken = _taken(after.resource)
        ruling = await self._rules.ruling(call, delta.subjects)
        operations = _at_once(before, after, delta, ruling)
        if operations is not None:
            subjects = [group_id, *(each.resource["id"] for each in delta.subjects)]
            entry = group_log.changed(call, before, after, delta, ruling.changes)
            operations += entry_rows(call.log_key(), entry, subjects)
            if len(operations) <= COMMIT_ROWS:
                with suppress(LimitExceeded):  # of bytes; a job writes fewer members at once
                    return await commit.attempt(operations, read_at=read_at, taken=taken)
        job_id = resource_id(call.started)
        chunks = [
            *stored_jobs.chunked("add", delta.joins.ids),
            *stored_jobs.chunked("remove", delta.leaves.ids),
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
            *stored_jobs.begin(job_id, job, chunks[:_CHUNKS_AT_ONCE]),
            *entry_rows(call.log_key(), entry, [group_id], job=job_id),
        ]
        if not await commit.attempt(operations, read_at=read_at, taken=taken):
            return False
        read = Read(after, {each.resource["id"]: each for each in delta.subjects}, chunks)
        worker = GroupWork(self._storage, self._rules, read)
        await self._jobs.finish(call.directory, job_id, worker, read_at)
        return True

    async def _write_ahead(
        self, call: Call, job_id: str, chunks: Sequence[tuple[str, Sequence[str]]]
    ) -> None:
        """Store pending ids that the first commit cannot hold; without their job they are void."""
        for number in range(_CHUNKS_AT_ONCE, len(chunks)):
            await self._storage.commit(
                rows.partition(call.directory),
                [stored_jobs.chunk_row(job_id, number, chunks[number])],
            )


def _at_once(
    before: StoredGroup | None, after: StoredGroup, delta: Delta, ruling: Ruling
) -> list[Operation] | None:
    """Return the rows of the change if its members fit one commit, else None."""
    touched_members = len(delta.joins.ids) + len(delta.leaves.ids)
    if delta.renames is None or touched_members + len(delta.renames) > memberships.AT_ONCE:
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


def _check_name(group: Resource) -> None:
    # Before the first commit: a job that meets a row beyond its limit could not end.
    if len(group["displayName"]) > NAME_LENGTH:
        raise InvalidValue(f"displayName has more than {NAME_LENGTH} characters; shorten it.")


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
