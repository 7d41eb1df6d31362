"""Directories as they are stored, and what tells two states of one apart."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, field_serializer
from pydantic.alias_generators import to_camel

from scim.protocol.folding import fold
from scim.protocol.schema import Json
from scim.provisioning import rows
from scim.provisioning.directories.federation import Federation
from scim.provisioning.log.entries import Did
from scim.provisioning.policy import Policy
from scim.provisioning.ports import Delete, Insert, Operation, Replace, Row, Value

State = Literal["active", "paused", "deleted", "purging"]
Access = Literal["keep", "withdraw"]


class Deletion(BaseModel):
    """When a directory was deleted, until when it can be restored, and what becomes of the access.

    `access`: its users keep what rules grant them until the data is purged, or lose it at once.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    deleted_at: datetime
    purge_at: datetime
    access: Access


class Directory(BaseModel):
    """One connection to one identity provider; `deletion` is set while it is deleted."""

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    id: str
    name: str
    state: State = "active"
    created_at: datetime
    policy: Policy = Policy()
    deletion: Deletion | None = None
    federation: Federation | None = None

    @field_serializer("policy")
    def _overrides(self, policy: Policy) -> dict[str, Json]:
        return policy.model_dump(mode="json", by_alias=True, exclude_unset=True)


def stored(row: Row) -> Directory:
    """Return the directory of a row."""
    return Directory.model_validate(rows.unpack(row.values))


def name_key(directory: Directory) -> str:
    """Return the key of the row that makes the directory's name unique."""
    return rows.directory_name(fold(directory.name))


def insert(directory: Directory) -> list[Operation]:
    """Return the rows of a new directory."""
    return [Insert(rows.directory(directory.id), _values(directory)), _name(directory)]


def replace(before: Directory, after: Directory, etag: str) -> list[Operation]:
    """Return the rows of a changed one: while it is deleted its name is free."""
    operations: list[Operation] = [Replace(rows.directory(after.id), _values(after), etag)]
    old = None if before.deletion else name_key(before)
    new = None if after.deletion else name_key(after)
    if old is not None and old != new:
        operations.append(Delete(old, None))
    if new is not None and old != new:
        operations.append(_name(after))
    return operations


def same(one: Directory, other: Directory) -> bool:
    """Whether two states of a directory are stored alike."""
    return _values(one) == _values(other)


def what_was_done(before: Directory, after: Directory) -> Did:
    """Return the word of the log for a change."""
    if after.deletion != before.deletion:
        return Did.DELETE if after.deletion else Did.RESTORE
    if after.state != before.state:
        return Did.PAUSE if after.state == "paused" else Did.RESUME
    return Did.UPDATE


def changed_names(before: Directory | None, after: Directory) -> list[str]:
    """Return the names of what is set or changed, those of the policy as `policy.…`."""
    old, new = _flat(before) if before else {}, _flat(after)
    return [name for name in {**old, **new} if old.get(name) != new.get(name)]


def _flat(directory: Directory) -> dict[str, Json]:
    shown = directory.model_dump(
        mode="json", by_alias=True, include={"name", "state", "policy", "deletion", "federation"}
    )
    deletion = shown.pop("deletion") or {}
    for part in ("policy", "federation"):
        inner = shown.pop(part) or {}
        shown |= {f"{part}.{name}": each for name, each in inner.items()}
    return shown | deletion


def _values(directory: Directory) -> dict[str, Value]:
    return rows.pack(directory.model_dump(mode="json", by_alias=True))


def _name(directory: Directory) -> Insert:
    return Insert(name_key(directory), {"f": rows.FORMAT, "id": directory.id})
