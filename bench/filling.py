"""Fills a directory through the storage port, with the product's own rows and without HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice

from bench.calls import user_body
from scim.protocol.resource import read_resource
from scim.protocol.schema import ResourceType, group_type, user_type
from scim.provisioning import rows
from scim.provisioning.changes import group_rows, totals, user_rows
from scim.provisioning.groups.effects import target as group_target
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, Did, entry_rows
from scim.provisioning.policy import Policy
from scim.provisioning.ports import COMMIT_ROWS, Operation, Storage
from scim.provisioning.rules.access import CompiledRules
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import StoredGroup
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.users.work import target as user_target
from scim.provisioning.versions import created

AGO = timedelta(hours=1)  # the filling lies back so far that its log entries are folded
LOG_ROWS = 4  # of each commit: an entry that creates a user, and what finds it
TOGETHER = 32  # commits that wait for the disk together


@dataclass(frozen=True, slots=True)
class Filled:
    """Who is there: user ids in the order of their numbers, and the groups by size."""

    users: Sequence[str]
    groups: dict[int, str]


async def fill(
    storage: Storage,
    directory: str,
    now: datetime,
    *,
    users: int,
    groups: Sequence[int],
    progress: Callable[[int], None] = lambda _: None,
) -> Filled:
    """Store so many users, and groups of the sizes given: the first users are their members.

    The directory may hold nothing before. The rows are those of as many calls, but many users
    share a commit and its log entry.
    """
    filling = _Filling(storage, directory, now - AGO)
    made = {size: await filling.group(size) for size in groups}
    ids: list[str] = []
    numbers = iter(range(users))
    while some := list(islice(numbers, 1000)):
        ids.extend(await filling.users(some, made))
        progress(len(ids))
    await totals.fold(storage, rows.partition(directory), now)
    return Filled(ids, {size: group.resource["id"] for size, group in made.items()})


@dataclass(slots=True)
class _Commit:
    """What shares a commit: rows, and what they add to the totals."""

    first: StoredUser
    operations: list[Operation]
    users: int
    memberships: int


class _Filling:
    def __init__(self, storage: Storage, directory: str, moment: datetime) -> None:
        self._storage = storage
        self._directory = directory
        self._partition = rows.partition(directory)
        self._moment = moment
        self._user, self._group = user_type(), group_type()
        # By no rules yet, as users that were there before the first set.
        self._ruling = Ruling(
            0, CompiledRules([], self._user), directory, moment, resource_id(moment)
        )

    async def group(self, size: int) -> StoredGroup:
        moment = self._next_moment()
        group = StoredGroup(
            {
                "id": resource_id(moment),
                **_content({"displayName": f"Group of {size}"}, self._group),
                "meta": created("Group", moment),
            },
            etag="",
        )
        call = self._call(moment)
        entry = call.entry([Did.CREATE], group_target(group.resource), adds={"groups": 1})
        log = entry_rows(call.log_key(), entry, [group.resource["id"]])
        await self._storage.commit(self._partition, [*group_rows.insert(group), *log])
        return group

    async def users(self, numbers: Iterable[int], groups: Mapping[int, StoredGroup]) -> list[str]:
        ids: list[str] = []
        commits = self._packed(numbers, groups, ids)
        while some := list(islice(commits, TOGETHER)):
            await asyncio.gather(*(self._store(each) for each in some))
        return ids

    def _packed(
        self, numbers: Iterable[int], groups: Mapping[int, StoredGroup], ids: list[str]
    ) -> Iterator[_Commit]:
        commit: _Commit | None = None
        for number in numbers:
            moment = self._next_moment()
            user = StoredUser(
                {
                    "id": resource_id(moment),
                    **_content(user_body(number), self._user),
                    "meta": created("User", moment),
                },
                etag="",
            )
            ids.append(user.resource["id"])
            joined = [group for size, group in groups.items() if number < size]
            # The first row of joining touches the user, who is only being made here.
            operations = [
                *user_rows.insert(self._ruling.on(user)),
                *chain.from_iterable(
                    group_rows.join(user, group, self._ruling)[1:] for group in joined
                ),
            ]
            if commit and len(commit.operations) + len(operations) <= COMMIT_ROWS - LOG_ROWS:
                commit.operations += operations
                commit.users += 1
                commit.memberships += len(joined)
                continue
            if commit:
                yield commit
            commit = _Commit(user, operations, 1, len(joined))
        if commit:
            yield commit

    async def _store(self, commit: _Commit) -> None:
        adds = {
            "users": commit.users,
            "activeUsers": commit.users,
            "memberships": commit.memberships,
        }
        first = commit.first.resource
        call = self._call(self._moment)
        entry = call.entry([Did.CREATE], user_target(first), adds=adds)
        log = entry_rows(call.log_key(), entry, [first["id"]])
        await self._storage.commit(self._partition, [*commit.operations, *log])

    def _next_moment(self) -> datetime:
        # Ids sort in the order of creation: one user each millisecond keeps that order.
        self._moment += timedelta(milliseconds=1)
        return self._moment

    def _call(self, moment: datetime) -> Call:
        return Call(
            self._directory, resource_id(moment), moment, actor="benchmark", policy=Policy()
        )


def _content(body: dict[str, object], kind: ResourceType) -> dict[str, object]:
    return read_resource(body, kind, [])
