"""A check of a directory as a job: its result stays with the job."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes.jobs import Batch
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.ports import Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.upkeep.access_check import check_access
from scim.provisioning.upkeep.checker import check

PROBLEMS: Final = 200  # shown; more say no more
_ACCESS: Final = "access"  # the walk behind the rows


class CheckWork:
    """Works off jobs of the kind `check`: all rows first, then every user's access in slices."""

    def __init__(self, storage: Storage, now: Callable[[], datetime], rules: RuleSets) -> None:
        self._storage = storage
        self._now = now
        self._rules = rules

    async def next_batch(self, directory: str, job: Job, job_id: str) -> Batch:  # noqa: ARG002 - as all workers
        """Check what is next; the job is done with the result."""
        if job.walk == _ACCESS:
            rules = await self._rules.latest()
            found, cursor = await check_access(self._storage, rules, directory, job.cursor)
        else:
            found = await check(self._storage, rows.partition(directory), self._now())
            cursor = ""
        number = job.done + len(found)
        after = {
            "state": "done" if job.walk == _ACCESS and not cursor else job.state,
            "walk": _ACCESS,
            "cursor": cursor,
            "problems": (*job.problems, *(f"{each.key}: {each.problem}" for each in found))[
                :PROBLEMS
            ],
            "done": number,
            "total": number,
        }
        return Batch([], None, [], job.model_copy(update=after))
