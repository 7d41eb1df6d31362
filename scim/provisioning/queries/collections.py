"""The two collections of a directory, told apart by their rows: users and groups."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from scim.protocol.schema import ResourceType
from scim.provisioning import rows
from scim.provisioning.ports import SCAN_ROWS, Storage
from scim.provisioning.queries.lookups import Equality, Lookup, group_lookup, user_lookup
from scim.provisioning.stored_groups import StoredGroup, groups_between, load_group
from scim.provisioning.stored_users import StoredUser, load_user, users_between

Stored = TypeVar("Stored", StoredUser, StoredGroup)
Stored_co = TypeVar("Stored_co", StoredUser, StoredGroup, covariant=True)


class Between(Protocol[Stored_co]):
    """Yields what stands in a range of keys, reading pages of at most `page` rows."""

    def __call__(
        self, storage: Storage, partition: str, first: str, last: str, /, *, page: int = SCAN_ROWS
    ) -> AsyncIterator[Stored_co]:
        """Return the resources in the order of their ids."""
        ...


@dataclass(frozen=True, slots=True)
class Collection(Generic[Stored]):
    """How the resources of one type are counted, ordered, looked up and read.

    `total` and `deleted` are names among the totals; the latter only grows.
    """

    kind: ResourceType
    total: str
    deleted: str
    order: Callable[[str], str]
    range: Callable[[str, str], tuple[str, str]]
    lookup: Callable[[Equality], Lookup | None]
    load: Callable[[Storage, str, str], Awaitable[Stored | None]]
    between: Between[Stored]


def users(kind: ResourceType) -> Collection[StoredUser]:
    """Return the collection of users."""
    return Collection(
        kind,
        total="users",
        deleted="usersDeleted",
        order=rows.user_order,
        range=rows.user_range,
        lookup=user_lookup,
        load=load_user,
        between=users_between,
    )


def groups(kind: ResourceType) -> Collection[StoredGroup]:
    """Return the collection of groups."""
    return Collection(
        kind,
        total="groups",
        deleted="groupsDeleted",
        order=rows.group_order,
        range=rows.group_range,
        lookup=group_lookup,
        load=load_group,
        between=groups_between,
    )
