"""Users: create, read, replace, patch and delete; each change one commit with its log entry."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from scim import dialects
from scim.protocol.errors import NotFound, PreconditionFailed, Uniqueness
from scim.protocol.filter import Filter
from scim.protocol.patch import apply_patch, read_operations
from scim.protocol.resource import read_resource, replace, with_schemas
from scim.protocol.schema import ENTERPRISE_USER, Attribute, Json, Resource, ResourceType
from scim.provisioning import rows, user_rows
from scim.provisioning.commits import Commit
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log import Call, Did, Target, entry_rows
from scim.provisioning.ports import Operation, Storage
from scim.provisioning.scans import first_rows
from scim.provisioning.stored_users import StoredUser, load_user
from scim.provisioning.versions import created, matches_version, updated

# Each report costs a deletion three rows; more are detached in commits of their own before it.
REPORTS_AT_ONCE: Final = 20


class Users:
    """The users of all directories."""

    def __init__(self, storage: Storage, kind: ResourceType, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self.kind = kind
        self._now = now

    async def create(self, call: Call, body: Json) -> StoredUser:
        """Store a new user (RFC 7644 §3.3). Raises Uniqueness when the userName is taken."""
        standard = dialects.standard_resource(body, self.kind, call.quirks)
        content = read_resource(standard, self.kind, call.ignored)
        content.setdefault("active", True)
        user = with_schemas(
            {"id": resource_id(call.started), **content, "meta": created("User", call.started)},
            self.kind,
        )
        entry = call.entry([Did.CREATE], _target(user), changes=_names(user), adds=_adds({}, user))
        operations = [
            *user_rows.insert(user),
            *entry_rows(call.log_key(), entry, [user["id"]]),
        ]
        commit = self._commit(call)
        while not await commit.attempt(operations, read_at=self._now(), taken=_taken(user)):
            pass
        return StoredUser(user, etag="")

    async def get(self, directory: str, user_id: str) -> StoredUser:
        """Return the user. Raises NotFound."""
        user = await load_user(self._storage, rows.partition(directory), user_id)
        if user is None:
            raise NotFound(f"There is no user with the id {user_id[:100]} in this directory.")
        return user

    async def replace(self, call: Call, user_id: str, body: Json) -> StoredUser:
        """Replace what the client may write (RFC 7644 §3.5.1); what is omitted is cleared."""
        standard = dialects.standard_resource(body, self.kind, call.quirks)
        content = read_resource(standard, self.kind, call.ignored)
        return await self._change(call, user_id, lambda user: replace(user, content, self.kind))

    async def patch(self, call: Call, user_id: str, message: Json) -> StoredUser:
        """Apply all operations of a PatchOp message or none (RFC 7644 §3.5.2)."""
        standard = dialects.standard_patch(message, self.kind, call.quirks)
        operations = read_operations(standard, self.kind)

        def new_entry(entries: Filter, attribute: Attribute) -> dict[str, Any] | None:
            return dialects.new_entry(entries, attribute, call.quirks)

        def decide(user: Resource) -> Resource:
            return apply_patch(
                user, operations, self.kind, new_entry=new_entry, ignored=call.ignored
            )

        return await self._change(call, user_id, decide)

    async def delete(self, call: Call, user_id: str) -> None:
        """Remove the user (RFC 7644 §3.6), also as manager of others. Raises NotFound."""
        commit = self._commit(call)
        part = 0
        while True:
            read_at = self._now()
            stored, reports = await asyncio.gather(
                self.get(call.directory, user_id), self._reports(call.directory, user_id)
            )
            user = stored.resource
            _check_version(call, user)
            if len(reports) > REPORTS_AT_ONCE:
                await self._detach(call, user, reports[:REPORTS_AT_ONCE], part)
                part += 1
                commit = self._commit(call, part)
                continue
            detached = self._detached(call, reports)
            entry = call.entry([Did.DELETE], _target(user), adds=_adds(user, {}))
            subjects = [user_id, *(report.resource["id"] for report in reports)]
            operations = [
                *user_rows.delete(user, stored.etag),
                *detached,
                *entry_rows(call.log_key(part), entry, subjects),
            ]
            if await commit.attempt(operations, read_at=read_at):
                return

    async def _change(
        self, call: Call, user_id: str, decide: Callable[[Resource], Resource]
    ) -> StoredUser:
        commit = self._commit(call)
        while True:
            read_at = self._now()
            stored = await self.get(call.directory, user_id)
            before = stored.resource
            _check_version(call, before)
            after = decide(before)
            if after is before:
                return stored
            after = updated(with_schemas(after, self.kind), call.started)
            entry = call.entry(
                _did(before, after),
                _target(after),
                changes=_differences(before, after),
                adds=_adds(before, after),
            )
            operations = [
                *user_rows.replace(before, after, stored.etag),
                *entry_rows(call.log_key(), entry, [user_id]),
            ]
            if await commit.attempt(operations, read_at=read_at, taken=_taken(after)):
                return dataclasses.replace(stored, resource=after)

    def _commit(self, call: Call, part: int = 0) -> Commit:
        return Commit(self._storage, rows.partition(call.directory), call.log_key(part), self._now)

    async def _reports(self, directory: str, user_id: str) -> list[StoredUser]:
        """Return the users whose manager is the user, one more than are detached at once."""
        partition = rows.partition(directory)
        first = rows.report(user_id)
        index = await first_rows(
            self._storage, partition, first, first + rows.END, REPORTS_AT_ONCE + 1
        )
        found = await asyncio.gather(
            *(load_user(self._storage, partition, rows.last_part(each.key)) for each in index)
        )
        return [each for each in found if each is not None and each.resource["id"] != user_id]

    async def _detach(
        self, call: Call, user: Resource, reports: list[StoredUser], part: int
    ) -> None:
        entry = call.entry([Did.UPDATE], _target(user), changes=["manager"], adds={})
        subjects = [report.resource["id"] for report in reports]
        operations = [
            *self._detached(call, reports),
            *entry_rows(call.log_key(part), entry, subjects),
        ]
        await self._commit(call, part).attempt(operations, read_at=self._now())

    def _detached(self, call: Call, reports: list[StoredUser]) -> list[Operation]:
        operations: list[Operation] = []
        for report in reports:
            before = report.resource
            extension = {k: v for k, v in before[ENTERPRISE_USER].items() if k != "manager"}
            after = {**before, ENTERPRISE_USER: extension}
            if not extension:
                del after[ENTERPRISE_USER]
            after = updated(with_schemas(after, self.kind), call.started)
            operations.extend(user_rows.replace(before, after, report.etag))
        return operations


def _check_version(call: Call, user: Resource) -> None:
    version = user["meta"]["version"]
    if call.if_match and not matches_version(call.if_match, version):
        raise PreconditionFailed(
            f"The user is at version {version}, If-Match names {call.if_match[:100]}. "
            "Read the user again and repeat the change."
        )


def _taken(user: Resource) -> Callable[[str], Exception | None]:
    unique = user_rows.unique_key(user)

    def taken(key: str) -> Exception | None:
        if key != unique:
            return None
        return Uniqueness(
            f"The userName {user['userName'][:200]!r} belongs to another user of this directory. "
            "Find that user with a filter on userName, or choose another name."
        )

    return taken


def _target(user: Resource) -> Target:
    return Target(type="User", id=user["id"], identifier=user["userName"][:200])


def _names(resource: Resource) -> list[str]:
    names: list[str] = []
    for name, value in resource.items():
        if ":" in name:
            names.extend(f"{name}:{each}" for each in value)
        elif name not in ("schemas", "id", "meta"):
            names.append(name)
    return names


def _differences(before: Resource, after: Resource) -> list[str]:
    def value(resource: Resource, name: str) -> Json:
        urn, _, attribute = name.rpartition(":")
        return (resource.get(urn, {}) if urn else resource).get(attribute)

    names = dict.fromkeys([*_names(before), *_names(after)])
    return [name for name in names if value(before, name) != value(after, name)]


def _did(before: Resource, after: Resource) -> list[Did]:
    if before["active"] != after["active"]:
        turned = Did.ENABLE if after["active"] else Did.DISABLE
        return [turned] if _differences(before, after) == ["active"] else [Did.UPDATE, turned]
    return [Did.UPDATE]


def _adds(before: Resource, after: Resource) -> dict[str, int]:
    adds = {
        "users": bool(after) - bool(before),
        "activeUsers": after.get("active", False) - before.get("active", False),
        "usersDeleted": int(bool(before) and not after),
    }
    return {name: number for name, number in adds.items() if number}
