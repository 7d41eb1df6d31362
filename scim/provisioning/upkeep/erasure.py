"""Erasing one deleted person's values from the log and from failed events, as a job.

The entries stay, for statistics and for whoever asks what happened; who it was is gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Final

from scim.protocol.errors import NotFound, ScimError
from scim.provisioning import rows
from scim.provisioning.changes import stored_jobs
from scim.provisioning.changes.jobs import Batch, Jobs
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.identifiers import is_resource_id, milliseconds, resource_id
from scim.provisioning.log.entries import (
    Did,
    LogEntry,
    Target,
    entry_rows,
    rewritten,
    subjects_of,
)
from scim.provisioning.log.failed_events import StoredEvent, remove, stored_event, write
from scim.provisioning.log.management import By
from scim.provisioning.names import digests_of, forget_names
from scim.provisioning.ports import Conflict, Delete, Operation, Row, Storage
from scim.provisioning.scans import first_rows, scan_rows
from scim.provisioning.stored_groups import load_group
from scim.provisioning.stored_users import load_user
from scim.provisioning.users import former as former_users
from scim.provisioning.users.former import load_former

BATCH: Final = 40  # entries; each may lose an index row, too


class NotDeleted(ScimError):
    """A user that is still there: what the log says of it is needed."""

    status = 409


async def begin_erasure(
    storage: Storage, work: Jobs, directory: str, user_id: str, by: By
) -> tuple[str, Job]:
    """Store the job that erases a deleted user. Raises NotFound, NotDeleted."""
    partition = rows.partition(directory)
    if not is_resource_id(user_id):
        raise NotFound("Users have no such ids.")
    first = rows.log_index(user_id)
    user, group, known, former, digests = await asyncio.gather(
        load_user(storage, partition, user_id),
        load_group(storage, partition, user_id),
        first_rows(storage, partition, first, first + rows.END, 1),
        load_former(storage, partition, user_id),
        digests_of(storage, partition, user_id),
    )
    if user is not None:
        raise NotDeleted("The user is not deleted; delete it first.")
    if group is not None or (not known and former is None):
        raise NotFound("Nothing is known of a user with this id.")
    job_id = resource_id(by.at)
    subjects = [user_id, *digests]
    job = Job(
        kind="erase",
        target=user_id,
        message_id=by.message_id,
        actor=by.actor,
        user_agent=by.user_agent,
        traceparent=by.traceparent,
        started=by.at,
        chunks=1,
        total=len(subjects),
    )
    target = Target(type="User", id=user_id, identifier="")
    entry = by.entry(Did.ERASE, target)
    log_key = rows.log(milliseconds(by.at), by.message_id)
    log = entry_rows(log_key, entry, [user_id], job=job_id)
    await work.add(directory, job_id, job, stored_jobs.chunked("erase", subjects), log)
    return job_id, job


class ErasureWork:
    """Works off jobs of the kind `erase`: subject by subject, the user's id first, then names."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    async def next_batch(self, directory: str, job: Job, job_id: str) -> Batch:
        """Return the next entries without the person; with the last, the names and the record."""
        partition = rows.partition(directory)
        chunk = await self._storage.get(partition, rows.job_chunk(job_id, 0))
        assert chunk is not None  # stored with the job, removed with it
        subjects: list[str] = rows.unpack(chunk.values)
        if job.offset == len(subjects):
            return await self._end(partition, job)
        subject = subjects[job.offset]
        first = rows.log_index(subject)
        start = f"{job.cursor}-" if job.cursor else first
        index = await first_rows(self._storage, partition, start, first + rows.END, BATCH)
        operations: list[Operation] = []
        for each in index:
            row = await self._storage.get(partition, rows.indexed_log(subject, each.key))
            if row is not None:
                operations += _without(row, job.target, subject)
        if len(index) == BATCH:
            return Batch(operations, None, [], job.model_copy(update={"cursor": index[-1].key}))
        await self._erase_events(partition, subject, keep=subject == job.target)
        after = {"offset": job.offset + 1, "cursor": "", "done": job.done + 1}
        return Batch(operations, None, [], job.model_copy(update=after))

    async def _erase_events(self, partition: str, subject: str, *, keep: bool) -> None:
        first = rows.events_of(subject)
        async for row in scan_rows(self._storage, partition, first, first + rows.END):
            stored = stored_event(row)
            with suppress(Conflict):  # it has just come again: another batch finds it
                operations = _anonymous(stored) if keep else remove(stored)
                await self._storage.commit(partition, operations)

    async def _erase_mentions(self, partition: str, user_id: str) -> None:
        """Remove the bodies of events of others that name the person, as a member may be named."""
        first = rows.event("")
        async for row in scan_rows(self._storage, partition, first, first + rows.END):
            stored = stored_event(row)
            if user_id in stored.event.body:
                silent = stored.event.model_copy(update={"body": ""})
                with suppress(Conflict):  # it has just come again, after the person was gone
                    await self._storage.commit(partition, write(stored, stored.id, silent))

    async def _end(self, partition: str, job: Job) -> Batch:
        await self._erase_mentions(partition, job.target)
        await forget_names(self._storage, partition, job.target)
        former = await load_former(self._storage, partition, job.target)
        operations: list[Operation] = []
        if former is not None:
            keys = (rows.former_user(job.target), former_users.name_key(former.resource))
            operations += [Delete(key, None) for key in keys]
        return Batch(operations, None, [], None)


def _without(row: Row, user_id: str, subject: str) -> Sequence[Operation]:
    """Return the rows by which an entry tells no more who the person was."""
    entry = LogEntry.model_validate(rows.unpack(row.values))
    if entry.target.id not in ("", user_id):
        return []  # of a group, which names a member by its id alone
    kept = [each for each in subjects_of(row, entry) if each == user_id or each != subject]
    operations: list[Operation] = [rewritten(row, _nameless(entry), kept)]
    if subject != user_id:
        operations.append(Delete(rows.log_index(subject, row.key), None))
    return operations


def _anonymous(stored: StoredEvent) -> list[Operation]:
    event = stored.event.model_copy(update={"last": _nameless(stored.event.last), "body": ""})
    return write(stored, stored.id, event)


def _nameless(entry: LogEntry) -> LogEntry:
    target = entry.target.model_copy(update={"identifier": ""})
    return entry.model_copy(update={"target": target, "values": {}, "detail": ""})
