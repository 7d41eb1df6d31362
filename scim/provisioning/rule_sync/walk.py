"""One walk over the users of a directory, to bring those who are behind up to a set of rules.

What the identity provider changes meanwhile is judged in the commit of that change. Rows are
replaced if-etag and never with a lower number, so the walk overwrites nothing newer.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import count
from typing import Final

from pydantic import BaseModel, ConfigDict

from scim.provisioning import rows
from scim.provisioning.changes import user_rows
from scim.provisioning.changes.pace import Pace
from scim.provisioning.identifiers import milliseconds
from scim.provisioning.log.access_changes import AccessChanges
from scim.provisioning.log.entries import Call, Did, Target, entry_rows
from scim.provisioning.policy import Policy
from scim.provisioning.ports import (
    COMMIT_BYTES,
    COMMIT_ROWS,
    Conflict,
    Insert,
    Operation,
    Replace,
    Storage,
    Unavailable,
)
from scim.provisioning.rules.rule_sets import InForce, RuleSets
from scim.provisioning.rules.rulings import Ruled, Ruling
from scim.provisioning.stored_users import StoredUser, load_user, users_between
from scim.provisioning.versions import touched

PAGE: Final = 200  # users between two notes of how far the walk has come
DECISIONS: Final = 8  # reads and decisions of one batch under conflicts
SENDS: Final = 3  # tries of a commit that the storage refuses; then the walk is put off
_BYTES: Final = COMMIT_BYTES // 2  # of users in a batch; leaves room for what a row takes besides
_LOG_ROWS: Final = 3  # the entry, and its index by the set and by the first commit


class SyncState(BaseModel):
    """How far a directory has come with the set `number`; one without a row has not begun.

    `logged`: the entry is there of which the commits that change access are parts. `walked`: all
    users were visited; unless it is `finished`, the walk has to be closed by another.
    """

    model_config = ConfigDict(frozen=True)

    number: int = 0
    message_id: str = ""
    started_at: datetime | None = None
    began_at: datetime | None = None  # the present walk
    noted_at: datetime | None = None
    cursor: str = ""
    done: int = 0
    changed: int = 0
    logged: bool = False
    walked: bool = False
    finished: bool = False


async def read_state(storage: Storage, partition: str) -> tuple[SyncState, str | None]:
    """Return how far a directory has come, and the etag of its row."""
    row = await storage.get(partition, rows.RULE_SYNC)
    if row is None:
        return SyncState(), None
    return SyncState.model_validate(rows.unpack(row.values)), row.etag


class RuleWalk:
    """A walk, or its next slice. Every step raises Conflict when another run has gone on."""

    def __init__(
        self,
        storage: Storage,
        now: Callable[[], datetime],
        sets: RuleSets,
        rules: InForce,
        directory: str,
        state: SyncState,
        etag: str | None,
    ) -> None:
        assert state.started_at is not None
        self._storage = storage
        self._now = now
        self._sets = sets
        self._partition = rows.partition(directory)
        self._state = state
        self._etag = etag
        self._call = Call(
            directory, state.message_id, state.started_at, actor="rule sync", policy=Policy()
        )
        self._rules = rules
        self._number = rules.stored.number
        self._parts = count(1)
        self._pace = Pace()

    async def run(self, until: datetime, settled_at: datetime) -> None:
        """Visit users until the time is over, or the set is not in force any more."""
        first, last = rows.user_range("", "")
        if self._state.cursor:
            _, first = rows.user_range(self._state.cursor, self._state.cursor)
        page: list[StoredUser] = []
        async for user in users_between(self._storage, self._partition, first, last):
            page.append(user)
            if len(page) < PAGE:
                continue
            await self._visit(page)
            page = []
            overtaken = (await self._sets.in_force()).stored.number != self._number
            if overtaken or self._now() >= until:
                return
        began_at = self._state.began_at
        finished = began_at is not None and began_at >= settled_at
        await self._visit(page, walked=True, finished=finished)

    async def _visit(self, page: Sequence[StoredUser], **ended: bool) -> None:
        changed = await self._apply(page)
        state = self._state
        await self._note(
            state.model_copy(
                update={
                    "cursor": page[-1].resource["id"] if page else state.cursor,
                    "done": state.done + len(page),
                    "changed": state.changed + changed,
                    "noted_at": self._now(),
                    **ended,
                }
            )
        )

    async def _apply(self, users: Sequence[StoredUser]) -> int:
        """Bring those who are behind up to the set; return how many have other access now."""
        behind = [user for user in users if self._is_behind(user)]
        changed = 0
        while behind:
            batch: list[_Judged] = []
            ruling = self._new_ruling()
            written, size = _LOG_ROWS, 0
            while behind and written < COMMIT_ROWS - 1 and size < _BYTES:
                user = behind.pop()
                judged = _judged(user, ruling)
                batch.append(judged)
                written += judged.rows
                size += len(str(user.resource)) + len(user.access) + len(judged.user.access)
            changed += await self._commit(batch, ruling)
        return changed

    async def _commit(self, batch: Sequence[_Judged], ruling: Ruling) -> int:
        for _ in range(DECISIONS):
            changed = [each.user.resource["id"] for each in batch if each.changed]
            operations = [user_rows.own_row(each.user) for each in batch]
            if changed:
                await self._open_log()
                entry = self._entry(changed, next(self._parts), ruling.changes)
                operations += entry
            try:
                await self._send(operations)
            except Conflict:
                # Its answer may have been lost, and it has met itself.
                if changed and await self._storage.get(self._partition, entry[-1].key):
                    return len(changed)
                ruling = self._new_ruling()
                batch = await self._still_behind(batch, ruling)
                if not batch:
                    return 0
            else:
                return len(changed)
        raise Unavailable("too many changes beside the rule sync", retry_after=2)

    async def _still_behind(self, batch: Sequence[_Judged], ruling: Ruling) -> list[_Judged]:
        ids = [each.user.resource["id"] for each in batch]
        found = await asyncio.gather(
            *(load_user(self._storage, self._partition, each) for each in ids)
        )
        return [_judged(user, ruling) for user in found if user and self._is_behind(user)]

    def _is_behind(self, user: StoredUser) -> bool:
        return not user.leaving and user.rules < self._number

    def _new_ruling(self) -> Ruling:
        return self._sets.of(self._rules, self._call)

    async def _open_log(self) -> None:
        """Store the entry of the whole sync before its first part."""
        if not self._state.logged:
            state = self._state.model_copy(update={"logged": True})
            await self._note(state, self._entry([], 0, AccessChanges()))

    def _entry(self, changed: Sequence[str], part: int, access: AccessChanges) -> list[Operation]:
        name = f"set {self._number} of the rules"
        target = Target(type="Rules", id=f"rules-{self._number}", identifier=name)
        entry = self._call.entry([Did.APPLY_RULES], target, access=access, adds={})
        entry = entry.model_copy(update={"changes": ("access",)})
        moment = self._now() if part else self._call.started
        key = rows.log(milliseconds(moment), self._call.message_id, part)
        subjects = [target.id, *changed]
        return entry_rows(key, entry, subjects, job=self._call.message_id, part=part)

    async def _note(self, state: SyncState, beside: Sequence[Operation] = ()) -> None:
        """Store the state. Raises Conflict if another run has stored one."""
        key, values = rows.RULE_SYNC, rows.pack(state.model_dump(mode="json"))
        own: Operation = (
            Insert(key, values) if self._etag is None else Replace(key, values, self._etag)
        )
        with suppress(Conflict):  # perhaps with itself: its answer was lost
            await self._send([own, *beside])
        stored, self._etag = await read_state(self._storage, self._partition)
        if stored != state:
            raise Conflict(key)
        self._state = state

    async def _send(self, operations: Sequence[Operation]) -> None:
        """Commit at the pace that the storage takes; after a refusal, which may be none, slower."""
        for send in range(1, SENDS + 1):
            await self._pace.wait()
            self._pace.take(len(operations))
            try:
                await self._storage.commit(self._partition, operations)
            except Unavailable:
                self._pace.halve()
                if send == SENDS:
                    raise
            else:
                return


def _judged(user: StoredUser, ruling: Ruling) -> _Judged:
    after = ruling.on(user)
    if after.access == user.access:
        return _Judged(after, changed=False)
    # It shows something else: a new version.
    return _Judged(dataclasses.replace(after, resource=touched(user.resource)), changed=True)


@dataclasses.dataclass(frozen=True, slots=True)
class _Judged:
    """A user by the new set; `changed`: its access is another one."""

    user: Ruled
    changed: bool

    @property
    def rows(self) -> int:
        return 2 if self.changed else 1
