"""The timer trigger."""

from __future__ import annotations

import azure.functions as func

from scim.web.services import Provider


def blueprint(provider: Provider) -> func.Blueprint:
    """Return the function `upkeep`, on the schedule of the app setting UPKEEP_SCHEDULE."""
    functions = func.Blueprint()

    async def upkeep(timer: func.TimerRequest) -> None:  # noqa: ARG001 - each duty knows when it is due
        await provider().upkeep.run()

    functions.function_name("upkeep")(
        functions.timer_trigger(arg_name="timer", schedule="%UPKEEP_SCHEDULE%", use_monitor=True)(
            upkeep
        )
    )
    return functions
