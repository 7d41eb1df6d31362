"""Users: create, read, replace, patch and delete; each change one commit with its log entry."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Final

from scim.protocol.errors import NotFound, Uniqueness
from scim.protocol.resource import read_resource, replace, with_schemas
from scim.protocol.schema import Json, Resource, ResourceType
from scim.provisioning import jobs, rows, user_rows, user_work
from scim.provisioning.commits import Commit
from scim.provisioning.enforcement import check_allowed, check_required
from scim.provisioning.identifiers import resource_id
from scim.provisioning.jobs import Job, Jobs
from scim.provisioning.log import Call, Did, changed_names, entry_rows
from scim.provisioning.ports import COMMIT_ROWS, Storage
from scim.provisioning.preconditions import check_preconditions
from scim.provisioning.reading import patched, read_patch, standard_body
from scim.provisioning.stored_groups import load_groups
from scim.provisioning.stored_users import StoredUser, load_user
from scim.provisioning.versions import created, updated

AT_ONCE: Final = 22  # memberships and reports that one commit may end beside the user's own rows


class Users:
    """The users of all directories."""

    def __init__(
        self, storage: Storage, kind: ResourceType, now: Callable[[], datetime], work: Jobs
    ) -> None:
        self._storage = storage
        self.kind = kind
        self._now = now
        self._jobs = work

    async def create(self, call: Call, body: Json) -> StoredUser:
        """Store a new user (RFC 7644 §3.3). Raises Uniqueness when the userName is taken."""
        check_allowed(call, self.kind, [Did.CREATE])
        content = self._read(call, body)
        content.setdefault("active", True)
        user = with_schemas(
            {"id": resource_id(call.started), **content, "meta": created("User", call.started)},
            self.kind,
        )
        entry = call.entry(
            [Did.CREATE],
            user_work.target(user),
            changes=changed_names({}, user),
            adds=_adds({}, user),
        )
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
        commit = self._commit(call)
        partition = rows.partition(call.directory)
        while True:
            read_at = self._now()
            user, reports = await asyncio.gather(
                self.get(call.directory, user_id),
                user_work.load_reports(self._storage, partition, user_id, AT_ONCE),
            )
            check_preconditions(call, user.resource)
            if len(user.memberships) + len(reports) <= AT_ONCE:
                groups = await load_groups(
                    self._storage, partition, [each.group for each in user.memberships]
                )
                operations = [
                    *user_rows.delete(user),
                    *user_work.unlink(user, groups, reports, self.kind, call.started),
                ]
                entry = call.entry(
                    [Did.DELETE],
                    user_work.target(user.resource),
                    adds=_adds(user.resource, {}) | {"memberships": -len(groups)},
                )
                concerned = [user_id, *user_work.concerned(groups, reports)]
                operations += entry_rows(call.log_key(), entry, concerned)
                if len(operations) <= COMMIT_ROWS:
                    if await commit.attempt(operations, read_at=read_at):
                        return
                    continue
            if await self._delete_as_job(call, commit, user, read_at):
                return

    def _read(self, call: Call, body: Json) -> Resource:
        content = read_resource(standard_body(call, self.kind, body), self.kind, call.ignored)
        check_required(call, self.kind, content)
        return content

    async def _delete_as_job(
        self, call: Call, commit: Commit, user: StoredUser, read_at: datetime
    ) -> bool:
        job_id = resource_id(call.started)
        job = Job.begun_by(call, kind="user", target=user.resource["id"])
        entry = call.entry(
            [Did.DELETE], user_work.target(user.resource), adds=_adds(user.resource, {})
        )
        operations = [
            *user_rows.hide(user, job_id),
            *jobs.begin(job_id, job, []),
            *entry_rows(call.log_key(), entry, [user.resource["id"]]),
        ]
        if not await commit.attempt(operations, read_at=read_at):
            return False
        await self._jobs.finish(call.directory, job_id)
        return True

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
            after = updated(with_schemas(after, self.kind), call.started)
            entry = call.entry(
                _did(before, after),
                user_work.target(after),
                changes=changed_names(before, after),
                adds=_adds(before, after),
            )
            operations = [
                *user_rows.replace(stored, after),
                *entry_rows(call.log_key(), entry, [user_id]),
            ]
            if await commit.attempt(operations, read_at=read_at, taken=_taken(after)):
                return dataclasses.replace(stored, resource=after)

    def _commit(self, call: Call, part: int = 0) -> Commit:
        return Commit(self._storage, rows.partition(call.directory), call.log_key(part), self._now)


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
        "users": bool(after) - bool(before),
        "activeUsers": _active(after) - _active(before),
        "usersDeleted": int(bool(before) and not after),
    }
    return {name: number for name, number in adds.items() if number}
