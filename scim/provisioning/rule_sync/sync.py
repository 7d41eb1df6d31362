"""Rule sync: a new set of rules is applied to every user of every directory, in slices."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.identifiers import resource_id
from scim.provisioning.ports import Conflict, LimitExceeded, Storage, Unavailable
from scim.provisioning.rule_sync.changes import RuleChanges, TooManyRules
from scim.provisioning.rule_sync.walk import RuleWalk, SyncState, read_state
from scim.provisioning.rules.rule_sets import InForce, RuleSets
from scim.provisioning.telemetry import Event, tell

# A process may go on with the set before for a minute, and send what it decided for half a minute
# more. A walk that began so long after the set was stored finds all of it; an earlier one is closed
# by another.
SETTLED: Final = timedelta(minutes=2)


class RuleSync:
    """What the timer does about rules."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime],
        sets: RuleSets,
        changes: RuleChanges,
    ) -> None:
        self._storage = storage
        self._now = now
        self._sets = sets
        self._changes = changes

    async def run(self, until: datetime) -> None:
        """Copy declared rules, count for a saved set, and go on in directories that are behind."""
        await self._copy_declared()
        await self._changes.count_on(until)
        rules = await self._sets.latest()
        for directory in await self._changes.directories():
            if self._now() >= until:
                return
            try:
                await self._go_on(directory, rules, until)
            except (Unavailable, LimitExceeded) as error:
                tell(Event.UPKEEP_PUT_OFF, directory=directory, error=str(error))

    async def _copy_declared(self) -> None:
        try:
            await self._changes.copy_declared()
        except TooManyRules as error:  # with those of the management API
            tell(Event.UPKEEP_PUT_OFF, directory="", error=error.detail)

    async def state(self, directory: str) -> SyncState:
        """Return how far a directory has come."""
        state, _ = await read_state(self._storage, rows.partition(directory))
        return state

    async def _go_on(self, directory: str, rules: InForce, until: datetime) -> None:
        state, etag = await read_state(self._storage, rows.partition(directory))
        now, settled_at = self._now(), rules.stored.stored_at + SETTLED
        if state.number != rules.stored.number:
            state = SyncState(
                number=rules.stored.number,
                message_id=resource_id(now),
                started_at=now,
                began_at=now,
            )
        elif state.finished or (state.walked and now < settled_at):
            return
        elif state.walked:
            state = state.model_copy(
                update={"walked": False, "cursor": "", "done": 0, "began_at": now}
            )
        walk = RuleWalk(self._storage, self._now, self._sets, rules, directory, state, etag)
        try:
            await walk.run(until, settled_at)
        except Conflict:
            return  # another run goes on
