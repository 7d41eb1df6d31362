"""The rules in force: one stored, numbered set for the installation.

Every process applies the stored set, read at most a minute ago. A number only grows, and stands in
every row that was computed with it: whoever finds a higher one there reads the set anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict

from scim.protocol.schema import ResourceType
from scim.provisioning import rows
from scim.provisioning.identifiers import lower_id
from scim.provisioning.log.entries import Call
from scim.provisioning.ports import Conflict, Insert, Storage, Unavailable, Value
from scim.provisioning.rules.access import CompiledRules
from scim.provisioning.rules.declared import Declared
from scim.provisioning.rules.rule import Grant, Rule
from scim.provisioning.rules.rulings import Ruling
from scim.provisioning.stored_groups import StoredGroup
from scim.provisioning.stored_users import StoredUser

FRESH: Final = timedelta(seconds=60)
RULE_ID: Final = 12  # characters
# Each grants the role of its name in the home tenant to the group of that name.
DEFAULTS: Final = (
    "Participants",
    "Designers",
    "Developers",
    "Automation Admins",
    "Administrators",
)


class RuleSet(BaseModel):
    """A set as stored; `declared` tells which text of the app setting RULES is merged into it."""

    model_config = ConfigDict(frozen=True)

    number: int
    stored_at: datetime
    rules: tuple[Rule, ...]
    declared: str


@dataclass(frozen=True, slots=True)
class InForce:
    """A set as it is applied."""

    stored: RuleSet
    compiled: CompiledRules
    read_at: datetime


class RuleSets:
    """Reads the set in force; the first use stores one, with the default rules."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime],
        kind: ResourceType,
        declared: Declared,
        home_tenant: str,
    ) -> None:
        self._storage = storage
        self._now = now
        self.kind = kind
        self.declared = declared
        self._home_tenant = home_tenant
        self._held: InForce | None = None

    async def ruling(self, call: Call, subjects: Iterable[StoredUser | StoredGroup] = ()) -> Ruling:
        """Return the ruling for an attempt that writes those of the subjects that are users.

        Make it anew for each attempt, after what it writes was read. Raises Unavailable.
        """
        users = (each for each in subjects if isinstance(each, StoredUser))
        rules = await self.in_force(at_least=max((each.rules for each in users), default=0))
        return self.of(rules, call)

    def of(self, rules: InForce, call: Call) -> Ruling:
        """Return the ruling of a call by the rules given."""
        number = rules.stored.number
        return Ruling(number, rules.compiled, call.directory, call.started, call.message_id)

    async def in_force(self, at_least: int = 0) -> InForce:
        """Return the set as it was at most a minute ago, and not behind the number given."""
        held = self._held
        if (
            held is not None
            and self._now() - held.read_at < FRESH
            and held.stored.number >= at_least
        ):
            return held
        return await self.latest(at_least)

    async def latest(self, at_least: int = 0) -> InForce:
        """Return the set as it is now."""
        read_at = self._now()
        row = await self._storage.get(rows.INSTALLATION, rows.RULES)
        stored = read_set(rows.unpack(row.values)) if row else await self._first(read_at)
        held = self._held
        if held is None or held.stored.number < stored.number:
            compiled = CompiledRules(stored.rules, self.kind)
            self._held = InForce(stored, compiled, read_at)
        elif held.stored.number == stored.number:
            self._held = InForce(held.stored, held.compiled, max(read_at, held.read_at))
        assert self._held is not None  # a set that was overtaken by a later read is not taken
        if self._held.stored.number < at_least:
            raise Unavailable("the rules cannot be read as they are", retry_after=1)
        return self._held

    async def _first(self, now: datetime) -> RuleSet:
        first = RuleSet(
            number=1,
            stored_at=now,
            rules=(*self._defaults(), *self.declared.rules),
            declared=self.declared.digest,
        )
        try:
            await self._storage.commit(rows.INSTALLATION, [Insert(rows.RULES, set_values(first))])
        except Conflict:
            row = await self._storage.get(rows.INSTALLATION, rows.RULES)
            if row is None:
                raise Unavailable("the rules cannot be read", retry_after=1) from None
            return read_set(rows.unpack(row.values))
        return first

    def _defaults(self) -> Iterable[Rule]:
        for name in DEFAULTS:
            grant = Grant(tenant=self._home_tenant, role=name)
            yield Rule(id=lower_id(RULE_ID), name=name, group=name, grants=(grant,))


def read_set(document: object) -> RuleSet:
    """Return a set from the document of its row."""
    return RuleSet.model_validate(document)


def set_values(stored: RuleSet) -> dict[str, Value]:
    """Return the values of a set's row."""
    return rows.pack(stored.model_dump(mode="json", by_alias=True, exclude_none=True))
