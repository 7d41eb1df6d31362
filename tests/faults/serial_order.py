"""What becomes of a group when its changes happen one after another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """A group: its name and the ids of its members."""

    name: str
    members: frozenset[str]


@dataclass(frozen=True)
class Change:
    """What a request makes of a group: a new name, who comes, who goes, or who alone is left."""

    name: str | None = None
    add: frozenset[str] = frozenset()
    remove: frozenset[str] = frozenset()
    only: frozenset[str] | None = None

    def after(self, state: State) -> State:
        """Return the group afterwards."""
        members = state.members if self.only is None else self.only
        return State(self.name or state.name, (members | self.add) - self.remove)


@dataclass(frozen=True)
class Step:
    """Two states that follow each other."""

    before: State
    after: State

    def touches(self, user: str) -> bool:
        """Whether the step gives a user another version: it comes, goes, or sees a new name."""
        came_or_went = (user in self.before.members) is not (user in self.after.members)
        renamed = self.before.name != self.after.name
        return came_or_went or (renamed and user in self.after.members)


def replayed(first: State, changes: Iterable[Change]) -> list[Step]:
    """Return the steps that changes make one after another; some may change nothing."""
    steps: list[Step] = []
    state = first
    for change in changes:
        before, state = state, change.after(state)
        if state != before:
            steps.append(Step(before, state))
    return steps
