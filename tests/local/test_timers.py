from __future__ import annotations

from datetime import UTC, datetime

import pytest

from local.functions import Refused, TimerFunction
from local.timers import next_run, schedule_of


def test_schedules_have_six_fields_with_seconds_first() -> None:
    """The first field of a schedule is the second."""
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    assert next_run("30 */5 * * * *", noon) == noon.replace(second=30)
    assert next_run("0 */5 * * * *", noon) == noon.replace(minute=5)


def test_a_schedule_may_be_an_app_setting() -> None:
    """`%NAME%` stands for the app setting of that name."""
    timer = TimerFunction("upkeep", "timer", "%WHEN%")
    assert schedule_of(timer, {"WHEN": "0 0 * * * *"}) == "0 0 * * * *"


@pytest.mark.parametrize("schedule", ["%OTHER%", "often", "0 0 * * * * 2026", "0 99 * * * *"])
def test_a_schedule_that_cannot_run_is_refused(schedule: str) -> None:
    """A missing setting or a wrong schedule stops the start with the function's name."""
    with pytest.raises(Refused, match="upkeep"):
        schedule_of(TimerFunction("upkeep", "timer", schedule), {})
