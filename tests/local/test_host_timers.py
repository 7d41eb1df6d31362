from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import azure.functions as func

from tests.local.client import KEY, WAIT, serving


@dataclass
class Clock:
    """A clock that moves only when told, and says when somebody waits for it."""

    moment: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    waiting: asyncio.Queue[tuple[datetime, asyncio.Event]] = field(default_factory=asyncio.Queue)

    def now(self) -> datetime:
        return self.moment

    async def sleep_until(self, moment: datetime) -> None:
        reached = asyncio.Event()
        await self.waiting.put((moment, reached))
        await reached.wait()

    async def reach_next(self) -> datetime:
        """Move to the moment that is waited for."""
        moment, reached = await asyncio.wait_for(self.waiting.get(), WAIT)
        self.moment = moment
        reached.set()
        return moment


def a_timer(run: Callable[[], None], schedule: str = "0 * * * * *") -> func.FunctionApp:
    """Return an app whose one function is a timer that does `run`."""
    app = func.FunctionApp()

    @app.timer_trigger(arg_name="timer", schedule=schedule)
    async def upkeep(timer: func.TimerRequest) -> None:
        assert not timer.past_due
        run()

    return app


async def test_timers_run_on_their_schedule() -> None:
    """A timer runs at each moment of its schedule, also after a run that failed."""
    clock, runs = Clock(), []

    def run() -> None:
        runs.append(clock.moment)
        raise ValueError

    app = a_timer(run, "%WHEN%")
    async with serving(app, clock=clock, settings={"WHEN": "30 * * * * *"}):
        moments = [await clock.reach_next() for _ in range(3)]
        await asyncio.wait_for(clock.waiting.get(), WAIT)
    assert moments == runs
    first = datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC)
    assert moments == [first + timedelta(minutes=minute) for minute in range(3)]


async def test_timers_run_when_an_admin_asks() -> None:
    """POST /admin/functions/NAME with a body and the key starts a run in the background."""
    ran = asyncio.Event()
    async with serving(a_timer(ran.set), clock=Clock()) as client:
        key = {"x-functions-key": KEY}
        for method, name, body, headers, expected in (
            ("POST", "upkeep", b"{}", {}, 401),
            ("POST", "upkeep", b"", key, 400),
            ("POST", "nothing", b"{}", key, 404),
            ("GET", "upkeep", b"{}", key, 404),
        ):
            path = f"/admin/functions/{name}"
            status, _, _ = await client.send(method, path, data=body, headers=headers)
            assert status == expected
        assert not ran.is_set()
        status, body, _ = await client.send(
            "POST", "/admin/functions/Upkeep", json={"input": ""}, headers=key
        )
        assert (status, body) == (202, b"")
        await asyncio.wait_for(ran.wait(), WAIT)
