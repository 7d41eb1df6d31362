"""Work longer than one commit: kept in a row, leased, worked off in batches, never half forgotten.

The commit that begins a change inserts the job and names it in the row of the group or user. Every
batch replaces the job's row together with what it changes, so a batch happens once; the last one
removes the job. Whoever holds the lease works: the call itself, else the timer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from scim.provisioning import rows
from scim.provisioning.changes.pace import Pace
from scim.provisioning.changes.recount import note_if_late
from scim.provisioning.changes.stored_jobs import Chunk, Job, State, begin
from scim.provisioning.identifiers import is_resource_id, lower_id, milliseconds
from scim.provisioning.log.entries import Did, LogEntry, Target, duration_ms, entry_rows
from scim.provisioning.log.management import By
from scim.provisioning.ports import (
    Conflict,
    Delete,
    LimitExceeded,
    Operation,
    Replace,
    Row,
    Storage,
    Unavailable,
)
from scim.provisioning.scans import scan_rows
from scim.provisioning.telemetry import Event, tell

LEASE: Final = timedelta(seconds=30)  # renewed by every batch
KNOWN: Final = timedelta(seconds=20)  # safely before a commit is too late after its reads
PATIENCE: Final = timedelta(seconds=45)  # a call that began a job waits for it this long
FAILURES: Final = 10  # of one batch; then the job is failed, and others go on
_PAUSE: Final = 0.2  # seconds between looks at a job that another process works on


@dataclass(frozen=True, slots=True)
class Batch:
    """One commit's worth of a job: rows, what the log says, and the job afterwards.

    Without a job afterwards the batch is the last one. A batch that changes no resource has no
    entry.
    """

    operations: Sequence[Operation]
    entry: LogEntry | None
    subjects: Sequence[str]
    job: Job | None


class Worker(Protocol):
    """Knows how the jobs of one kind go on."""

    async def next_batch(self, directory: str, job: Job, job_id: str) -> Batch:
        """Read what is needed and return the next batch; it must make progress."""
        ...


class Jobs:
    """Runs jobs. `workers` by kind of job."""

    def __init__(
        self, storage: Storage, now: Callable[[], datetime], workers: Mapping[str, Worker]
    ) -> None:
        self._storage = storage
        self._now = now
        self._workers = workers
        self._owner = lower_id(12)

    async def finish(
        self,
        directory: str,
        job_id: str,
        worker: Worker | None = None,
        read_at: datetime | None = None,
    ) -> None:
        """Work on a job, or wait for who does, until it is done. Raises Unavailable in time.

        `worker` knows what the caller read at `read_at`; it works for `KNOWN` from then on, and
        until something turns out to be otherwise.
        """
        until = self._now() + PATIENCE
        pace = Pace()
        state: State = "open"
        if worker and read_at:
            state = await self._work(directory, job_id, read_at + KNOWN, pace, worker)
        while state == "open" and self._now() < until:
            state = await self._work(directory, job_id, until, pace)
            if state == "open":
                await asyncio.sleep(_PAUSE)
        if state != "done":
            raise Unavailable("the change is stored and goes on, or waits for an admin", 30)

    async def work(self, directory: str, job_id: str, until: datetime) -> bool:
        """Work on a job while it may; True when it is done, False when it goes on elsewhere."""
        return await self._work(directory, job_id, until, Pace()) == "done"

    async def _work(
        self,
        directory: str,
        job_id: str,
        until: datetime,
        pace: Pace,
        worker: Worker | None = None,
    ) -> State:
        partition = rows.partition(directory)
        while self._now() < until:
            row = await self._storage.get(partition, rows.job(job_id))
            if row is None:
                return "done"
            job = Job.model_validate(rows.unpack(row.values))
            if job.state != "open" or self._leased_elsewhere(job):
                return job.state
            try:
                by = worker or self._workers[job.kind]
                await self._step(directory, job_id, job, row, pace, by)
            except Conflict:
                if worker:
                    return "open"
                await asyncio.sleep(0)  # something the batch read has changed: read again
            except (Unavailable, LimitExceeded) as error:
                pace.halve()
                await self._note_failure(directory, job_id, error)
                return "open"
        return "open"

    async def add(
        self,
        directory: str,
        job_id: str,
        job: Job,
        chunks: Sequence[Chunk] = (),
        log: Sequence[Operation] = (),
    ) -> None:
        """Store a job that no change begins, with its log entry; the timer works it off."""
        operations = [*begin(job_id, job, chunks), *log]
        await self._storage.commit(rows.partition(directory), operations)

    async def read(self, directory: str, job_id: str) -> Job | None:
        """Return a job as it is stored; None if there is none."""
        if not is_resource_id(job_id):
            return None
        row = await self._storage.get(rows.partition(directory), rows.job(job_id))
        return Job.model_validate(rows.unpack(row.values)) if row else None

    async def retry(self, directory: str, job_id: str, by: By) -> Job | None:
        """Open a job that failed, so that it goes on where it stopped; None if there is none."""
        partition, key = rows.partition(directory), rows.job(job_id)
        row = await self._storage.get(partition, key)
        job = Job.model_validate(rows.unpack(row.values)) if row else None
        if row is None or job is None or job.state != "failed":
            return None
        opened = job.model_copy(update={"state": "open", "failures": 0})
        entry = by.entry(Did.RETRY, Target(type="Job", id=job_id, identifier=job.kind))
        log_key = rows.log(milliseconds(by.at), by.message_id)
        await self._storage.commit(
            partition,
            [
                Replace(key, rows.pack(opened.model_dump(mode="json")), row.etag),
                *entry_rows(log_key, entry, [job.target]),
            ],
        )
        return opened

    async def forget(self, directory: str, job_id: str) -> None:
        """Remove a job that is done; harmless if it is gone."""
        try:
            await self._storage.commit(rows.partition(directory), [Delete(rows.job(job_id), None)])
        except Conflict:
            return

    async def all(self, directory: str) -> list[tuple[str, Job]]:
        """Return the jobs of a directory: open, failed, and done ones that have a result."""
        first = rows.job()
        return [
            (rows.last_part(row.key), Job.model_validate(rows.unpack(row.values)))
            async for row in scan_rows(
                self._storage, rows.partition(directory), first, first + rows.END
            )
        ]

    def _leased_elsewhere(self, job: Job) -> bool:
        until = job.leased_until
        return job.owner != self._owner and until is not None and self._now() < until

    async def _step(
        self, directory: str, job_id: str, job: Job, row: Row, pace: Pace, worker: Worker
    ) -> None:
        await pace.wait()  # before anything is read: a commit must not be late after its reads
        batch = await worker.next_batch(directory, job, job_id)
        now = self._now()
        log_key = rows.log(milliseconds(now), job.message_id, job.batch + 1)
        operations = [*batch.operations]
        if batch.entry is not None:
            entry = batch.entry.model_copy(update={"duration_ms": duration_ms(now - job.started)})
            part = job.batch + 1
            operations += entry_rows(log_key, entry, batch.subjects, job=job_id, part=part)
        key = rows.job(job_id)
        if batch.job is None:
            operations.append(Delete(key, row.etag))
            operations.extend(
                Delete(rows.job_chunk(job_id, number), None) for number in range(job.chunks)
            )
        else:
            held = {
                "batch": job.batch + 1,
                "failures": 0,
                "error": "",
                "owner": self._owner,
                "leased_until": now + LEASE,
            }
            after = batch.job.model_copy(update=held)
            operations.append(Replace(key, rows.pack(after.model_dump(mode="json")), row.etag))
        partition = rows.partition(directory)
        pace.take(len(operations))
        await self._storage.commit(partition, operations)
        await note_if_late(self._storage, partition, now, self._now())

    async def _note_failure(self, directory: str, job_id: str, error: Exception) -> None:
        partition = rows.partition(directory)
        try:
            row = await self._storage.get(partition, rows.job(job_id))
            if row is None:
                return
            job = Job.model_validate(rows.unpack(row.values))
            failures = job.failures + 1
            noted = {
                "failures": failures,
                "error": str(error)[:500],
                "state": "failed" if failures >= FAILURES else job.state,
                "owner": "",
                "leased_until": None,
            }
            after = job.model_copy(update=noted)
            await self._storage.commit(
                partition,
                [Replace(row.key, rows.pack(after.model_dump(mode="json")), row.etag)],
            )
            if after.state == "failed":
                tell(Event.JOB_FAILED, directory=directory, job=job_id, messageId=job.message_id)
        except (Unavailable, Conflict):
            return  # storage is still away, or another process has gone on
