"""Finding resources: by index where a filter allows it, else by a bounded scan; in stable order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any, Final, Generic

from scim.protocol.errors import TooMany
from scim.protocol.filter import Filter
from scim.protocol.lists import Paging
from scim.protocol.matching import matcher, required_equalities
from scim.protocol.schema import Resource, ResourceType
from scim.protocol.sorting import Sort
from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.identifiers import created_ms, milliseconds
from scim.provisioning.ports import SCAN_ROWS, Storage
from scim.provisioning.queries.collections import Collection, Stored
from scim.provisioning.queries.comparing import SECONDS, Comparing
from scim.provisioning.scans import scan_rows

CHECKPOINT_EVERY: Final = 1000  # order rows; skipping to any position costs one page at most
DIRECTORIES_REMEMBERED: Final = 100
SORT_LIMIT: Final = 5000  # resources that one call sorts: about 50 MB while it does
SORT_LENGTH: Final = 200  # characters of a text that decide its place; a cursor holds them


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


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for, and in which order; without a sort in that of creation.

    `beside` are other resource types that the same filter is asked of.
    """

    condition: Filter | None = None
    sort: Sort | None = None
    beside: Sequence[ResourceType] = ()


Show = Callable[[Stored], Awaitable[Resource]]
# The id of a resource, or [absent, sort key, id] in a sorted list; None is the beginning.
Position = Any


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
        self, directory: str, query: Query, paging: Paging, show: Show[Stored]
    ) -> Found[Stored]:
        """Return the page of resources that match the query, as `show` presents them."""
        wanted = range(paging.start_index - 1, paging.start_index - 1 + paging.count)
        if query.sort is not None:
            found = await self._in_order(directory, query, query.sort, show)
            return Found([each for _, each in found[wanted.start : wanted.stop]], len(found))
        # Only the page is kept: the others may be many.
        page: list[Stored] = []
        total = 0
        async for _, each in self._matches(directory, query, show):
            if total in wanted:
                page.append(each)
            total += 1
        return Found(page, total)

    async def following(
        self, directory: str, query: Query, position: Position, count: int, show: Show[Stored]
    ) -> tuple[Sequence[Stored], Position]:
        """Return what follows a position (None: the beginning), and the position after it.

        The latter is None when nothing follows. Without a sort a page may be shorter than asked
        for when the filter had to read much.
        """
        if query.sort is not None:
            found = await self._in_order(directory, query, query.sort, show)
            found = [each for each in found if _follows(each[0], position, query.sort)]
            page = found[:count]
            return [each for _, each in page], page[-1][0] if len(found) > count else None
        comparing = Comparing(self._matcher(query))
        resources: list[Stored] = []
        last: Position = None
        seen = 0
        candidates = self._candidates(rows.partition(directory), query.condition, position, count)
        async for each in candidates:
            seen += 1
            if len(resources) == count or seen > self._scan_limit or comparing.over:
                return resources, last
            if await comparing.matches(await show(each)):
                resources.append(each)
            last = each.resource["id"]
        return resources, None

    async def _in_order(
        self, directory: str, query: Query, sort: Sort, show: Show[Stored]
    ) -> Sequence[tuple[Position, Stored]]:
        """Return all matches with their positions, in the order asked for."""
        found: list[tuple[Any, Stored]] = []
        async for shown, each in self._matches(directory, query, show):
            found.append((_position(shown, sort), each))
            if len(found) > SORT_LIMIT:
                raise self._too_many(f"sort more than {SORT_LIMIT}")
        found.sort(key=itemgetter(0), reverse=sort.descending)
        return found

    async def _matches(
        self, directory: str, query: Query, show: Show[Stored]
    ) -> AsyncIterator[tuple[Resource, Stored]]:
        """Yield all matches, as shown and as stored, in the order of their creation."""
        comparing = Comparing(self._matcher(query))
        seen = 0
        async for each in self._candidates(rows.partition(directory), query.condition):
            seen += 1
            if seen > self._scan_limit:
                raise self._too_many(f"read more than {self._scan_limit}")
            if comparing.over:
                raise self._too_many("compare", f" for more than {SECONDS:.0f} seconds")
            shown = await show(each)
            if await comparing.matches(shown):
                yield shown, each

    def _matcher(self, query: Query) -> Callable[[Resource], bool]:
        if query.condition is None:
            return lambda _: True
        return matcher(query.condition, self._collection.kind, query.beside)

    async def _candidates(
        self,
        partition: str,
        condition: Filter | None,
        after: Position = None,
        page: int = SCAN_ROWS,
    ) -> AsyncIterator[Stored]:
        """Yield what an index finds for the filter; everything when no index serves it.

        In the order of ids, from the one behind `after` on.
        """
        for equality in required_equalities(condition) if condition is not None else ():
            lookup = self._collection.lookup(equality)
            if lookup is not None:
                ids = await lookup(self._storage, partition)
                for each in await self._loaded(partition, [i for i in ids if i > (after or "")]):
                    yield each
                return
        first, last = self._collection.range("", "")
        if after is not None:
            _, first = self._collection.range(after, after)
        found = self._collection.between(
            self._storage, partition, first, last, page=min(page + 1, SCAN_ROWS)
        )
        async for each in found:
            if not each.leaving:
                yield each

    async def _loaded(self, partition: str, ids: Sequence[str]) -> Sequence[Stored]:
        if len(ids) > self._scan_limit:
            raise self._too_many(f"read more than {self._scan_limit}")
        load = self._collection.load
        found = await asyncio.gather(*(load(self._storage, partition, each) for each in ids))
        return [each for each in found if each is not None and not each.leaving]

    def _too_many(self, what: str, how: str = "") -> TooMany:
        return TooMany(
            f"This query has to {what} {self._collection.total}{how}. Narrow the filter with an "
            "'and' to an equality on id, externalId, userName, emails.value or a group's "
            "displayName; or page with a cursor: add ?cursor= and follow nextCursor."
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


def _position(shown: Resource, sort: Sort) -> Position:
    absent, key = sort.key(shown)
    return [absent, key[:SORT_LENGTH] if isinstance(key, str) else key, shown["id"]]


def _follows(one: Position, position: Position, sort: Sort) -> bool:
    if position is None:
        return True
    return bool(one < position if sort.descending else one > position)
