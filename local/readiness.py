"""Asks the product whether it is ready, so that `start` can say all that keeps it from being so."""

from __future__ import annotations

from aiohttp import ClientSession

from local.setup import SetupFailed

PATH = "/health/ready"


async def demand_ready(origin: str, key: str) -> None:
    """Return when the product is ready; raise SetupFailed with all its problems."""
    async with (
        ClientSession(origin, headers={"x-functions-key": key}) as session,
        session.get(PATH) as response,
    ):
        if response.ok:
            return
        answer = await response.json(content_type=None)
        problems = "".join(f"\n  {problem}" for problem in answer["problems"])
        raise SetupFailed(f"The app settings do not let it start:{problems}")
