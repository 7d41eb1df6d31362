"""The rate of a directory: a token bucket in this process, which fills in one second."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scim.protocol.errors import TooManyRequests

REMEMBERED: Final = 1000  # directories; one that is forgotten begins with a full bucket


@dataclass(slots=True)
class _Bucket:
    requests: float
    filled_at: datetime


class Rate:
    """Counts the requests of each directory."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, directory: str, per_second: int) -> None:
        """Count a request. Raises TooManyRequests beyond the rate."""
        now = self._now()
        bucket = self._buckets.get(directory)
        if bucket is None:
            bucket = self._buckets[directory] = _Bucket(per_second, now)
        self._buckets.move_to_end(directory)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        elapsed = max((now - bucket.filled_at).total_seconds(), 0)  # clocks are set back
        bucket.requests = min(bucket.requests + elapsed * per_second, per_second)
        bucket.filled_at = now
        if bucket.requests < 1:
            # A whole second, the least that Retry-After can say, fills the bucket.
            raise TooManyRequests(
                f"This directory may send {per_second} requests per second to one process; slow "
                "down, or ask the admin of the endpoint for a higher requestsPerSecond.",
                headers={"Retry-After": "1"},
            )
        bucket.requests -= 1
