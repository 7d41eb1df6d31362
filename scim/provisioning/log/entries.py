"""The provisioning log: one entry per call that changed something, in the commit of the change."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from scim.protocol.schema import Json, Resource
from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.log.access_changes import NOTHING, AccessChange, AccessChanges
from scim.provisioning.masking import is_secret
from scim.provisioning.names import take_name
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Insert, Operation, Put, Replace, Row, Value

# An entry stays small whatever a client sends.
NAMES_KEPT: Final = 40
NAME_LENGTH: Final = 120

ACCESS: Final = "Access"
NAMED_BY: Final = {"User": "userName", "Group": "displayName"}
_OTHERS: Final = "others"  # subjects beside the target, for whoever removes the entry


class Did(StrEnum):
    """What a call did; the closed list of the log."""

    CREATE = "create"
    UPDATE = "update"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"
    ADD_MEMBERS = "addMembers"
    REMOVE_MEMBERS = "removeMembers"
    APPLY_RULES = "applyRules"
    # Of sets of rules:
    CONFIRM = "confirm"
    CANCEL = "cancel"
    # Of directories and tokens:
    PAUSE = "pause"
    RESUME = "resume"
    RESTORE = "restore"
    ROTATE = "rotate"
    REVOKE = "revoke"
    EXPIRING = "expiring"
    # Of failed jobs, failed events and the log itself:
    RETRY = "retry"
    IGNORE = "ignore"
    REOPEN = "reopen"
    ERASE = "erase"


class Outcome(StrEnum):
    """How a call ended: the change is made, or the caller's or our fault kept it from being."""

    SUCCESS = "success"
    REFUSED = "refused"
    FAILED = "failed"


class Target(BaseModel):
    """The resource concerned; `identifier` is what people call it (userName, displayName).

    Of the type `ACCESS` it is the user of whom an application has asked.

    A call that is refused may name no resource: then the id is empty, and so may the identifier be.
    """

    model_config = ConfigDict(frozen=True)

    type: str
    id: str
    identifier: str


class LogEntry(BaseModel):
    """One entry; `adds` is what the change adds to the totals of the directory.

    `values` are old and new values of attributes that the policy calls harmless. `access_cut`: more
    was gained or lost than an entry holds. A change of several commits has a `job`; its later
    commits are `part` 1 and on. What was refused or failed has a `status`, the `detail` that was
    answered, and a `cause` out of `causes`.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    time: datetime
    message_id: str
    actor: str
    operations: tuple[Did, ...]
    target: Target
    outcome: Outcome = Outcome.SUCCESS
    changes: tuple[str, ...] = ()
    values: Mapping[str, tuple[Json, Json]] = Field(default_factory=dict)
    access_gained: tuple[AccessChange, ...] = ()
    access_lost: tuple[AccessChange, ...] = ()
    access_cut: bool = False
    quirks: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    user_agent: str = ""
    duration_ms: int | None = None
    traceparent: str = ""
    job: str = ""
    part: int = 0
    status: int | None = None
    scim_type: str | None = None
    detail: str = ""
    cause: str = ""
    adds: Mapping[str, int] = Field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One request as the log sees it, with the policy that holds for it.

    `message_id` and `started` name the same moment: with the id an entry is found by its key.
    `clock` tells how long the call takes; without one nobody waits for an answer.
    `quirks` names the dialect functions that fired, `ignored` the unknown attributes that were
    sent; both are filled while the request is read.
    """

    directory: str
    message_id: str
    started: datetime
    actor: str
    policy: Policy
    user_agent: str = ""
    traceparent: str = ""
    clock: Callable[[], datetime] | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    quirks: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    def log_key(self, part: int = 0) -> str:
        """Return the key of this call's entry; all attempts at one commit insert the same."""
        return rows.log(milliseconds(self.started), self.message_id, part)

    def entry(
        self,
        did: Sequence[Did],
        target: Target,
        *,
        change: tuple[Resource, Resource] = ({}, {}),
        access: AccessChanges | None = None,
        adds: Mapping[str, int],
    ) -> LogEntry:
        """Return the entry of what this call did to one target; `change` is before and after.

        `access` is what its commit gives and takes.
        """
        names = changed_names(*change)
        told = access.told(target.id) if access else NOTHING
        return LogEntry(
            time=self.started,
            message_id=self.message_id,
            actor=self.actor,
            operations=tuple(did),
            target=target,
            changes=bounded(names),
            values=_harmless(*change, names, self.policy.logged_values),
            access_gained=told.gained,
            access_lost=told.lost,
            access_cut=told.cut,
            quirks=bounded(self.quirks),
            ignored=bounded(self.ignored),
            user_agent=self.user_agent[:NAME_LENGTH],
            duration_ms=duration_ms(self.clock() - self.started) if self.clock else None,
            traceparent=self.traceparent,
            adds=adds,
        )


def duration_ms(span: timedelta) -> int:
    """Return a span in whole milliseconds."""
    return span // timedelta(milliseconds=1)


def bounded(names: Sequence[str]) -> tuple[str, ...]:
    """Return the first names, each once and not too long."""
    if not names:
        return ()
    return tuple(name[:NAME_LENGTH] for name in list(dict.fromkeys(names))[:NAMES_KEPT])


def entry_rows(
    log_key: str, entry: LogEntry, subjects: Sequence[str], *, job: str = "", part: int = 0
) -> list[Operation]:
    """Return the rows of an entry: itself, and one index row per user or group concerned.

    `job` and `part` say that the entry is of one commit of several. Names that a user or group
    takes find it for as long as the log does, also when it has another name or is gone.
    """
    if job:
        entry = entry.model_copy(update={"job": job, "part": part})
    subjects = [*subjects, job] if part else subjects
    keys = [rows.log_index(subject, log_key) for subject in subjects]
    index = [Put(key, {"f": rows.FORMAT}) for key in keys]
    return [*index, *_names(entry), Insert(log_key, _values(entry, subjects))]


def rewritten(row: Row, entry: LogEntry, subjects: Sequence[str]) -> Operation:
    """Return the row of an entry that says less than before."""
    return Replace(row.key, _values(entry, subjects), row.etag)


def subjects_of(row: Row, entry: LogEntry) -> list[str]:
    """Return the subjects by which the entry of a row is indexed."""
    others = str(row.values.get(_OTHERS, ""))
    return [each for each in (entry.target.id, *others.split(",")) if each]


def _values(entry: LogEntry, subjects: Sequence[str]) -> dict[str, Value]:
    others = ",".join(each for each in subjects if each != entry.target.id)
    text = entry.model_dump_json(by_alias=True, exclude_defaults=True)
    return rows.pack_text(text, **({_OTHERS: others} if others else {}))


def _names(entry: LogEntry) -> list[Operation]:
    name = NAMED_BY.get(entry.target.type)
    took_name = Did.CREATE in entry.operations or name in entry.changes
    if name is None or entry.outcome is not Outcome.SUCCESS or not took_name:
        return []
    return take_name(entry.target.id, entry.target.identifier)


_UNNAMED: Final = frozenset({"schemas", "id", "meta"})


def changed_names(before: Resource, after: Resource) -> list[str]:
    """Return the attributes in which two states of a resource differ, extensions by their URN."""
    names: list[str] = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if name in _UNNAMED or old == new:
            continue
        if ":" in name:
            one, other = old or {}, new or {}
            parts = (each for each in {**one, **other} if one.get(each) != other.get(each))
            names.extend(f"{name}:{each}" for each in parts)
        else:
            names.append(name)
    return names


def _value(resource: Resource, name: str) -> Json:
    urn, _, attribute = name.rpartition(":")
    return (resource.get(urn, {}) if urn else resource).get(attribute)


def _harmless(
    before: Resource, after: Resource, names: Sequence[str], harmless: Sequence[str]
) -> dict[str, tuple[Json, Json]]:
    """Return old and new values: of harmless attributes, and only what is short and simple."""
    wanted = {each.lower() for each in harmless}
    found: dict[str, tuple[Json, Json]] = {}
    for name in names:
        if name.lower() in wanted and not is_secret(name):
            values = _value(before, name), _value(after, name)
            if all(map(_simple, values)):
                found[name] = values
    return found


def _simple(value: Json) -> bool:
    return (
        value is None
        or isinstance(value, bool | int | float)
        or (isinstance(value, str) and len(value) <= NAME_LENGTH)
    )
