"""Changes of a few members of one group: decided one after the other, stored in one commit."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Final

from scim.protocol.errors import ScimError
from scim.protocol.schema import ResourceType
from scim.provisioning import rows
from scim.provisioning.changes import group_rows
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.enforcement import check_allowed
from scim.provisioning.groups import effects as group_log
from scim.provisioning.groups import memberships
from scim.provisioning.groups.member_changes import MemberChange
from scim.provisioning.groups.memberships import Delta
from scim.provisioning.groups.queue import Turn
from scim.provisioning.log.entries import Call, entry_rows
from scim.provisioning.ports import COMMIT_ROWS, Operation, Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.stored_groups import StoredGroup
from scim.provisioning.versions import touched

_GROUP_ROWS: Final = 1
_CALL_ROWS: Final = 2  # its log entry, and the index of that by the group
_MEMBER_ROWS: Final = 4  # itself, both sides of the membership, and the index of the log


@dataclasses.dataclass(frozen=True, slots=True)
class SmallChange:
    """A call that changes only members, and so few that they fit one commit.

    `commit` began with the call: with whatever else it is stored, it is the call's only one.
    """

    call: Call
    group: str
    change: MemberChange
    commit: Commit

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the members that are touched."""
        return (*self.change.add, *self.change.remove)


SmallTurn = Turn[SmallChange, StoredGroup]


def is_small(call: Call, change: MemberChange) -> bool:
    """Whether a change of members may share a commit. One on a version of its own may not."""
    conditional = call.if_match or call.if_none_match
    size = len(change.add) + len(change.remove)
    return not change.whole and not conditional and size <= memberships.AT_ONCE


def fits(before: Sequence[SmallChange], change: SmallChange) -> bool:
    """Whether the change fits one commit with those before it; each member is touched once."""
    known = {member for each in before for member in each.ids}
    sizes = [len(each.ids) for each in (*before, change)]
    return known.isdisjoint(change.ids) and _rows(sizes) <= COMMIT_ROWS


def _rows(sizes: Sequence[int]) -> int:
    return _GROUP_ROWS + sum(_CALL_ROWS + _MEMBER_ROWS * size for size in sizes)


class SmallChanges:
    """Stores small changes. `ready` returns a group once no job of it is open."""

    def __init__(
        self,
        storage: Storage,
        kind: ResourceType,
        now: Callable[[], datetime],
        rules: RuleSets,
        ready: Callable[[Call, str], Awaitable[StoredGroup]],
    ) -> None:
        self._storage = storage
        self._kind = kind
        self._now = now
        self._rules = rules
        self._ready = ready

    async def make(self, turns: Sequence[SmallTurn]) -> None:
        """Make the changes and settle their turns: each is refused alone, or stored with others.

        Raises what concerns all: NotFound, Unavailable.
        """
        first, commit = turns[0].change, None
        while True:
            read_at = self._now()
            group, known = await asyncio.gather(
                self._ready(first.call, first.group), self._subjects(turns)
            )
            after, operations, decided = group, list[Operation](), list[SmallTurn]()
            results: list[StoredGroup] = []
            for turn in turns:
                try:
                    delta = await self._delta(turn.change, after, known)
                except ScimError as refusal:
                    turn.done.set_exception(refusal)
                    continue
                if not delta:
                    turn.done.set_result(group)
                    continue
                before = after
                after = dataclasses.replace(before, resource=touched(before.resource))
                operations += await self._member_rows(turn.change.call, before, after, delta)
                decided.append(turn)
                results.append(after)
            turns = decided
            if not turns:
                return
            # The log entry of the first stands for all: who is left was in every attempt before.
            commit = commit or turns[0].change.commit
            operations = [*group_rows.replace(group, after), *operations]
            if await commit.attempt(operations, read_at=read_at):
                for turn, result in zip(turns, results, strict=True):
                    turn.done.set_result(result)
                return

    async def _subjects(self, turns: Sequence[SmallTurn]) -> memberships.Known:
        partition = rows.partition(turns[0].change.call.directory)
        ids = [member for turn in turns for member in turn.change.ids]
        return {
            each: subject
            async for each, subject in memberships.load_subjects(self._storage, partition, ids)
        }

    async def _delta(
        self, small: SmallChange, group: StoredGroup, known: memberships.Known
    ) -> Delta:
        partition = rows.partition(small.call.directory)
        delta = await memberships.delta(self._storage, partition, group, small.change, known)
        if delta:
            did = group_log.did(group.resource, group.resource, delta)
            check_allowed(small.call, self._kind, did)
        return delta

    async def _member_rows(
        self, call: Call, before: StoredGroup, after: StoredGroup, delta: Delta
    ) -> list[Operation]:
        group_id = after.resource["id"]
        ruling = await self._rules.ruling(call, delta.subjects)
        joins, leaves = delta.joins.subjects, delta.leaves.subjects
        operations = [
            *(row for each in joins for row in group_rows.join(each, after, ruling)),
            *(row for each in leaves for row in group_rows.leave(each, group_id, ruling)),
        ]
        entry = group_log.changed(call, before, after, delta, ruling.changes)
        subjects = [group_id, *delta.joins.ids, *delta.leaves.ids]
        return operations + entry_rows(call.log_key(), entry, subjects)
