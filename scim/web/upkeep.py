"""The timer: whatever is due without anyone asking."""

from __future__ import annotations

import azure.functions as func

from scim.provisioning import rows, totals
from scim.web.services import Provider


def blueprint(provider: Provider) -> func.Blueprint:
    """Return the function `upkeep`, on the schedule of the app setting UPKEEP_SCHEDULE."""
    functions = func.Blueprint()

    async def upkeep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - each duty knows when it is due
        services = provider()
        for directory in await services.directories.all():
            await totals.fold(services.storage, rows.partition(directory.id), services.now())

    functions.function_name("upkeep")(
        functions.timer_trigger(arg_name="timer", schedule="%UPKEEP_SCHEDULE%", use_monitor=True)(
            upkeep
        )
    )
    return functions
