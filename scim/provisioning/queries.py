"""Finding resources: by index where a filter allows it, else by a bounded scan; in stable order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Generic

from scim.protocol.errors import TooMany
from scim.protocol.filter import Filter
from scim.protocol.lists import Paging
from scim.protocol.matching import matcher, required_equalities
from scim.protocol.schema import Resource
from scim.provisioning import rows, totals
from scim.provisioning.collections import Collection, Stored
from scim.provisioning.identifiers import created_ms, milliseconds
from scim.provisioning.ports import SCAN_ROWS, Storage
from scim.provisioning.scans import scan_rows

CHECKPOINT_EVERY: Final = 1000  # order rows; skipping to any position costs one page at most
DIRECTORIES_REMEMBERED: Final = 100


@dataclass(frozen=True, slots=True)
class Found(Generic[Stored]):
    """One page of resources in the order of their creation, and the number of all that match."""

    resources: Sequence[Stored]
    total: int


@dataclass(slots=True)
class _Checkpoints:
    """Known positions: `keys[n]` is the order row at position n * CHECKPOINT_EVERY (0-based)."""

    deleted: int
    keys: list[str] = field(default_factory=list)


class Queries(Generic[Stored]):
    """Lists and filters. `scan_limit` is the most resources that one call may read by scan."""

    def __init__(
        self,
        storage: Storage,
        collection: Collection[Stored],
        now: Callable[[], datetime],
        scan_limit: int,
    ) -> None:
        self._storage = storage
        self._collection: Collection[Stored] = collection
        self._now = now
        self._scan_limit = scan_limit
        self._checkpoints: dict[str, _Checkpoints] = {}

    async def page(self, directory: str, paging: Paging) -> Found[Stored]:
        """Return the resources at the positions asked for (RFC 7644 §3.4.2.4)."""
        partition = rows.partition(directory)
        known = await totals.read(self._storage, partition, self._now())
        total = known.get(self._collection.total, 0)
        first = paging.start_index - 1
        if paging.count == 0 or first >= total:
            return Found([], total)
        ids = await self._ids(partition, first, paging.count, known)
        return Found(await self._between(partition, ids), total)

    async def matching(
        self,
        directory: str,
        condition: Filter,
        paging: Paging,
        show: Callable[[Stored], Awaitable[Resource]],
    ) -> Found[Stored]:
        """Return the page of resources that match the filter, as `show` presents them."""
        matches = matcher(condition, self._collection.kind)
        partition = rows.partition(directory)
        candidates = self._candidates(partition, condition)
        found = [each async for each in candidates if matches(await show(each))]
        first = paging.start_index - 1
        return Found(found[first : first + paging.count], len(found))

    async def _candidates(self, partition: str, condition: Filter) -> AsyncIterator[Stored]:
        """Yield what an index finds for the filter; everything when no index serves it."""
        for equality in required_equalities(condition):
            lookup = self._collection.lookup(equality)
            if lookup is not None:
                for each in await self._loaded(partition, await lookup(self._storage, partition)):
                    yield each
                return
        first, last = self._collection.range("", "")
        seen = 0
        async for each in self._collection.between(self._storage, partition, first, last):
            seen += 1
            if seen > self._scan_limit:
                raise self._too_many()
            if not each.leaving:
                yield each

    async def _loaded(self, partition: str, ids: Sequence[str]) -> Sequence[Stored]:
        if len(ids) > self._scan_limit:
            raise self._too_many()
        load = self._collection.load
        found = await asyncio.gather(*(load(self._storage, partition, each) for each in ids))
        return [each for each in found if each is not None and not each.leaving]

    def _too_many(self) -> TooMany:
        name = self._collection.total
        return TooMany(
            f"This filter has to read more than {self._scan_limit} {name}. Join it with an 'and' "
            "to an equality on id, externalId, userName, emails.value or displayName of a group."
        )

    async def _ids(
        self, partition: str, first: int, count: int, known: Mapping[str, int]
    ) -> list[str]:
        """Return the ids at the positions from `first` on (0-based)."""
        order = self._collection.order
        deleted = known.get(self._collection.deleted, 0)
        checkpoints = self._valid_checkpoints(partition, deleted)
        step = min(first // CHECKPOINT_EVERY, len(checkpoints.keys) - 1)
        position = step * CHECKPOINT_EVERY
        settled = milliseconds(self._now() - totals.SETTLED)
        page = min(SCAN_ROWS, first - position + count)
        ids: list[str] = []
        async for row in scan_rows(
            self._storage, partition, checkpoints.keys[step], order(rows.END), page=page
        ):
            if (
                position == len(checkpoints.keys) * CHECKPOINT_EVERY
                and created_ms(rows.last_part(row.key)) < settled
            ):
                checkpoints.keys.append(row.key)
            if position >= first:
                ids.append(rows.last_part(row.key))
            position += 1
            if len(ids) == count:
                break
        return ids

    def _valid_checkpoints(self, partition: str, deleted: int) -> _Checkpoints:
        # A create never moves a position, a deletion does: each counted one voids what was known.
        checkpoints = self._checkpoints.pop(partition, None)
        if checkpoints is None or checkpoints.deleted != deleted:
            checkpoints = _Checkpoints(deleted, [self._collection.order("")])
        self._checkpoints[partition] = checkpoints
        if len(self._checkpoints) > DIRECTORIES_REMEMBERED:
            del self._checkpoints[next(iter(self._checkpoints))]
        return checkpoints

    async def _between(self, partition: str, ids: Sequence[str]) -> Sequence[Stored]:
        """Return the resources of consecutive positions: ids sort as positions do."""
        if not ids:
            return []
        wanted = set(ids)
        first, last = self._collection.range(ids[0], ids[-1])
        found = self._collection.between(self._storage, partition, first, last)
        return [each async for each in found if each.resource["id"] in wanted]
