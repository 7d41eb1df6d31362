"""What a set of rules would change: every user is looked at by the rules before and after."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final

from pydantic import BaseModel, Field
from pydantic.alias_generators import to_camel

from scim.provisioning import rows
from scim.provisioning.ports import Storage
from scim.provisioning.rules.access import CompiledRules, shown_to_rules
from scim.provisioning.rules.rule import Grant, Rule
from scim.provisioning.rules.rule_sets import InForce
from scim.provisioning.stored_users import StoredUser, users_between

ROLES_MOST: Final = 200  # that are told of
AT_ONCE: Final = 50  # users between two looks at the clock; other calls have their turn then


class Effect(BaseModel, alias_generator=to_camel, populate_by_name=True):
    """How many users gain or lose a role in a tenant, and who are the first of them."""

    tenant: str
    role: str
    users: int = 0
    user_names: list[str] = Field(default_factory=list)

    def count(self, user: StoredUser, names: int) -> None:
        """Count a user."""
        self.users += 1
        if len(self.user_names) < names:
            self.user_names.append(user.resource["userName"])


class Effects(BaseModel):
    """What is known so far; `directory` and `cursor` are where the look has come to.

    `having` counts the users who have access now, `losing` those of them who lose any. `gained` and
    `lost` tell of so many roles each as a row has room for beside the rules.
    """

    users: int = 0
    having: int = 0
    losing: int = 0
    gained: list[Effect] = Field(default_factory=list)
    lost: list[Effect] = Field(default_factory=list)
    directory: str = ""
    cursor: str = ""
    complete: bool = False


class Comparison:
    """The rules before and after; of every list the first `names` userNames are kept.

    Only rules that grant a role which the change concerns are applied, so that a small change of
    many rules is quickly looked at.
    """

    def __init__(
        self, in_force: InForce, before: Sequence[Rule], after: Sequence[Rule], names: int
    ) -> None:
        kind = in_force.compiled.kind
        self._in_force = in_force
        roles = _concerned(before, after)
        self._before, self._after = (
            CompiledRules([each for each in rules if not roles.isdisjoint(each.grants)], kind)
            for rules in (before, after)
        )
        self._names = names

    async def look_on(
        self,
        storage: Storage,
        directories: Iterable[str],
        effects: Effects,
        now: Callable[[], datetime],
        until: datetime,
    ) -> Effects:
        """Return what is known after looking at more users, until the time is over."""
        known = effects.model_copy(deep=True)
        for directory in sorted(directories):
            if directory < known.directory:
                continue
            if directory > known.directory:
                known.directory, known.cursor = directory, ""
            first, last = rows.user_range("", "")
            if known.cursor:
                _, first = rows.user_range(known.cursor, known.cursor)
            async for user in users_between(storage, rows.partition(directory), first, last):
                if not user.leaving:
                    self._count(directory, user, known)
                known.cursor = user.resource["id"]
                if known.users % AT_ONCE == 0:
                    await asyncio.sleep(0)
                    if now() >= until:
                        return known
        known.complete = True
        return known

    def _count(self, directory: str, user: StoredUser, known: Effects) -> None:
        shown = shown_to_rules(user)
        before, after = (
            {(each.tenant, each.role) for each in rules.access(directory, shown)}
            for rules in (self._before, self._after)
        )
        known.users += 1
        known.having += self._has_access(directory, user)
        known.losing += bool(before - after)
        for effects, changed in ((known.gained, after - before), (known.lost, before - after)):
            for tenant, role in changed:
                if effect := _effect(effects, tenant, role):
                    effect.count(user, self._names)

    def _has_access(self, directory: str, user: StoredUser) -> bool:
        if user.rules == self._in_force.stored.number:
            return bool(user.access)
        return bool(self._in_force.compiled.access(directory, shown_to_rules(user)))


def _concerned(before: Sequence[Rule], after: Sequence[Rule]) -> frozenset[Grant]:
    """Return what is granted by rules that are not the same before and after."""
    said = [
        {(_tested(rule), rule.grants) for rule in rules if rule.enabled}
        for rules in (before, after)
    ]
    return frozenset(grant for _, grants in said[0] ^ said[1] for grant in grants)


def can_withdraw(before: Sequence[Rule], after: Sequence[Rule]) -> bool:
    """Whether somebody could lose access; False if every rule stays or only grants more."""
    kept = {rule.id: rule for rule in after if rule.enabled}
    for rule in before:
        if not rule.enabled:
            continue
        other = kept.get(rule.id)
        if other is None or _tested(rule) != _tested(other):
            return True
        if set(rule.grants) - set(other.grants):
            return True
    return False


def _tested(rule: Rule) -> tuple[str | None, ...]:
    return rule.condition, rule.group, rule.user_role, rule.directory


def _effect(effects: list[Effect], tenant: str, role: str) -> Effect | None:
    for each in effects:
        if (each.tenant, each.role) == (tenant, role):
            return each
    if len(effects) == ROLES_MOST:
        return None
    effects.append(Effect(tenant=tenant, role=role))
    return effects[-1]
