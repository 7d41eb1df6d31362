"""Changes of the rules: a new set is put in force, or saved until somebody confirms it.

Both stand in rows of their own; that of the set in force guards the saved one, so every change of
either replaces it if-etag.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from scim.protocol.errors import ScimError
from scim.provisioning import rows
from scim.provisioning.directories.directories import Directories
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Did, Target
from scim.provisioning.log.management import By, of_installation
from scim.provisioning.ports import (
    Conflict,
    Delete,
    Operation,
    Put,
    Replace,
    Storage,
    Unavailable,
)
from scim.provisioning.rule_sync.effects import Comparison, Effects, can_withdraw
from scim.provisioning.rules.rule import RULES_LENGTH, Rule
from scim.provisioning.rules.rule_sets import RuleSet, RuleSets, read_set, set_values
from scim.provisioning.telemetry import Event, tell

RULES_MOST: Final = 1000
LOOK: Final = timedelta(seconds=5)  # a call counts so long itself; the timer goes on
CHANGES: Final = 8  # reads and decisions of one change under conflicts


class SavedSet(BaseModel):
    """A set that is saved, not in force: it could withdraw access from many.

    `counting`: how many is not known yet. `held`: more than the guard lets through.
    """

    model_config = ConfigDict(frozen=True)

    rules: tuple[Rule, ...]
    declared: str
    saved_at: datetime
    state: Literal["counting", "held"] = "counting"
    effects: Effects = Effects()


@dataclass(frozen=True, slots=True)
class Guard:
    """How many may lose access at once: the larger of a number and a share of those who have it."""

    users: int
    percent: int

    def holds(self, losing: int, having: int) -> bool:
        """Whether so many are too many."""
        return losing > max(self.users, having * self.percent / 100)


@dataclass(frozen=True, slots=True)
class Rules:
    """The set in force, and the one that is saved, if there is one."""

    in_force: RuleSet
    saved: SavedSet | None
    etag: str

    @property
    def latest(self) -> tuple[Rule, ...]:
        """Return the rules as they were last said."""
        return self.saved.rules if self.saved else self.in_force.rules


class NothingSaved(ScimError):
    """There is no saved set to confirm or cancel."""

    status = 409


class TooManyRules(ScimError):
    """More rules, or longer ones, than a set holds."""

    status = 409


Decide = Callable[[tuple[Rule, ...]], tuple[Rule, ...]]
Note = Callable[[Rules], Sequence[Operation]]  # the rows of the log that go into the commit


class RuleChanges:
    """Changes the rules of the installation."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime],
        sets: RuleSets,
        directories: Directories,
        guard: Guard,
    ) -> None:
        self._storage = storage
        self._now = now
        self._sets = sets
        self._directories = directories
        self.guard = guard

    async def read(self) -> Rules:
        """Return the rules as they are now."""
        row = await self._storage.get(rows.INSTALLATION, rows.RULES)
        if row is None:
            await self._sets.latest()  # the first use
            return await self.read()
        saved = await self._storage.get(rows.INSTALLATION, rows.SAVED_RULES)
        return Rules(
            read_set(rows.unpack(row.values)),
            SavedSet.model_validate(rows.unpack(saved.values)) if saved else None,
            row.etag,
        )

    async def change(
        self, decide: Decide, by: By, did: Did = Did.UPDATE, rule: Target | None = None
    ) -> Rules:
        """Store what `decide` makes of the rules; see `Rules.latest`. Raises what it raises.

        The log says what is done to the rule, or to the whole set.
        """
        latest: tuple[Rule, ...] = ()

        def decided(known: Rules) -> tuple[RuleSet, SavedSet | None] | None:
            nonlocal latest
            latest = decide(known.latest)
            return None if latest == known.latest else self._saved(known, latest)

        def note(known: Rules) -> Sequence[Operation]:
            if rule is None:
                return _of_set(by, did)(known)
            return of_installation(by, did, rule, _changed(rule.id, known.latest, latest))

        await self._store(decided, note)
        return await self.count_on(self._now() + LOOK)

    async def copy_declared(self) -> None:
        """Merge the rules of the app setting into the set, if they are not those merged last."""
        declared = self._sets.declared

        def decided(known: Rules) -> tuple[RuleSet, SavedSet | None] | None:
            last = known.saved.declared if known.saved else known.in_force.declared
            if last == declared.digest:
                return None
            others = [each for each in known.latest if each.source != "settings"]
            return self._saved(known, (*others, *declared.rules), declared.digest)

        now = self._now()
        by = By("app setting RULES", resource_id(now), now)
        await self._store(decided, _of_set(by, Did.UPDATE))

    async def count_on(self, until: datetime) -> Rules:
        """Count whom a saved set would withdraw access from; put it in force if they are few."""
        known = await self.read()
        saved = known.saved
        if saved is None or saved.state != "counting":
            return known
        comparison = Comparison(
            await self._sets.latest(), known.in_force.rules, saved.rules, names=0
        )
        effects = await comparison.look_on(
            self._storage, await self.directories(), saved.effects, self._now, until
        )
        counted = saved.model_copy(update={"effects": effects})
        held = self.guard.holds(effects.losing, effects.having)
        if effects.complete and held:
            counted = counted.model_copy(update={"state": "held"})
        in_force = known.in_force
        passed = effects.complete and not held
        if passed:
            in_force = self._next(known, saved.rules, saved.declared)
        try:
            await self._commit(known, in_force, None if passed else counted)
        except Conflict:  # somebody has changed the rules meanwhile, or another run has counted
            return await self.read()
        if counted.state == "held":
            tell(Event.RULES_HELD, losing=effects.losing, having=effects.having)
        return await self.read()

    async def confirm(self, by: By, check: Callable[[Rules], None] = lambda _: None) -> Rules:
        """Put the saved set in force, however many lose access. Raises NothingSaved."""

        def decided(known: Rules) -> tuple[RuleSet, SavedSet | None]:
            check(known)
            if known.saved is None:
                raise NothingSaved("No set of rules waits to be confirmed.")
            return self._next(known, known.saved.rules, known.saved.declared), None

        return await self._store(decided, _of_set(by, Did.CONFIRM))

    async def cancel(self, by: By, check: Callable[[Rules], None] = lambda _: None) -> Rules:
        """Discard the saved set. Raises NothingSaved.

        Declared rules that are discarded so come again when the app setting changes.
        """

        def decided(known: Rules) -> tuple[RuleSet, SavedSet | None]:
            check(known)
            if known.saved is None:
                raise NothingSaved("No set of rules waits to be confirmed.")
            declared = known.saved.declared
            return known.in_force.model_copy(update={"declared": declared}), None

        return await self._store(decided, _of_set(by, Did.CANCEL))

    async def reapply(self, by: By) -> Rules:
        """Let the set in force be applied to everyone again."""

        def decided(known: Rules) -> tuple[RuleSet, SavedSet | None]:
            in_force = known.in_force
            return self._next(known, in_force.rules, in_force.declared), known.saved

        return await self._store(decided, _of_set(by, Did.APPLY_RULES))

    async def directories(self) -> Iterable[str]:
        """Return the directories whose users rules can give anything."""
        return [
            each.id
            for each in await self._directories.all()
            if each.deletion is None or each.deletion.access == "keep"
        ]

    def _saved(
        self, known: Rules, after: tuple[Rule, ...], declared: str | None = None
    ) -> tuple[RuleSet, SavedSet | None]:
        """Return both sets when these rules are said: in force if nobody can lose access."""
        if len(after) > RULES_MOST:
            raise TooManyRules(f"There are {RULES_MOST} rules, which is the most; delete some.")
        if sum(len(each.model_dump_json()) for each in after) > RULES_LENGTH:
            raise TooManyRules(
                f"The rules have more than {RULES_LENGTH} characters together; shorten some."
            )
        if declared is None:
            declared = known.saved.declared if known.saved else known.in_force.declared
        if not can_withdraw(known.in_force.rules, after):
            return self._next(known, after, declared), None
        saved = SavedSet(rules=after, declared=declared, saved_at=self._now())
        return known.in_force, saved

    def _next(self, known: Rules, after: tuple[Rule, ...], declared: str) -> RuleSet:
        number = known.in_force.number + 1
        return RuleSet(number=number, stored_at=self._now(), rules=after, declared=declared)

    async def _store(
        self, decided: Callable[[Rules], tuple[RuleSet, SavedSet | None] | None], note: Note
    ) -> Rules:
        for _ in range(CHANGES):
            known = await self.read()
            after = decided(known)
            if after is None:
                return known
            try:
                await self._commit(known, *after, note(known))
            except Conflict:
                continue
            return await self.read()
        raise Unavailable("too many changes of the rules at once", retry_after=2)

    async def _commit(
        self,
        known: Rules,
        in_force: RuleSet,
        saved: SavedSet | None,
        log: Sequence[Operation] = (),
    ) -> None:
        operations: list[Operation] = [Replace(rows.RULES, set_values(in_force), known.etag), *log]
        if saved is not None:
            document = saved.model_dump(mode="json", by_alias=True, exclude_none=True)
            operations.append(Put(rows.SAVED_RULES, rows.pack(document)))
        elif known.saved is not None:
            operations.append(Delete(rows.SAVED_RULES, None))
        await self._storage.commit(rows.INSTALLATION, operations)
        await self._sets.latest()  # this process applies at once what it has stored


def _of_set(by: By, did: Did) -> Note:
    def note(known: Rules) -> Sequence[Operation]:
        number = known.in_force.number
        target = Target(type="Rules", id=f"rules-{number}", identifier=f"set {number} of the rules")
        return of_installation(by, did, target, ())

    return note


def _changed(rule_id: str, before: Iterable[Rule], after: Iterable[Rule]) -> list[str]:
    """Return the names of what differs of a rule; none if it is new or gone."""
    earlier, later = (
        next((e.model_dump(by_alias=True) for e in rules if e.id == rule_id), {})
        for rules in (before, after)
    )
    return [name for name in later if earlier and earlier[name] != later[name]]
