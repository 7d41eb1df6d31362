"""What is due without anyone asking: work that was left, what expires, what is to go."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.changes.recount import settle_doubt
from scim.provisioning.directories.directories import Directories
from scim.provisioning.directories.stored import Directory
from scim.provisioning.log.management import deliver
from scim.provisioning.ports import Storage, Unavailable
from scim.provisioning.telemetry import Event, place_of, tell
from scim.provisioning.tokens.stored import tokens_of
from scim.provisioning.tokens.tokens import Tokens
from scim.provisioning.tokens.usage import TokenUsage
from scim.provisioning.upkeep.purge import purge
from scim.provisioning.upkeep.token_expiry import flag_expiring

SLICE: Final = timedelta(minutes=4)  # within the host's limit of five minutes a run
RESULTS: Final = timedelta(days=1)  # a job that has a result is kept this long


Duty = Callable[[datetime], Awaitable[None]]  # is to end by that time


class Upkeep:
    """The duties of the timer. A run that is missed or doubled does no harm.

    `duties` are those for the installation as a whole.
    """

    def __init__(
        self,
        storage: Storage,
        directories: Directories,
        jobs: Jobs,
        tokens: Tokens,
        usage: TokenUsage,
        duties: Sequence[Duty],
        now: Callable[[], datetime],
    ) -> None:
        self._storage = storage
        self._directories = directories
        self._jobs = jobs
        self._tokens = tokens
        self._usage = usage
        self._duties = duties
        self._now = now

    async def run(self) -> None:
        """Do what is due in every directory.

        Neither trouble nor long work in one keeps the others waiting: each has its turn, and what
        is left of long work goes on when all else is done.
        """
        until = self._now() + SLICE
        turns_until = self._now() + SLICE / 2
        await self._usage.write()
        directories = await self._directories.all()
        unfinished: list[tuple[str, str]] = []
        for number, directory in enumerate(directories):
            now = self._now()
            if now >= until:
                return
            turn = now + max(turns_until - now, timedelta()) / (len(directories) - number)
            await _or_put_off(self._look_after_tokens(directory), directory.id)
            await _or_put_off(self._look_after(directory.id, turn, unfinished), directory.id)
        for duty in self._duties:
            await _or_put_off(duty(until))
        await _or_put_off(purge(self._storage, self._directories, self._tokens, self._now, until))
        for directory_id, job_id in unfinished:
            await _or_put_off(self._jobs.work(directory_id, job_id, until), directory_id)

    async def _look_after_tokens(self, directory: Directory) -> None:
        await deliver(self._storage, directory.id)
        tokens = await tokens_of(self._storage, directory.id)
        await self._tokens.clear_unfinished(tokens)
        if directory.deletion is not None:
            await self._tokens.revoke_all(directory.id)
        else:
            await flag_expiring(self._storage, tokens, self._now())

    async def _look_after(
        self, directory: str, turn: datetime, unfinished: list[tuple[str, str]]
    ) -> None:
        """Do what is due in a directory; jobs that last longer than its turn are `unfinished`."""
        for job_id, job in await self._jobs.all(directory):
            if job.state == "open":
                await _or_put_off(self._jobs.work(directory, job_id, turn), directory)
                if self._now() >= turn:
                    unfinished.append((directory, job_id))
            elif job.state == "done" and self._now() - job.started > RESULTS:
                await self._jobs.forget(directory, job_id)
        await settle_doubt(self._storage, rows.partition(directory), self._now())
        await totals.fold(self._storage, rows.partition(directory), self._now())


async def _or_put_off(duty: Awaitable[object], directory: str = "") -> None:
    """Do a duty; in trouble leave it to the next run, so that it keeps no other waiting."""
    try:
        await duty
    except Unavailable as error:
        tell(Event.UPKEEP_PUT_OFF, directory=directory, error=str(error))
    except Exception as error:  # noqa: BLE001 - a defect that one directory meets is not to stop all
        what = f"{type(error).__name__} in {place_of(error)}"
        tell(Event.UPKEEP_PUT_OFF, directory=directory, error=what)
