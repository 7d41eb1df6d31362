"""How a user is deleted: in one commit if it can be, else begun as a job."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from scim.protocol.schema import ResourceType
from scim.provisioning import rows
from scim.provisioning.changes import stored_jobs, user_rows
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, Did, entry_rows
from scim.provisioning.ports import COMMIT_ROWS, LimitExceeded, Operation, Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import load_groups
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.users import former as former_users
from scim.provisioning.users import work as user_work

AT_ONCE: Final = 22  # memberships and reports that one commit may end beside the user's own rows


@dataclass(frozen=True, slots=True)
class UserDeletion:
    """The deletion of a user by a call; `did` is what the log says of it."""

    storage: Storage
    kind: ResourceType
    work: Jobs
    rules: RuleSets
    call: Call
    did: Sequence[Did]

    async def reports(self, user_id: str) -> list[StoredUser]:
        """Return the first users that have the user as manager."""
        return await user_work.load_reports(self.storage, self._partition, user_id, AT_ONCE)

    async def attempt(
        self, commit: Commit, user: StoredUser, reports: Sequence[StoredUser], read_at: datetime
    ) -> bool:
        """Return True when the user is gone, False when it has to be read anew."""
        operations = await self._at_once(user, reports)
        if operations is not None:
            with suppress(LimitExceeded):  # of bytes; a job writes fewer users at once
                return await commit.attempt(operations, read_at=read_at)
        job_id = resource_id(self.call.started)
        job = Job.begun_by(self.call, kind="user", target=user.resource["id"])
        ruling = await self.rules.ruling(self.call)
        operations = [
            *user_rows.hide(user, job_id),
            *self._record(user),
            *stored_jobs.begin(job_id, job, []),
            *self._log(user, ruling, {}, [], job_id),
        ]
        if not await commit.attempt(operations, read_at=read_at):
            return False
        await self.work.finish(self.call.directory, job_id)
        return True

    async def _at_once(
        self, user: StoredUser, reports: Sequence[StoredUser]
    ) -> list[Operation] | None:
        """Return the rows that remove the user in one commit; None if they are too many."""
        if len(user.memberships) + len(reports) > AT_ONCE:
            return None
        ids = [each.group for each in user.memberships]
        groups = await load_groups(self.storage, self._partition, ids)
        ruling = await self.rules.ruling(self.call, reports)
        operations = [
            *user_rows.delete(user),
            *self._record(user),
            *user_work.unlink(user, groups, reports, self.kind, ruling),
            *self._log(
                user,
                ruling,
                {"memberships": -len(groups)},
                user_work.concerned(groups, reports),
            ),
        ]
        return operations if len(operations) <= COMMIT_ROWS else None

    def _record(self, user: StoredUser) -> list[Operation]:
        if self.call.policy.delete_user_means == "delete":
            return []
        return former_users.keep(user, self.call.started)

    def _log(
        self,
        user: StoredUser,
        ruling: Ruling,
        adds: dict[str, int],
        concerned: Sequence[str],
        job: str = "",
    ) -> list[Operation]:
        ruling.withdraw(user)
        resource = user.resource
        own = {"users": -1, "usersDeleted": 1, "activeUsers": -bool(resource.get("active"))}
        entry = self.call.entry(
            self.did,
            user_work.target(resource),
            access=ruling.changes,
            adds={name: number for name, number in (own | adds).items() if number},
        )
        return entry_rows(self.call.log_key(), entry, [resource["id"], *concerned], job=job)

    @property
    def _partition(self) -> str:
        return rows.partition(self.call.directory)
