"""What is due without anyone asking: jobs that were left, and totals to fold."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows, totals
from scim.provisioning.directories import Directories
from scim.provisioning.jobs import Jobs
from scim.provisioning.ports import Storage, Unavailable

SLICE: Final = timedelta(minutes=4)  # within the host's limit of five minutes a run
RESULTS: Final = timedelta(days=1)  # a job that has a result is kept this long

_log = logging.getLogger("rollcall")


class Upkeep:
    """The duties of the timer. A run that is missed or doubled does no harm."""

    def __init__(
        self,
        storage: Storage,
        directories: Directories,
        jobs: Jobs,
        now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._directories = directories
        self._jobs = jobs
        self._now = now

    async def run(self) -> None:
        """Do what is due in every directory; trouble in one does not keep the others waiting."""
        until = self._now() + SLICE
        for directory in await self._directories.all():
            if self._now() >= until:
                return
            try:
                await self._look_after(directory.id, until)
            except Unavailable as error:
                _log.warning(
                    "upkeep of a directory is put off: %s",
                    error,
                    extra={"event": "upkeep_put_off", "directory": directory.id},
                )

    async def _look_after(self, directory: str, until: datetime) -> None:
        for job_id, job in await self._jobs.all(directory):
            if job.state == "open":
                await self._jobs.work(directory, job_id, until)
            elif job.state == "done" and self._now() - job.started > RESULTS:
                await self._jobs.forget(directory, job_id)
        await totals.fold(self._storage, rows.partition(directory), self._now())
