"""How fast rows are written: never more in a second than the storage takes beside other calls."""

from __future__ import annotations

import asyncio


class Pace:
    """Spreads commits over time. What they take themselves counts, so only the rest is waited."""

    def __init__(self, rows_per_second: float) -> None:
        self._rows_per_second = rows_per_second
        self._free_at = 0.0

    async def wait(self, rows: int) -> None:
        """Wait until a commit of so many rows may be sent."""
        time = asyncio.get_running_loop().time
        if (early := self._free_at - time()) > 0:
            await asyncio.sleep(early)
        self._free_at = time() + rows / self._rows_per_second

    def halve(self) -> None:
        """Go on half as fast: the storage has refused a commit."""
        self._rows_per_second /= 2
