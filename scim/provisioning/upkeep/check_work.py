"""A check of a directory as a job: its result stays with the job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes.jobs import Batch, Job
from scim.provisioning.ports import Storage
from scim.provisioning.upkeep.checker import check

PROBLEMS: Final = 200  # shown; more say no more


class CheckWork:
    """Works off jobs of the kind `check`."""

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now

    async def next_batch(self, directory: str, job: Job, job_id: str) -> Batch:  # noqa: ARG002 - as all workers
        """Check all rows; the job is done with the result."""
        found = await check(self._storage, rows.partition(directory), self._now())
        problems = tuple(f"{each.key}: {each.problem}" for each in found[:PROBLEMS])
        done = {"state": "done", "problems": problems, "done": len(found), "total": len(found)}
        return Batch([], None, [], job.model_copy(update=done))
