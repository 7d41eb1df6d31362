"""How fast rows are written: no faster than the storage takes them beside other calls."""

from __future__ import annotations

import asyncio
from typing import Final

MADE_UP: Final = 0.1  # seconds; a delay as short as this is made up for, a longer one is not


class Pace:
    """Spreads commits over time. What they take themselves counts, so only the rest is waited."""

    def __init__(self, rows_per_second: float) -> None:
        self._rows_per_second = rows_per_second
        self._free_at = 0.0

    async def wait(self, rows: int) -> None:
        """Wait until a commit of so many rows may be sent."""
        now = asyncio.get_running_loop().time()
        if self._free_at > now:
            await asyncio.sleep(self._free_at - now)
        self._free_at = max(self._free_at, now - MADE_UP) + rows / self._rows_per_second

    def halve(self) -> None:
        """Go on half as fast: the storage has refused a commit."""
        self._rows_per_second /= 2
