"""Why a user has a role, or has not: rule by rule, down to the comparison that decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import And, Comparison, Filter, Not, Or, ValuePath
from scim.protocol.filter_text import format_filter
from scim.protocol.matching import matcher
from scim.protocol.schema import Resource, ResourceType
from scim.provisioning.rules.rule import Rule

Verdict = Literal["grants", "disabled", "otherDirectory", "inactive", "conditionFailed", "broken"]


@dataclass(frozen=True, slots=True)
class Decisive:
    """A part of a condition that decided, and whether it holds."""

    part: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What a rule comes to for a user."""

    rule: Rule
    verdict: Verdict
    decisive: Sequence[Decisive] = ()


def explain(rule: Rule, directory: str, user: Resource, kind: ResourceType) -> Explanation:
    """Return what a rule comes to for a user of the directory, as `shown_to_rules` returns it."""
    if not rule.enabled:
        return Explanation(rule, "disabled")
    if rule.directory not in (None, directory):
        return Explanation(rule, "otherDirectory")
    try:
        holds, decisive = _decide(rule.tested(), user, kind)
    except InvalidFilter:
        return Explanation(rule, "broken")
    if not holds:
        return Explanation(rule, "conditionFailed", decisive)
    return Explanation(rule, "grants" if user.get("active") else "inactive", decisive)


def _decide(
    condition: Filter, user: Resource, kind: ResourceType
) -> tuple[bool, Sequence[Decisive]]:
    """Return whether a condition holds, and the parts of it because of which."""
    match condition:
        case Comparison() | ValuePath():
            holds = matcher(condition, kind)(user)
            return holds, [Decisive(format_filter(condition), holds)]
        case Not(branch):
            holds, decisive = _decide(branch, user, kind)
            return not holds, decisive
        case And(branches):
            return _of_several(branches, user, kind, decided_by=False)
        case Or(branches):
            return _of_several(branches, user, kind, decided_by=True)
    assert_never(condition)


def _of_several(
    branches: Sequence[Filter], user: Resource, kind: ResourceType, *, decided_by: bool
) -> tuple[bool, Sequence[Decisive]]:
    """Return what branches come to when one of them is enough, or else all of them count."""
    found = [_decide(each, user, kind) for each in branches]
    deciding = [each for each in found if each[0] is decided_by] or found
    return deciding[0][0], [part for _, parts in deciding for part in parts]
