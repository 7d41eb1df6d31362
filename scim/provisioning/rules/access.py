"""Access: what the rules grant a user. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import Comparison, Filter
from scim.protocol.folding import fold
from scim.protocol.matching import matcher, required_equalities
from scim.protocol.schema import USER, Resource, ResourceType
from scim.provisioning.rules.rule import Rule
from scim.provisioning.stored_users import StoredUser

_BY_NAME: Final = {  # attributes by whose values rules are found, with what a bare name means
    "groups": ("value", "display"),
    "roles": ("value", "display"),
}
_Value = tuple[str, str, str]  # attribute, sub-attribute, folded value


@dataclass(frozen=True, slots=True)
class Granted:
    """A role in a tenant, and the ids of the rules that grant it."""

    tenant: str
    role: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Compiled:
    rule: Rule
    matches: Callable[[Resource], bool]


class CompiledRules:
    """The enabled rules of a set, ready to be applied.

    A rule that can only match users with a certain group or role is looked at for those alone, so
    the time for a user hardly grows with the number of rules. One whose condition the schemas do
    not bear out any more matches nobody.
    """

    def __init__(self, rules: Sequence[Rule], kind: ResourceType) -> None:
        self.kind = kind
        self._anyone: list[_Compiled] = []
        self._by_value: dict[_Value, list[_Compiled]] = defaultdict(list)
        for rule in rules:
            if not rule.enabled:
                continue
            try:
                condition = rule.tested()
                compiled = _Compiled(rule, matcher(condition, kind))
            except InvalidFilter:
                continue
            value = _required_value(condition)
            (self._anyone if value is None else self._by_value[value]).append(compiled)

    def access(self, directory: str, user: Resource) -> tuple[Granted, ...]:
        """Return what the rules grant a user of the directory, as `shown_to_rules` returns it.

        An inactive user has nothing. In the order of tenants and roles.
        """
        if not user.get("active"):
            return ()
        grants: dict[tuple[str, str], set[str]] = {}
        for each in self._candidates(user):
            rule = each.rule
            if rule.directory not in (None, directory) or not each.matches(user):
                continue
            for grant in rule.grants:
                grants.setdefault((grant.tenant, grant.role), set()).add(rule.id)
        return tuple(
            Granted(tenant, role, tuple(sorted(rules)))
            for (tenant, role), rules in sorted(grants.items())
        )

    def _candidates(self, user: Resource) -> Iterator[_Compiled]:
        yield from self._anyone
        if self._by_value:
            values = {value for name in _BY_NAME for value in _values(user, name)}
            for value in values:
                yield from self._by_value.get(value, ())


def shown_to_rules(user: StoredUser) -> Resource:
    """Return the user as conditions see it: with its groups."""
    if not user.memberships:
        return user.resource
    groups = [
        {"value": each.group, "display": each.name, "type": "direct"} for each in user.memberships
    ]
    return {**user.resource, "groups": groups}


def _required_value(condition: Filter) -> _Value | None:
    """Return a group or role that every match has, if there is one."""
    for each in required_equalities(condition):
        path = each.path
        name = path.name.lower()
        if (
            isinstance(each, Comparison)
            and isinstance(each.value, str)
            and (path.urn or USER).lower() == USER.lower()
            and (path.sub or "value").lower() in _BY_NAME.get(name, ())
        ):
            return name, (path.sub or "value").lower(), fold(each.value)
    return None


def _values(user: Resource, name: str) -> Iterator[_Value]:
    for entry in user.get(name, ()):
        for sub in _BY_NAME[name]:
            value = entry.get(sub)
            if isinstance(value, str):
                yield name, sub, fold(value)
