"""What access a commit gives and takes, as its log entry tells."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ConfigDict

CHARACTERS: Final = 100_000  # in an entry; some thousand times a user and a role
_CHARACTERS_BESIDE: Final = 40  # of each role and each user, for names and quotes

Right = tuple[str, str]  # tenant and role


class AccessChange(BaseModel):
    """A role in a tenant, and the ids of who gained or lost it; without ids the target alone."""

    model_config = ConfigDict(frozen=True)

    tenant: str
    role: str
    users: tuple[str, ...] = ()

    def of(self, users: Iterable[str]) -> AccessChange:
        """Return the same of these users, if they are among its own."""
        kept = set(users)
        return self.model_copy(update={"users": tuple(e for e in self.users if e in kept)})


@dataclass(frozen=True, slots=True)
class Told:
    """What an entry says of access; `cut`: there is more than it holds."""

    gained: tuple[AccessChange, ...] = ()
    lost: tuple[AccessChange, ...] = ()
    cut: bool = False


NOTHING: Final = Told()


@dataclass(slots=True)
class AccessChanges:
    """Gathers what the users of one commit gain and lose while its rows are made."""

    gained: dict[Right, list[str]] = field(default_factory=dict)
    lost: dict[Right, list[str]] = field(default_factory=dict)

    def __bool__(self) -> bool:
        """Whether anybody gains or loses anything."""
        return bool(self.gained or self.lost)

    def note(self, user_id: str, before: Iterable[Right], after: Iterable[Right]) -> None:
        """Note what a user had and has."""
        earlier, later = set(before), set(after)
        for right in later - earlier:
            self.gained.setdefault(right, []).append(user_id)
        for right in earlier - later:
            self.lost.setdefault(right, []).append(user_id)

    def told(self, target: str) -> Told:
        """Return what the entry on the target says."""
        room = _Room(CHARACTERS)
        gained, lost = (tuple(room.filled(each, target)) for each in (self.gained, self.lost))
        return Told(gained, lost, cut=room.left < 0)


@dataclass(slots=True)
class _Room:
    """How much still goes into an entry."""

    left: int

    def filled(self, rights: Mapping[Right, list[str]], target: str) -> Iterator[AccessChange]:
        for (tenant, role), users in sorted(rights.items()):
            named = () if users == [target] else tuple(users)
            self.left -= len(tenant) + len(role) + _CHARACTERS_BESIDE
            self.left -= sum(len(each) + _CHARACTERS_BESIDE for each in named)
            if self.left < 0:
                return
            yield AccessChange(tenant=tenant, role=role, users=named)
