"""How the deletion of a user with many memberships or reports goes on."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Final

from scim.protocol.resource import with_schemas
from scim.protocol.schema import ENTERPRISE_USER, Resource, ResourceType
from scim.provisioning import rows
from scim.provisioning.changes import group_rows, user_rows
from scim.provisioning.changes.jobs import Batch
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.log.entries import Did, Target
from scim.provisioning.ports import Operation, Storage
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.scans import first_rows
from scim.provisioning.stored_groups import StoredGroup, load_groups
from scim.provisioning.stored_users import StoredUser, load_user
from scim.provisioning.versions import updated

# Four rows a membership or report, the user's own, and the end of the job, in 100.
BATCH: Final = 20

Groups = Sequence[tuple[str, StoredGroup | None]]


class UserWork:
    """Works off jobs of the kind `user`."""

    def __init__(self, storage: Storage, kind: ResourceType, rules: RuleSets) -> None:
        self._storage = storage
        self._kind = kind
        self._rules = rules

    async def next_batch(self, directory: str, job: Job, job_id: str) -> Batch:  # noqa: ARG002 - as all workers
        """Return the next memberships and reports to end; with the last, the user goes."""
        partition = rows.partition(directory)
        most = job.fewer(BATCH)
        user, reports = await asyncio.gather(
            load_user(self._storage, partition, job.target),
            load_reports(self._storage, partition, job.target, most),
        )
        assert user is not None  # an open job keeps its user
        some = user.memberships[: most - len(reports)]
        groups = await load_groups(self._storage, partition, [each.group for each in some])
        call = job.call(directory)
        ruling = await self._rules.ruling(call, reports)
        operations = unlink(user, groups, reports, self._kind, ruling)
        ended = len(some) == len(user.memberships) and len(reports) < most
        if ended:
            operations.extend(user_rows.delete(user))
        entry = call.entry(
            [Did.DELETE],
            target(user.resource),
            access=ruling.changes,
            adds={"memberships": -len(some)} if some else {},
        )
        done = job.model_copy(update={"done": job.done + len(some) + len(reports)})
        subjects = [job.target, *concerned(groups, reports)]
        return Batch(operations, entry, subjects, None if ended else done)


def unlink(
    user: StoredUser,
    groups: Groups,
    reports: Sequence[StoredUser],
    kind: ResourceType,
    ruling: Ruling,
) -> list[Operation]:
    """Return the rows that take a user out of groups and away as manager; its own guards them."""
    user_id = user.resource["id"]
    return [
        *(row for each in groups for row in group_rows.unlink_user(user_id, *each)),
        *(row for each in reports for row in _detach(each, kind, ruling)),
    ]


def concerned(groups: Groups, reports: Sequence[StoredUser]) -> list[str]:
    """Return the ids of those whom the log entry concerns beside the user."""
    return [*(each for each, _ in groups), *(each.resource["id"] for each in reports)]


async def load_reports(
    storage: Storage, partition: str, user_id: str, most: int
) -> list[StoredUser]:
    """Return the first users whose manager is the user, never the user itself."""
    first = rows.report(user_id)
    index = await first_rows(storage, partition, first, first + rows.END, most)
    found = await asyncio.gather(
        *(load_user(storage, partition, rows.last_part(each.key)) for each in index)
    )
    return [each for each in found if each is not None and each.resource["id"] != user_id]


def target(user: Resource) -> Target:
    """Return the user as the log names it."""
    return Target(type="User", id=user["id"], identifier=user["userName"][:200])


def _detach(report: StoredUser, kind: ResourceType, ruling: Ruling) -> list[Operation]:
    before = report.resource
    extension = {k: v for k, v in before[ENTERPRISE_USER].items() if k != "manager"}
    after = {**before, ENTERPRISE_USER: extension}
    if not extension:
        del after[ENTERPRISE_USER]
    resource = updated(with_schemas(after, kind), ruling.time)
    return user_rows.replace(report, ruling.on(dataclasses.replace(report, resource=resource)))
