"""Checks the rows of a directory against each other: what an operator runs after a doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from scim.provisioning import rows
from scim.provisioning.changes import group_rows, totals, user_rows
from scim.provisioning.log.failed_events import stored_event
from scim.provisioning.ports import Storage
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_groups import StoredGroup, groups_between
from scim.provisioning.stored_users import StoredUser, users_between
from scim.provisioning.users import former as former_users

# Rows that follow from users and groups: each has to be there, and no other of its kind.
_NOBODY: Final = ""
_DERIVED: Final = ("c_", "d_", "e_", "m_", "n_", "o_", "r_", "w_", "x_", "y_")


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that is missing, or should not be there, or says something wrong."""

    key: str
    problem: str


@dataclass(slots=True)
class _Findings:
    expected: dict[str, str | None] = field(default_factory=dict)  # key: whom it has to name
    groups: dict[str, StoredGroup] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    problems: list[Problem] = field(default_factory=list)

    def expect(self, keys: Iterable[str], owner: str | None = None) -> None:
        for key in keys:
            if self.expected.get(key) not in (None, owner):
                self.say(key, f"is claimed by {self.expected[key]} and {owner}")
            self.expected[key] = owner or self.expected.get(key)

    def say(self, key: str, problem: str) -> None:
        self.problems.append(Problem(key, problem))


async def check(storage: Storage, partition: str, now: datetime) -> list[Problem]:
    """Return what is wrong in a directory; nothing when all is well and nobody changes it."""
    findings = _Findings()
    first, last = rows.group_range("", "")
    async for group in groups_between(storage, partition, first, last):
        _group(findings, group)
    first, last = rows.user_range("", "")
    async for user in users_between(storage, partition, first, last):
        _user(findings, user)
    async for former in former_users.all_former(storage, partition):
        findings.expect([former_users.name_key(former.resource)])
    await _derived(storage, partition, findings)
    await _jobs(storage, partition, findings)
    await _log(storage, partition, findings)
    await _events(storage, partition, findings)
    await _names(storage, partition, findings)
    known = await totals.read(storage, partition, now)
    for name in ("users", "activeUsers", "groups", "memberships"):
        if known.get(name, 0) != findings.counts[name]:
            findings.say(
                rows.TOTALS, f"{name} is {known.get(name, 0)}, stored are {findings.counts[name]}"
            )
    return findings.problems


def _group(findings: _Findings, group: StoredGroup) -> None:
    group_id = group.resource["id"]
    findings.groups[group_id] = group
    for parent in group.parents:
        findings.expect([rows.member(parent, group_id)])
        findings.counts["memberships"] += 1
    if group.leaving:
        findings.say(rows.group(group_id), "is deleted, but not cleared away")
        return
    findings.expect(group_rows.keys_beside(group.resource))
    findings.expect([group_rows.unique_key(group.resource)], owner=group_id)
    findings.counts["groups"] += 1


def _user(findings: _Findings, user: StoredUser) -> None:
    user_id = user.resource["id"]
    for membership in user.memberships:
        findings.expect([rows.member(membership.group, user_id)])
        findings.counts["memberships"] += 1
        group = findings.groups.get(membership.group)
        if group is None or group.leaving:
            findings.say(rows.membership(user_id, membership.group), "is of no group")
        elif not group.job and membership.name != group.resource["displayName"]:
            findings.say(rows.membership(user_id, membership.group), "shows an old name")
    if user.leaving:
        findings.say(rows.user(user_id), "is deleted, but not cleared away")
        return
    findings.expect(user_rows.keys_beside(user.resource))
    findings.expect([user_rows.unique_key(user.resource)], owner=user_id)
    findings.counts["users"] += 1
    findings.counts["activeUsers"] += user.resource.get("active", False)


async def _derived(storage: Storage, partition: str, findings: _Findings) -> None:
    for prefix in _DERIVED:
        async for row in scan_rows(storage, partition, prefix, prefix + rows.END):
            owner = findings.expected.pop(row.key, _NOBODY)
            if owner == _NOBODY:
                findings.say(row.key, "belongs to no resource")
            elif owner is not None and row.values["id"] != owner:
                findings.say(row.key, f"names {row.values['id']} instead of {owner}")
    for key in sorted(findings.expected):
        findings.say(key, "is missing")


async def _jobs(storage: Storage, partition: str, findings: _Findings) -> None:
    jobs = {
        rows.last_part(row.key)
        async for row in scan_rows(storage, partition, rows.job(), rows.job() + rows.END)
        if rows.unpack(row.values)["kind"] != "check"
    }
    for job in sorted(jobs):
        findings.say(rows.job(job), "is open")
    for group_id, group in findings.groups.items():
        if group.job and group.job not in jobs:
            findings.say(rows.group(group_id), "names a job that does not exist")


async def _log(storage: Storage, partition: str, findings: _Findings) -> None:
    entries: set[str] = set()
    async for row in scan_rows(storage, partition, rows.LOG, rows.LOG + rows.END):
        entries.add(row.key[len(rows.LOG) :])
    indexed: set[str] = set()
    async for row in scan_rows(storage, partition, "i_", "i_" + rows.END):
        entry = row.key.split("_", 2)[2]
        indexed.add(entry)
        if entry not in entries:
            findings.say(row.key, "points to no log entry")
    for entry in sorted(entries - indexed):
        findings.say(rows.LOG + entry, "is found by nobody")


async def _events(storage: Storage, partition: str, findings: _Findings) -> None:
    first = rows.event("")
    found = scan_rows(storage, partition, first, first + rows.END)
    places = {stored_event(row).place async for row in found}
    found = scan_rows(storage, partition, rows.EVENT_PLACES, rows.EVENT_PLACES + rows.END)
    stored = {row.key async for row in found}
    for key in sorted(places - stored):
        findings.say(key, "is missing")
    for key in sorted(stored - places):
        findings.say(key, "is the place of no event")


async def _names(storage: Storage, partition: str, findings: _Findings) -> None:
    """Check that names lead to users as users lead to names."""
    first = rows.name_holder("")[:-1]
    keys = {row.key async for row in scan_rows(storage, partition, first, first + rows.END)}
    for key in sorted(keys):
        _, one, other = key.split("_")
        if f"{first}{other}_{one}" not in keys:
            findings.say(key, "leads one way only")
