"""Users: create, read, replace, patch and delete; each change one commit with its log entry."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime

from scim.protocol.errors import NotFound, Uniqueness
from scim.protocol.resource import read_resource, replace, with_schemas
from scim.protocol.schema import Json, Resource, ResourceType
from scim.provisioning import rows
from scim.provisioning.changes import user_rows
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.enforcement import check_allowed, check_required
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.changes.preconditions import check_preconditions
from scim.provisioning.changes.reading import patched, read_patch, standard_body
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, Did, changed_names, entry_rows
from scim.provisioning.ports import Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.stored_users import StoredUser, load_user
from scim.provisioning.users import work as user_work
from scim.provisioning.users.deletion import UserDeletion
from scim.provisioning.users.former import latest_former
from scim.provisioning.versions import created, updated


class Users:
    """The users of all directories."""

    def __init__(
        self,
        storage: Storage,
        kind: ResourceType,
        now: Callable[[], datetime],
        work: Jobs,
        rules: RuleSets,
    ) -> None:
        self._storage = storage
        self.kind = kind
        self._now = now
        self._jobs = work
        self._rules = rules

    async def create(self, call: Call, body: Json) -> StoredUser:
        """Store a new user (RFC 7644 §3.3). Raises Uniqueness when the userName is taken."""
        check_allowed(call, self.kind, [Did.CREATE])
        content = self._read(call, body)
        content.setdefault("active", True)
        user = with_schemas(
            {"id": resource_id(call.started), **content, "meta": created("User", call.started)},
            self.kind,
        )
        stored = StoredUser(user, etag="", former=await self._former(call, user))
        commit = self._commit(call)
        while True:
            ruling = await self._rules.ruling(call)
            ruled = ruling.on(stored)
            read_at = self._now()
            entry = call.entry(
                [Did.CREATE],
                user_work.target(user),
                change=({}, user),
                access=ruling.changes,
                adds=_adds({}, user),
            )
            operations = [
                *user_rows.insert(ruled),
                *entry_rows(call.log_key(), entry, [user["id"]]),
            ]
            if await commit.attempt(operations, read_at=read_at, taken=_taken(user)):
                return ruled

    async def get(self, directory: str, user_id: str) -> StoredUser:
        """Return the user. Raises NotFound."""
        user = await load_user(self._storage, rows.partition(directory), user_id)
        if user is None or user.leaving:
            raise NotFound(f"There is no user with the id {user_id[:100]} in this directory.")
        return user

    async def replace(self, call: Call, user_id: str, body: Json) -> StoredUser:
        """Replace what the client may write (RFC 7644 §3.5.1); what is omitted is cleared."""
        content = self._read(call, body)
        return await self._change(call, user_id, lambda user: replace(user, content, self.kind))

    async def patch(self, call: Call, user_id: str, message: Json) -> StoredUser:
        """Apply all operations of a PatchOp message or none (RFC 7644 §3.5.2)."""
        operations = read_patch(call, self.kind, message)

        def decide(user: Resource) -> Resource:
            after = patched(call, self.kind, user, operations)
            check_required(call, self.kind, after, before=user)
            return after

        return await self._change(call, user_id, decide)

    async def delete(self, call: Call, user_id: str) -> None:
        """Remove the user (RFC 7644 §3.6), from its groups and as manager. Raises NotFound."""
        check_allowed(call, self.kind, [Did.DELETE])
        deletion = self._deletion(call, [Did.DELETE])
        commit = self._commit(call)
        while True:
            read_at = self._now()
            user, reports = await asyncio.gather(
                self.get(call.directory, user_id), deletion.reports(user_id)
            )
            check_preconditions(call, user.resource)
            if await deletion.attempt(commit, user, reports, read_at):
                return

    def _read(self, call: Call, body: Json) -> Resource:
        content = read_resource(standard_body(call, self.kind, body), self.kind, call.ignored)
        check_required(call, self.kind, content)
        return content

    async def _former(self, call: Call, user: Resource) -> str:
        if call.policy.delete_user_means == "delete":
            return ""
        partition = rows.partition(call.directory)
        return await latest_former(self._storage, partition, user["userName"])

    async def _change(
        self, call: Call, user_id: str, decide: Callable[[Resource], Resource]
    ) -> StoredUser:
        commit = self._commit(call)
        while True:
            read_at = self._now()
            stored = await self.get(call.directory, user_id)
            before = stored.resource
            check_preconditions(call, before)
            after = decide(before)
            if after is before:
                return stored
            after = updated(after, call.started)
            did = _did(before, after)
            check_allowed(call, self.kind, did)
            if Did.DISABLE in did and call.policy.deactivate_user_means == "delete":
                if await self._deactivated(call, commit, stored, read_at):
                    return dataclasses.replace(stored, resource=after, access="")
                continue
            ruling = await self._rules.ruling(call, [stored])
            ruled = ruling.on(dataclasses.replace(stored, resource=after))
            entry = call.entry(
                did,
                user_work.target(after),
                change=(before, after),
                access=ruling.changes,
                adds=_adds(before, after),
            )
            operations = [
                *user_rows.replace(stored, ruled),
                *entry_rows(call.log_key(), entry, [user_id]),
            ]
            if await commit.attempt(operations, read_at=read_at, taken=_taken(after)):
                return ruled

    async def _deactivated(
        self, call: Call, commit: Commit, user: StoredUser, read_at: datetime
    ) -> bool:
        """Delete a user because it is deactivated; False if it has to be decided anew."""
        deletion = self._deletion(call, [Did.DISABLE, Did.DELETE])
        reports = await deletion.reports(user.resource["id"])
        return await deletion.attempt(commit, user, reports, read_at)

    def _deletion(self, call: Call, did: Sequence[Did]) -> UserDeletion:
        return UserDeletion(self._storage, self.kind, self._jobs, self._rules, call, did)

    def _commit(self, call: Call, part: int = 0) -> Commit:
        return Commit(self._storage, rows.partition(call.directory), call.log_key(part), self._now)


def _taken(user: Resource) -> Callable[[str], Exception | None]:
    def taken(key: str) -> Exception | None:
        if key != user_rows.unique_key(user):
            return None
        return Uniqueness(
            f"The userName {user['userName'][:200]!r} belongs to another user of this directory. "
            "Find that user with a filter on userName, or choose another name."
        )

    return taken


def _did(before: Resource, after: Resource) -> list[Did]:
    if _active(before) != _active(after):
        turned = Did.ENABLE if _active(after) else Did.DISABLE
        return [turned] if changed_names(before, after) == ["active"] else [Did.UPDATE, turned]
    return [Did.UPDATE]


def _active(user: Resource) -> bool:
    # A PATCH may remove `active`: whoever is not said to be active is not.
    return bool(user.get("active"))


def _adds(before: Resource, after: Resource) -> dict[str, int]:
    adds = {
        "users": int(not before),
        "activeUsers": _active(after) - _active(before),
    }
    return {name: number for name, number in adds.items() if number}
