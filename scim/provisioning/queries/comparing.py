"""Comparing resources with a filter, with a limit on the time that it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from typing import Final

from scim.protocol.schema import Resource

# Of one call: hundreds of comparisons on resources with thousands of values take minutes.
SECONDS: Final = 5.0
_TURN: Final = 0.05  # seconds; then other calls have theirs


class Comparing:
    """The comparisons of one call; `over` when they have taken their time."""

    def __init__(self, matches: Callable[[Resource], bool]) -> None:
        self._matches = matches
        self._seconds = 0.0
        self._turn = 0.0

    @property
    def over(self) -> bool:
        """Whether the time is used up."""
        return self._seconds >= SECONDS

    async def matches(self, resource: Resource) -> bool:
        """Whether the resource matches."""
        began = perf_counter()
        result = self._matches(resource)
        took = perf_counter() - began
        self._seconds += took
        self._turn += took
        if self._turn >= _TURN:
            self._turn = 0.0
            await asyncio.sleep(0)
        return result
