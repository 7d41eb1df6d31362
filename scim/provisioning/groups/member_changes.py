"""What a PATCH of a group wants of its members, told without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from scim.protocol.errors import InvalidValue
from scim.protocol.filter import Comparison, Path
from scim.protocol.patch import Operation
from scim.protocol.schema import Json


@dataclass(frozen=True, slots=True)
class MemberChange:
    """Ids to add and to remove, in any order; `whole`: nobody but the added ones stays."""

    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    whole: bool = False

    def __bool__(self) -> bool:
        """Whether anything is asked for."""
        return bool(self.add or self.remove or self.whole)


@dataclass(slots=True)
class _Wanted:
    add: dict[str, None] = field(default_factory=dict)
    remove: dict[str, None] = field(default_factory=dict)
    whole: bool = False

    def join(self, ids: Sequence[str]) -> None:
        for each in ids:
            self.remove.pop(each, None)
            self.add[each] = None

    def leave(self, each: str) -> None:
        self.add.pop(each, None)
        self.remove[each] = None

    def only(self, ids: Sequence[str]) -> None:
        self.whole = True
        self.remove.clear()
        self.add = dict.fromkeys(ids)


def split_members(
    operations: Sequence[Operation],
) -> tuple[list[Operation], MemberChange, bool]:
    """Separate what concerns the members; operations are in standard form and in order.

    Returns the other operations, the change, and whether some operation can be told only by
    reading the members (a filter on something else than one id): then all of it has to be
    applied to the whole group.
    """
    wanted, others = _Wanted(), []
    for operation in operations:
        path = operation.path
        if path is None and isinstance(operation.value, dict):
            others.extend(_without_members(operation, wanted))
        elif path is None or path.name is None or path.name.lower() != "members":
            others.append(operation)
        elif path.entries is None and path.sub is None:
            _take(wanted, operation.op, operation.value)
        elif not _take_one(wanted, operation.op, path):
            return [each for each in operations if not _on_members(each)], MemberChange(), True
    change = MemberChange(tuple(wanted.add), tuple(wanted.remove), wanted.whole)
    return others, change, False


def member_ids(value: Json) -> list[str]:
    """Return the ids of a members list in standard form; each id once. Raises InvalidValue."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidValue("members has to be a list of objects with the member's id as value.")
    ids: dict[str, None] = {}
    for number, entry in enumerate(value):
        each = _value(entry)
        if not isinstance(each, str) or not each:
            raise InvalidValue(f"members[{number}] needs the id of a user or group as value.")
        ids[each] = None
    return list(ids)


def _take(wanted: _Wanted, op: str, value: Json) -> None:
    if op == "add":
        wanted.join(member_ids(value))
    elif op == "replace":
        wanted.only(member_ids(value))
    else:
        wanted.only([])


def _without_members(operation: Operation, wanted: _Wanted) -> list[Operation]:
    rest = {}
    for name, value in operation.value.items():
        if name.lower() == "members":
            _take(wanted, operation.op, value)
        else:
            rest[name] = value
    return [replace(operation, value=rest)] if rest or not operation.value else []


def _take_one(wanted: _Wanted, op: str, path: Path) -> bool:
    """Take an operation on `members[value eq "id"]`; False if it is another one."""
    member = _one_member(path.entries)
    if member is None or op != "remove" or path.sub not in (None, "value"):
        return False
    wanted.leave(member)
    return True


def _on_members(operation: Operation) -> bool:
    path = operation.path
    return path is not None and (path.name or "").lower() == "members"


def _value(entry: Any) -> Any:  # noqa: ANN401 - whatever a client sent
    if not isinstance(entry, dict):
        return None
    return next((each for name, each in entry.items() if name.lower() == "value"), None)


def _one_member(entries: object) -> str | None:
    if (
        isinstance(entries, Comparison)
        and entries.operator == "eq"
        and entries.path.name.lower() == "value"
        and entries.path.sub is None
        and isinstance(entries.value, str)
    ):
        return entries.value
    return None
