"""The provisioning log: one entry per call that changed something, in the commit of the change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from scim.protocol.schema import Json, Resource
from scim.provisioning import rows
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Insert, Operation, Put

# An entry stays small whatever a client sends.
NAMES_KEPT: Final = 40
NAME_LENGTH: Final = 120


class Did(StrEnum):
    """What a call did; the closed list of the log."""

    CREATE = "create"
    UPDATE = "update"
    DISABLE = "disable"
    ENABLE = "enable"
    DELETE = "delete"
    ADD_MEMBERS = "addMembers"
    REMOVE_MEMBERS = "removeMembers"
    # Of directories and tokens:
    PAUSE = "pause"
    RESUME = "resume"
    RESTORE = "restore"
    ROTATE = "rotate"
    REVOKE = "revoke"
    EXPIRING = "expiring"


class Target(BaseModel):
    """The resource concerned; `identifier` is what people call it (userName, displayName)."""

    model_config = ConfigDict(frozen=True)

    type: str
    id: str
    identifier: str


class LogEntry(BaseModel):
    """One entry; `adds` is what the change adds to the totals of the directory."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    time: datetime
    message_id: str
    actor: str
    operations: tuple[Did, ...]
    target: Target
    outcome: str = "success"
    changes: tuple[str, ...] = ()
    quirks: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()
    user_agent: str = ""
    adds: Mapping[str, int] = Field(default_factory=dict)


@dataclass(slots=True)
class Call:
    """One request as the log sees it, with the policy that holds for it.

    `quirks` names the dialect functions that fired, `ignored` the unknown attributes that were
    sent; both are filled while the request is read.
    """

    directory: str
    message_id: str
    started: datetime
    actor: str
    policy: Policy
    user_agent: str = ""
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
        changes: Sequence[str] = (),
        adds: Mapping[str, int],
    ) -> LogEntry:
        """Return the entry of what this call did to one target."""
        return LogEntry(
            time=self.started,
            message_id=self.message_id,
            actor=self.actor,
            operations=tuple(did),
            target=target,
            changes=_bounded(changes),
            quirks=_bounded(self.quirks),
            ignored=_bounded(self.ignored),
            user_agent=self.user_agent[:NAME_LENGTH],
            adds=adds,
        )


def _bounded(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(name[:NAME_LENGTH] for name in list(dict.fromkeys(names))[:NAMES_KEPT])


def entry_rows(log_key: str, entry: LogEntry, subjects: Sequence[str]) -> list[Operation]:
    """Return the rows of an entry: itself, and one index row per user or group concerned."""
    document = entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    index = [Put(rows.log_index(subject, log_key), {"f": rows.FORMAT}) for subject in subjects]
    return [*index, Insert(log_key, rows.pack(document))]


def changed_names(before: Resource, after: Resource) -> list[str]:
    """Return the attributes in which two states of a resource differ, extensions by their URN."""

    def value(resource: Resource, name: str) -> Json:
        urn, _, attribute = name.rpartition(":")
        return (resource.get(urn, {}) if urn else resource).get(attribute)

    names = dict.fromkeys([*_names(before), *_names(after)])
    return [name for name in names if value(before, name) != value(after, name)]


def _names(resource: Resource) -> list[str]:
    names: list[str] = []
    for name, value in resource.items():
        if ":" in name:
            names.extend(f"{name}:{each}" for each in value)
        elif name not in ("schemas", "id", "meta"):
            names.append(name)
    return names
