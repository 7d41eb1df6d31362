"""Finding users: by index where a filter allows it, else by a bounded scan; in stable positions."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from scim.protocol.errors import TooMany
from scim.protocol.filter import Comparison, Filter, ValuePath
from scim.protocol.folding import fold
from scim.protocol.lists import Paging
from scim.protocol.matching import matcher, required_equalities
from scim.protocol.schema import USER, Resource, ResourceType
from scim.provisioning import rows, totals
from scim.provisioning.identifiers import created_ms, is_resource_id, milliseconds
from scim.provisioning.ports import SCAN_ROWS, Storage
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_users import StoredUser, load_user, users_between

CHECKPOINT_EVERY: Final = 1000  # order rows; skipping to any position costs one page at most
DIRECTORIES_REMEMBERED: Final = 100
_INDEXED: Final = ("id", "username", "externalid", "emails")


@dataclass(frozen=True, slots=True)
class Found:
    """One page of users in the order of their creation, and the number of all that match."""

    users: list[StoredUser]
    total: int


@dataclass(slots=True)
class _Checkpoints:
    """Known positions: `keys[n]` is the order row at position n * CHECKPOINT_EVERY (0-based)."""

    deleted: int
    keys: list[str] = field(default_factory=lambda: [rows.user_order()])


class UserQueries:
    """Lists and filters. `scan_limit` is the most users that one call may read by scan."""

    def __init__(
        self,
        storage: Storage,
        kind: ResourceType,
        now: Callable[[], datetime],
        scan_limit: int,
    ) -> None:
        self._storage = storage
        self._kind = kind
        self._now = now
        self._scan_limit = scan_limit
        self._checkpoints: dict[str, _Checkpoints] = {}

    async def page(self, directory: str, paging: Paging) -> Found:
        """Return the users at the positions asked for (RFC 7644 §3.4.2.4)."""
        partition = rows.partition(directory)
        known = await totals.read(self._storage, partition, self._now())
        total = known.get("users", 0)
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
        show: Callable[[StoredUser], Resource],
    ) -> Found:
        """Return the page of users that match the filter, as `show` presents them."""
        matches = matcher(condition, self._kind)
        partition = rows.partition(directory)
        candidates = await self._candidates(partition, condition)
        if candidates is None:
            found = await self._scan(partition, lambda user: matches(show(user)))
        else:
            found = [user for user in candidates if matches(show(user))]
        first = paging.start_index - 1
        return Found(found[first : first + paging.count], len(found))

    async def _candidates(self, partition: str, condition: Filter) -> list[StoredUser] | None:
        """Return the users that an index finds for the filter; None when no index serves it."""
        for equality in required_equalities(condition):
            lookup = _indexed(equality)
            if lookup is None:
                continue
            name, value = lookup
            if name == "id":
                ids = [value] if is_resource_id(value) else []
            elif name == "username":
                row = await self._storage.get(partition, rows.user_name(fold(value)))
                ids = [str(row.values["id"])] if row else []
            else:
                prefix = (
                    rows.external_id(value) if name == "externalid" else rows.email(fold(value))
                )
                ids = [
                    rows.last_part(row.key)
                    async for row in scan_rows(self._storage, partition, prefix, prefix + rows.END)
                ]
            return await self._users(partition, ids)
        return None

    async def _users(self, partition: str, ids: list[str]) -> list[StoredUser]:
        if len(ids) > self._scan_limit:
            raise self._too_many()
        found = await asyncio.gather(*(load_user(self._storage, partition, each) for each in ids))
        return [user for user in found if user is not None]

    async def _scan(
        self, partition: str, matches: Callable[[StoredUser], bool]
    ) -> list[StoredUser]:
        found, seen = [], 0
        async for user in users_between(self._storage, partition, *rows.user_range("", "")):
            seen += 1
            if seen > self._scan_limit:
                raise self._too_many()
            if matches(user):
                found.append(user)
        return found

    def _too_many(self) -> TooMany:
        return TooMany(
            f"This filter has to read more than {self._scan_limit} users. "
            "Filter by userName, externalId, id or emails.value, alone or joined with 'and'."
        )

    async def _ids(
        self, partition: str, first: int, count: int, known: Mapping[str, int]
    ) -> list[str]:
        """Return the ids at the positions from `first` on (0-based)."""
        checkpoints = self._valid_checkpoints(partition, known.get("usersDeleted", 0))
        step = min(first // CHECKPOINT_EVERY, len(checkpoints.keys) - 1)
        position = step * CHECKPOINT_EVERY
        start, settled = checkpoints.keys[step], milliseconds(self._now() - totals.SETTLED)
        ids: list[str] = []
        page = min(SCAN_ROWS, first - position + count)
        async for row in scan_rows(
            self._storage, partition, start, rows.user_order(rows.END), page=page
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
            checkpoints = _Checkpoints(deleted)
        self._checkpoints[partition] = checkpoints
        if len(self._checkpoints) > DIRECTORIES_REMEMBERED:
            del self._checkpoints[next(iter(self._checkpoints))]
        return checkpoints

    async def _between(self, partition: str, ids: list[str]) -> list[StoredUser]:
        """Return the users of consecutive positions: ids sort as positions do."""
        if not ids:
            return []
        wanted = set(ids)
        return [
            user
            async for user in users_between(
                self._storage, partition, *rows.user_range(ids[0], ids[-1])
            )
            if user.resource["id"] in wanted
        ]


def _indexed(equality: Comparison | ValuePath) -> tuple[str, str] | None:
    """Return the index and the value to look up, if an index serves the equality."""
    path = equality.path
    if path.urn is not None and path.urn.lower() != USER.lower():
        return None
    name, sub = path.name.lower(), (path.sub or "").lower()
    if isinstance(equality, ValuePath):
        value = _value_within(equality.inner) if name == "emails" else None
    elif (name == "emails" and sub == "value") or (name in _INDEXED and not sub):
        value = equality.value
    else:
        value = None
    return (name, value) if isinstance(value, str) else None


def _value_within(inner: Filter) -> object:
    for each in required_equalities(inner):
        if isinstance(each, Comparison) and each.path.name.lower() == "value":
            return each.value
    return None
