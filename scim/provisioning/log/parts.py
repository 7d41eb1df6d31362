"""What the entries of one change say together, and what an entry says to one concerned."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scim.provisioning.log.access_changes import AccessChange
from scim.provisioning.log.entries import Did, LogEntry


def merged(parts: Sequence[LogEntry]) -> LogEntry:
    """Return the entries of one change as one: the first, with what the others add."""
    first = parts[0]
    sums: dict[str, int] = {}
    for part in parts:
        for name, number in part.adds.items():
            sums[name] = sums.get(name, 0) + number
    return first.model_copy(
        update={
            "operations": _each_once(did for each in parts for did in each.operations),
            "changes": _each_once(name for each in parts for name in each.changes),
            "access_gained": _joined(first.target.id, (each.access_gained for each in parts)),
            "access_lost": _joined(first.target.id, (each.access_lost for each in parts)),
            "access_cut": any(each.access_cut for each in parts),
            "duration_ms": max((each.duration_ms or 0 for each in parts), default=None),
            "adds": sums,
        }
    )


def concerning(subjects: Sequence[str], entry: LogEntry) -> LogEntry:
    """Return an entry with the access of the subjects alone; with all to its target."""
    if entry.target.id in subjects:
        return entry
    return entry.model_copy(
        update={
            "access_gained": _of(subjects, entry.access_gained),
            "access_lost": _of(subjects, entry.access_lost),
        }
    )


def _joined(target: str, parts: Iterable[Sequence[AccessChange]]) -> tuple[AccessChange, ...]:
    users: dict[tuple[str, str], list[str]] = {}
    for part in parts:
        for each in part:
            users.setdefault((each.tenant, each.role), []).extend(each.users or [target])
    return tuple(
        AccessChange(tenant=tenant, role=role, users=() if ids == [target] else tuple(ids))
        for (tenant, role), ids in sorted(users.items())
    )


def _of(subjects: Sequence[str], changes: Sequence[AccessChange]) -> tuple[AccessChange, ...]:
    own = (each.of(subjects) for each in changes)
    return tuple(each for each in own if each.users)


def _each_once(values: Iterable[Did | str]) -> tuple[Did | str, ...]:
    return tuple(dict.fromkeys(values))
