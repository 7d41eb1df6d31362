"""When a timer function runs: NCRONTAB schedules (six fields, seconds first, UTC)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Protocol

from croniter import croniter  # type: ignore[import-untyped]  # ships no types

from local.functions import Refused, TimerFunction

SETTING = re.compile(r"%([^%]+)%")


class Clock(Protocol):
    """The time, and waiting for it."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        ...

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `moment` has come."""
        ...


class SystemClock:
    """The clock of the machine."""

    def now(self) -> datetime:
        """Return the time in UTC."""
        return datetime.now(UTC)

    async def sleep_until(self, moment: datetime) -> None:
        """Return when `moment` has come."""
        await asyncio.sleep((moment - self.now()).total_seconds())


def schedule_of(function: TimerFunction, settings: Mapping[str, str]) -> str:
    """Return the schedule with `%NAME%` taken from the app settings; raise Refused."""
    missing = [name for name in SETTING.findall(function.schedule) if name not in settings]
    if missing:
        raise Refused(
            f"The schedule of {function.name!r} is the app setting {missing[0]}, which is not set."
        )
    schedule = SETTING.sub(lambda found: settings[found[1]], function.schedule)
    if len(schedule.split()) not in (5, 6) or not croniter.is_valid(
        schedule, second_at_beginning=True
    ):
        raise Refused(f"The schedule {schedule!r} of {function.name!r} is not NCRONTAB.")
    return schedule


def next_run(schedule: str, after: datetime) -> datetime:
    """Return the first moment of the schedule behind `after`."""
    moment: datetime = croniter(schedule, after, second_at_beginning=True).get_next(datetime)
    return moment
