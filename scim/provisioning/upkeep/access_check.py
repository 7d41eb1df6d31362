"""Checks that users have the access which the rules in force grant them."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Final

from scim.provisioning import rows
from scim.provisioning.ports import Storage
from scim.provisioning.rule_sync.walk import read_state
from scim.provisioning.rules.access import shown_to_rules
from scim.provisioning.rules.rule_sets import InForce
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.stored_users import StoredUser, load_user, users_between
from scim.provisioning.upkeep.checker import Problem

USERS: Final = 5000  # of a slice: some seconds with a thousand rules
_AT_ONCE: Final = 50  # users judged before other calls have their turn


async def check_access(
    storage: Storage, rules: InForce, directory: str, after: str = ""
) -> tuple[list[Problem], str]:
    """Return what is wrong with a slice of users, and the id of its last user, or "" at the end.

    The slice begins behind the user `after`. While the rules are still being applied to the
    directory nothing is wrong.
    """
    partition = rows.partition(directory)
    state, _ = await read_state(storage, partition)
    if state.number != rules.stored.number or not state.finished:
        return [], ""
    first, last = rows.user_range("", "")
    if after:
        _, first = rows.user_range(after, after)
    problems: list[Problem] = []
    seen = 0
    async for user in users_between(storage, partition, first, last):
        if _wrong(rules, directory, user):
            # Looked at by itself: it may have changed while the page was read.
            again = await load_user(storage, partition, user.resource["id"])
            if again and (wrong := _wrong(rules, directory, again)):
                problems.append(Problem(rows.user(again.resource["id"]), wrong))
        seen += 1
        if seen == USERS:
            return problems, user.resource["id"]
        if seen % _AT_ONCE == 0:
            await asyncio.sleep(0)
    return problems, ""


def _wrong(rules: InForce, directory: str, user: StoredUser) -> str:
    """Return what is wrong with a user's access; empty if nothing is."""
    number = rules.stored.number
    if user.leaving or user.rules > number:
        return ""
    if user.rules < number:
        return f"was left behind by set {number} of the rules"
    granted = rules.compiled.access(directory, shown_to_rules(user))
    right = Counter((each.tenant, each.role, each.rules) for each in granted)
    stored = Counter((each.tenant, each.role, each.rules) for each in read_access(user))
    lacks, has = sorted(right - stored), sorted(stored - right)
    said = [
        f"{word} {role} in {tenant} by {' and '.join(by)}"
        for word, those in (("lacks", lacks), ("has", has))
        for tenant, role, by in those
    ]
    return f"has not the access that the rules grant: {', '.join(said)}"[:1000] if said else ""
