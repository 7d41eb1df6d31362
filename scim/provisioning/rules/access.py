"""Access: what the rules grant a user. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import AttributePath, Comparison, Filter
from scim.protocol.folding import fold
from scim.protocol.matching import matcher, required_equalities
from scim.protocol.schema import Json, Resource, ResourceType
from scim.provisioning.rules.rule import Rule
from scim.provisioning.stored_users import StoredUser

_Place = tuple[str | None, str, str | None]  # extension, attribute, sub-attribute


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

    A rule that can only match users who have a certain text somewhere, such as the name of a group,
    is looked at for those alone: the time for a user hardly grows with the number of such rules.
    One whose condition the schemas do not bear out any more matches nobody.
    """

    def __init__(self, rules: Sequence[Rule], kind: ResourceType) -> None:
        self.kind = kind
        self._anyone: list[_Compiled] = []
        self._by_text: dict[_Place, dict[str, list[_Compiled]]] = {}
        enabled: list[tuple[_Compiled, list[tuple[_Place, str]]]] = []
        for rule in rules:
            if not rule.enabled:
                continue
            try:
                condition = rule.tested()
                compiled = _Compiled(rule, matcher(condition, kind))
            except InvalidFilter:
                continue
            enabled.append((compiled, list(_required_texts(condition, kind))))
        asked = Counter(text for _, texts in enabled for text in texts)
        for compiled, texts in enabled:
            if not texts:
                self._anyone.append(compiled)
                continue
            # What few rules ask for, few users have.
            place, text = min(texts, key=asked.__getitem__)
            self._by_text.setdefault(place, {}).setdefault(text, []).append(compiled)

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
        for place, rules in self._by_text.items():
            for text in set(_texts(user, place)):
                yield from rules.get(text, ())


def shown_to_rules(user: StoredUser) -> Resource:
    """Return the user as conditions see it: with its groups."""
    if not user.memberships:
        return user.resource
    groups = [
        {"value": each.group, "display": each.name, "type": "direct"} for each in user.memberships
    ]
    return {**user.resource, "groups": groups}


def _required_texts(condition: Filter, kind: ResourceType) -> Iterator[tuple[_Place, str]]:
    """Yield the texts that every match has, with their places, as they are compared."""
    for each in required_equalities(condition):
        if isinstance(each, Comparison) and isinstance(each.value, str):
            place = _place(each.path, kind)
            if place is not None:
                yield place, fold(each.value)


def _place(path: AttributePath, kind: ResourceType) -> _Place | None:
    """Return where a comparison finds a text; None if it compares something else."""
    found = kind.reference(path.urn, path.name, path.sub)
    if found is None or found.attribute is None:
        return None
    # A bare name means the values of its entries.
    sub = found.sub_attribute or found.attribute.sub("value")
    if (sub or found.attribute).type != "string":
        return None
    urn = found.extension.urn if found.extension else None
    return urn, found.attribute.name, sub.name if sub else None


def _texts(user: Resource, place: _Place) -> Iterator[str]:
    urn, name, sub = place
    owner = user if urn is None else user.get(urn, {})
    for entry in _entries(owner.get(name)):
        # An entry may be of a schema that was declared otherwise before.
        inner = entry.get(sub) if isinstance(entry, dict) else None
        for value in _entries(inner) if sub else (entry,):
            if isinstance(value, str):
                yield fold(value)


def _entries(value: Json) -> Sequence[Json]:
    if isinstance(value, list):
        return value
    return () if value is None else (value,)
