"""How a group is deleted: in one commit if it can be, else begun as a job."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from scim.provisioning import rows
from scim.provisioning.changes import group_rows, stored_jobs
from scim.provisioning.changes.commits import Commit
from scim.provisioning.changes.jobs import Jobs
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.groups import effects as group_log
from scim.provisioning.groups import memberships
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call, entry_rows
from scim.provisioning.ports import COMMIT_ROWS, LimitExceeded, Operation, Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.stored_groups import (
    StoredGroup,
    load_groups,
)


class GroupDeletion:
    """Deletes groups of all directories."""

    def __init__(self, storage: Storage, work: Jobs, rules: RuleSets) -> None:
        self._storage = storage
        self._jobs = work
        self._rules = rules

    async def attempt(
        self, call: Call, commit: Commit, group: StoredGroup, read_at: datetime
    ) -> bool:
        """Return whether the group is gone, with its memberships; False to decide anew."""
        operations = await self._operations(call, group)
        if operations is not None:
            with suppress(LimitExceeded):  # of bytes; a job writes fewer members at once
                return await commit.attempt(operations, read_at=read_at)
        job_id, group_id = resource_id(call.started), group.resource["id"]
        job = Job.begun_by(call, kind="group", target=group_id, walk="clear")
        entry = group_log.deleted(call, group, 0)
        operations = [
            *group_rows.hide(group, job_id),
            *stored_jobs.begin(job_id, job, []),
            *entry_rows(call.log_key(), entry, [group_id], job=job_id),
        ]
        if not await commit.attempt(operations, read_at=read_at):
            return False
        await self._jobs.finish(call.directory, job_id)
        return True

    async def _operations(self, call: Call, group: StoredGroup) -> list[Operation] | None:
        """Return the rows that remove the group in one commit; None if they are too many."""
        partition, group_id = rows.partition(call.directory), group.resource["id"]
        members = await memberships.few_members(self._storage, partition, group_id)
        if members is None or len(group.parents) > memberships.AT_ONCE:
            return None
        parents = await load_groups(self._storage, partition, group.parents)
        ruling = await self._rules.ruling(call, members)
        operations = [
            *group_rows.delete(group),
            *(row for each in members for row in group_rows.leave(each, group_id, ruling)),
            *(row for each in parents for row in group_rows.unlink_group(group, *each)),
        ]
        # A group may be member and parent at once: its row is replaced once, as a parent's.
        operations = [*{each.key: each for each in operations}.values()]
        subjects = [group_id, *(each.resource["id"] for each in members), *group.parents]
        entry = group_log.deleted(call, group, len(members) + len(parents), ruling.changes)
        operations += entry_rows(call.log_key(), entry, [*dict.fromkeys(subjects)])
        return operations if len(operations) <= COMMIT_ROWS else None
