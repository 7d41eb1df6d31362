"""Jobs as they are stored: a row each, and rows of pending ids."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from scim.provisioning import rows
from scim.provisioning.log.entries import Call
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Insert, Operation, Put

CHUNK: Final = 10_000  # ids in one row: 660 KB as Table Storage counts

State = Literal["open", "done", "failed"]


class Job(BaseModel):
    """A job as it is stored. `batch` counts commits, `cursor` is where the walk has come to."""

    model_config = ConfigDict(frozen=True)

    kind: str
    target: str
    message_id: str
    actor: str
    user_agent: str = ""
    traceparent: str = ""
    quirks: tuple[str, ...] = ()
    started: datetime
    walk: str = ""
    chunks: int = 0
    chunk: int = 0
    offset: int = 0
    cursor: str = ""
    batch: int = 0
    done: int = 0
    total: int = 0
    state: State = "open"
    failures: int = 0
    error: str = ""
    problems: tuple[str, ...] = ()
    owner: str = ""
    leased_until: datetime | None = None

    @classmethod
    def begun_by(
        cls, call: Call, *, kind: str, target: str, walk: str = "", chunks: int = 0, total: int = 0
    ) -> Job:
        """Return a new job of the call."""
        return cls(
            kind=kind,
            target=target,
            message_id=call.message_id,
            actor=call.actor,
            user_agent=call.user_agent,
            traceparent=call.traceparent,
            quirks=tuple(call.quirks),
            started=call.started,
            walk=walk,
            chunks=chunks,
            total=total,
        )

    def fewer(self, most: int) -> int:
        """Return how many a batch takes, half as many after each failure: it may be too large."""
        return max(most >> self.failures, 1)

    def call(self, directory: str) -> Call:
        """Return the call that began the job, for its log entries."""
        return Call(
            directory=directory,
            message_id=self.message_id,
            started=self.started,
            actor=self.actor,
            policy=Policy(),  # it was enforced when the job began
            user_agent=self.user_agent,
            traceparent=self.traceparent,
            quirks=list(self.quirks),
        )


Chunk = tuple[str, Sequence[str]]  # what to do (add, remove), and the ids of members


def begin(job_id: str, job: Job, chunks: Sequence[Chunk]) -> list[Operation]:
    """Return the rows of a new job: itself, and its first pending ids."""
    return [
        Insert(rows.job(job_id), rows.pack(job.model_dump(mode="json"))),
        *(chunk_row(job_id, number, chunk) for number, chunk in enumerate(chunks)),
    ]


def chunk_row(job_id: str, number: int, chunk: Chunk) -> Operation:
    """Return the row of some pending ids."""
    op, ids = chunk
    return Put(rows.job_chunk(job_id, number), rows.pack(list(ids), op=op))


def chunked(op: str, ids: Sequence[str]) -> list[Chunk]:
    """Return the ids in pieces that fit a row each."""
    return [(op, ids[start : start + CHUNK]) for start in range(0, len(ids), CHUNK)]
