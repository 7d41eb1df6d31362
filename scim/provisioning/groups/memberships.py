"""Who becomes a member, who leaves: a change of members against what is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from scim.protocol.errors import InvalidValue
from scim.provisioning.changes import group_rows
from scim.provisioning.changes.group_rows import Subject
from scim.provisioning.groups.member_changes import MemberChange
from scim.provisioning.ports import Storage
from scim.provisioning.stored_groups import StoredGroup, load_group, members_of
from scim.provisioning.stored_users import load_user

AT_ONCE: Final = 24  # members that one commit may touch beside the group's own rows
REMEMBERED: Final = 1_000  # subjects that a long change need not read again
_TOGETHER: Final = 50  # reads that run side by side


@dataclass(slots=True)
class Touched:
    """Members that a change touches: all ids, and the first subjects as they were read."""

    ids: list[str] = field(default_factory=list)
    subjects: list[Subject] = field(default_factory=list)

    def take(self, subject: Subject) -> None:
        """Note a member; beyond the first thousand by id alone, for the sake of memory."""
        self.ids.append(subject.resource["id"])
        if len(self.ids) <= REMEMBERED:
            self.subjects.append(subject)


@dataclass(frozen=True, slots=True)
class Delta:
    """Whom a change really touches: those who join, leave, or only see a new name.

    `renames` is None when they are more than one commit can hold.
    """

    joins: Touched
    leaves: Touched
    renames: Sequence[Subject] | None = ()

    @property
    def subjects(self) -> list[Subject]:
        """Return all if one commit can hold them, else those that are remembered."""
        return [*self.joins.subjects, *self.leaves.subjects, *(self.renames or ())]

    def __bool__(self) -> bool:
        """Whether anybody joins or leaves."""
        return bool(self.joins.ids or self.leaves.ids)


async def load_subject(storage: Storage, partition: str, subject_id: str) -> Subject | None:
    """Return the user or group of that id; None if there is none, or it is leaving."""
    user = await load_user(storage, partition, subject_id)
    if user is not None:
        return None if user.leaving else user
    group = await load_group(storage, partition, subject_id)
    return None if group is None or group.leaving else group


async def load_subjects(
    storage: Storage, partition: str, ids: Sequence[str]
) -> AsyncIterator[tuple[str, Subject | None]]:
    """Yield each id with its subject; some reads run side by side."""
    for start in range(0, len(ids), _TOGETHER):
        some = ids[start : start + _TOGETHER]
        found = await asyncio.gather(*(load_subject(storage, partition, each) for each in some))
        for each, subject in zip(some, found, strict=True):
            yield each, subject


async def few_members(storage: Storage, partition: str, group_id: str) -> Sequence[Subject] | None:
    """Return the members if they may fit one commit, else None."""
    ids = []
    async for member in members_of(storage, partition, group_id, page=AT_ONCE + 1):
        ids.append(member.id)
        if len(ids) > AT_ONCE:
            return None
    return [
        subject
        async for _, subject in load_subjects(storage, partition, ids)
        if subject is not None
    ]


async def delta(
    storage: Storage, partition: str, group: StoredGroup, change: MemberChange, known: Known
) -> Delta:
    """Return whom the change touches. Raises InvalidValue for an id that nobody has.

    `known` are subjects that were read already.
    """
    add, remove = change.add, change.remove
    if change.whole:
        present = [member.id async for member in members_of(storage, partition, group_id(group))]
        add, remove = _without(change.add, present), _without(present, change.add)
    joins, leaves = Touched(), Touched()
    async for each, subject in known_or_loaded(storage, partition, add, known):
        if subject is None:
            raise InvalidValue(
                f"members: there is no user or group with the id {each[:100]!r} in this "
                "directory. Create it first; nothing was changed."
            )
        if each == group_id(group):
            raise InvalidValue("members: a group cannot be a member of itself.")
        if not group_rows.is_member(subject, group_id(group)):
            joins.take(subject)
    async for _, subject in known_or_loaded(storage, partition, remove, known):
        if subject is not None and group_rows.is_member(subject, group_id(group)):
            leaves.take(subject)
    return Delta(joins, leaves)


Known = dict[str, Subject | None]


def group_id(group: StoredGroup) -> str:
    """Return the group's id."""
    found: str = group.resource["id"]
    return found


async def known_or_loaded(
    storage: Storage, partition: str, ids: Sequence[str], known: Mapping[str, Subject | None]
) -> AsyncIterator[tuple[str, Subject | None]]:
    """Yield each id with its subject, read only where it is not known."""
    for each in ids:
        if each in known:
            yield each, known[each]
    missing = [each for each in ids if each not in known]
    async for found in load_subjects(storage, partition, missing):
        yield found


def _without(ids: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    gone = set(others)
    return tuple(each for each in ids if each not in gone)
