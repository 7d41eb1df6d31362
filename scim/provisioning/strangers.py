"""Look-ups that anyone can cause, bounded by the second: a flood must not reach a dependency."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from scim.provisioning.ports import Unavailable


class Strangers:
    """Counts the look-ups of one process for callers that have proved nothing yet."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._counted: tuple[int, int] = (0, 0)  # the current second, look-ups in it

    def count(self, per_second: int) -> None:
        """Count a look-up. Raises Unavailable beyond the limit."""
        second = int(self._now().timestamp())
        last, lookups = self._counted
        lookups = lookups + 1 if last == second else 1
        if lookups > per_second:
            raise Unavailable("too many unknown callers at once", retry_after=1)
        self._counted = (second, lookups)
