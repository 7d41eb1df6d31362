"""How fast rows are written: no faster than the storage takes them beside other calls."""

from __future__ import annotations

import asyncio
from typing import Final

ROWS_PER_SECOND: Final = 1000  # half of what a partition of Table Storage takes
MADE_UP: Final = 0.1  # seconds; a delay as short as this is made up for, a longer one is not


class Pace:
    """Spreads commits over time. What they take themselves counts, so only the rest is waited."""

    def __init__(self) -> None:
        self._rows_per_second: float = ROWS_PER_SECOND
        self._free_at = 0.0

    async def wait(self) -> None:
        """Wait until a commit may be sent."""
        now = asyncio.get_running_loop().time()
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)

    def take(self, rows: int) -> None:
        """Count the rows of a commit that is about to be sent."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now - MADE_UP) + rows / self._rows_per_second

    def halve(self) -> None:
        """Go on half as fast: the storage has refused a commit."""
        self._rows_per_second /= 2
