"""How access gets into a user's row: by a ruling, the rules in force for one attempt."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NewType

import orjson

from scim.provisioning.log.access_changes import AccessChanges, Right
from scim.provisioning.rules.access import CompiledRules, Granted, shown_to_rules
from scim.provisioning.stored_users import StoredUser
from scim.provisioning.versions import timestamp

# A user whose access is that of a ruling: nothing else can be written.
Ruled = NewType("Ruled", StoredUser)


@dataclass(frozen=True, slots=True)
class Access:
    """A role in a tenant as stored: the rules that grant it, and the call that brought it about."""

    tenant: str
    role: str
    rules: tuple[str, ...]
    since: str
    message_id: str


@dataclass(frozen=True, slots=True)
class Ruling:
    """A numbered set of rules, applied to users of a directory by one attempt of a call.

    `changes` gathers what those users gain and lose, for the log.
    """

    number: int
    rules: CompiledRules
    directory: str
    time: datetime
    message_id: str
    changes: AccessChanges = field(default_factory=AccessChanges)

    def on(self, user: StoredUser) -> Ruled:
        """Return the user with what the rules grant it as it stands, memberships included.

        The user's row must not have seen a later set: see `RuleSets.ruling`.
        """
        assert self.number >= user.rules  # whoever made the ruling has read the user first
        granted = self.rules.access(self.directory, shown_to_rules(user))
        access = self._written(granted, user.access) if granted else ""
        if access != user.access:
            self.changes.note(user.resource["id"], _rights(user), map(_right_of, granted))
        return Ruled(dataclasses.replace(user, rules=self.number, access=access))

    def withdraw(self, user: StoredUser) -> None:
        """Note that a user loses what it has, because it goes."""
        self.changes.note(user.resource["id"], _rights(user), ())

    def _written(self, granted: tuple[Granted, ...], before: str) -> str:
        known = {(each["tenant"], each["role"]): each for each in _loads(before)}
        moment = timestamp(self.time)
        written = []
        for each in granted:
            since = known.get((each.tenant, each.role))
            written.append(
                {
                    "tenant": each.tenant,
                    "role": each.role,
                    "rules": each.rules,
                    "since": since["since"] if since else moment,
                    "message": since["message"] if since else self.message_id,
                }
            )
        return orjson.dumps(written).decode()


def read_access(user: StoredUser) -> list[Access]:
    """Return the access that stands in a user's row."""
    return [
        Access(
            each["tenant"],
            each["role"],
            tuple(each["rules"]),
            since=each["since"],
            message_id=each["message"],
        )
        for each in _loads(user.access)
    ]


def _rights(user: StoredUser) -> Iterable[Right]:
    return ((each["tenant"], each["role"]) for each in _loads(user.access))


def _right_of(granted: Granted) -> Right:
    return granted.tenant, granted.role


def _loads(access: str) -> Any:  # noqa: ANN401 - JSON that was written above
    return orjson.loads(access) if access else ()
