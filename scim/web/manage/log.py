"""The provisioning log, as reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from scim.protocol.errors import InvalidValue
from scim.protocol.schema import Json
from scim.provisioning.log import access_changes
from scim.provisioning.log.causes import CAUSES, OTHER
from scim.provisioning.log.entries import Did, LogEntry, Outcome
from scim.provisioning.log.report import INSTALLATION, Question, read_log
from scim.web.manage.models import Shown, Time
from scim.web.manage.pages import Page
from scim.web.manage.reports import REPORTING, report
from scim.web.manage.routes import Managed, Parameter, Reply, Route

USERS_SHOWN: Final = 100

Word = TypeVar("Word", bound=StrEnum)


class Target(Shown):
    """The resource concerned, and what people call it."""

    type: str
    id: str
    identifier: str


class Change(Shown):
    """An attribute that changed; old and new values only of those that are called harmless."""

    attribute: str
    old: Json = None
    new: Json = None


class AccessChange(Shown):
    """A role in a tenant; how many users gained or lost it, and the ids of the first hundred."""

    tenant: str
    role: str
    users: int
    user_ids: tuple[str, ...]


class Entry(Shown):
    """An entry of the provisioning log; what was refused has a status, a cause, and advice.

    `causeName` is for programs: it stays, whatever becomes of the words of `cause`.
    Rules belong to no directory.
    In a report by user, access is that of the user. `accessCut`: the entry does not hold all of it.
    """

    time: Time
    message_id: str
    directory: str | None
    actor: str
    operations: tuple[Did, ...]
    target: Target
    outcome: Outcome
    changes: tuple[Change, ...]
    access_gained: tuple[AccessChange, ...]
    access_lost: tuple[AccessChange, ...]
    access_cut: bool
    quirks: tuple[str, ...]
    ignored: tuple[str, ...]
    duration_ms: int | None
    user_agent: str
    traceparent: str
    job: str | None
    status: int | None
    scim_type: str | None
    detail: str
    cause_name: str | None
    cause: str | None
    advice: str | None


class EntryLine(Shown):
    """An entry in a line of CSV."""

    time: Time
    message_id: str
    directory: str | None
    actor: str
    operations: tuple[Did, ...]
    target_type: str
    target_id: str
    identifier: str
    outcome: Outcome
    changes: tuple[str, ...]
    access_gained: str
    access_lost: str
    quirks: tuple[str, ...]
    ignored: tuple[str, ...]
    duration_ms: int | None
    user_agent: str
    status: int | None
    detail: str
    cause_name: str | None
    cause: str | None
    advice: str | None


def shown(directory: str, entry: LogEntry) -> Entry:
    """Return an entry as reports show it."""
    failed = entry.outcome is not Outcome.SUCCESS
    cause = CAUSES.get(entry.cause, OTHER)
    return Entry(
        time=entry.time,
        message_id=entry.message_id,
        directory=directory or None,
        actor=entry.actor,
        operations=entry.operations,
        target=Target(**dict(entry.target)),
        outcome=entry.outcome,
        changes=tuple(_change(entry, name) for name in entry.changes),
        access_gained=tuple(_access(entry, each) for each in entry.access_gained),
        access_lost=tuple(_access(entry, each) for each in entry.access_lost),
        access_cut=entry.access_cut,
        quirks=entry.quirks,
        ignored=entry.ignored,
        duration_ms=entry.duration_ms,
        user_agent=entry.user_agent,
        traceparent=entry.traceparent,
        job=entry.job or None,
        status=entry.status,
        scim_type=entry.scim_type,
        detail=entry.detail,
        cause_name=cause.name if failed else None,
        cause=cause.meaning if failed else None,
        advice=cause.advice if failed else None,
    )


def asked(call: Managed) -> Question:
    """Return what the query asks of the log. Raises InvalidValue."""
    query = call.request.query
    return Question(
        user=query.get("user"),
        operation=_word(Did, "operation", query.get("operation")),
        outcome=_word(Outcome, "outcome", query.get("outcome")),
        message_id=query.get("messageid"),
        since=_moment("from", query.get("from")),
        until=_moment("to", query.get("to")),
    )


def _change(entry: LogEntry, name: str) -> Change:
    old, new = entry.values.get(name, (None, None))
    return Change(attribute=name, old=old, new=new)


def _access(entry: LogEntry, change: access_changes.AccessChange) -> AccessChange:
    users = change.users or (entry.target.id,)
    return AccessChange(
        tenant=change.tenant, role=change.role, users=len(users), user_ids=users[:USERS_SHOWN]
    )


def line(entry: Entry) -> EntryLine:
    """Return an entry as a line of CSV."""
    values = dict(entry)
    target: Target = values.pop("target")
    return EntryLine.model_validate(
        {
            **{name: each for name, each in values.items() if name in EntryLine.model_fields},
            "target_type": target.type,
            "target_id": target.id,
            "identifier": target.identifier,
            "changes": tuple(each.attribute for each in entry.changes),
            "access_gained": _rights(entry.access_gained),
            "access_lost": _rights(entry.access_lost),
        }
    )


def _rights(changes: Sequence[AccessChange]) -> str:
    return ", ".join(f"{each.role} in {each.tenant}" for each in changes)


async def _report(call: Managed, directories: Sequence[str]) -> Reply:
    question, storage = asked(call), call.services.storage

    async def read(after: object, limit: int) -> tuple[Sequence[Entry], object]:
        found, place = await read_log(storage, directories, question, str(after or ""), limit)
        return [shown(each.directory, each.entry) for each in found], place

    return await report(call, read, Page[Entry], (EntryLine, line))


async def _of_directory(call: Managed) -> Reply:
    return await _report(call, [(await call.directory()).id])


async def _of_all(call: Managed) -> Reply:
    directories = [each.id for each in await call.services.directories.all()]
    return await _report(call, [*directories, INSTALLATION])


def _word(words: type[Word], name: str, text: str | None) -> Word | None:
    if text is None:
        return None
    for word in words:
        if word.lower() == text.lower():
            return word
    raise InvalidValue(f"{name} has to be one of {', '.join(words)}.")


def _moment(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        raise InvalidValue(
            f"{name} has to be a time such as 2026-11-25T12:00:00Z, or a day."
        ) from None


ASKING: Final = (
    Parameter("user", "The name that a user or group has or had, in any case, or its id."),
    Parameter("operation", "One of the operations.", {"type": "string", "enum": [*Did]}),
    Parameter("outcome", "success, refused or failed.", {"type": "string", "enum": [*Outcome]}),
    Parameter("messageId", "The message id of a call."),
    Parameter("from", "Since this time.", {"type": "string", "format": "date-time"}),
    Parameter("to", "Before this time.", {"type": "string", "format": "date-time"}),
)
DIRECTORY: Final = Route(
    "GET",
    "{directory}/log",
    _of_directory,
    "Read the log of a directory, newest first, as JSON or as CSV (next page in the header Link)",
    gives=Page[Entry],
    query=(*ASKING, *REPORTING),
)
ROUTES: Final = (
    Route(
        "GET",
        "",
        _of_all,
        "Read the logs of all directories and of the rules as one, newest first, as JSON or as CSV",
        gives=Page[Entry],
        query=(*ASKING, *REPORTING),
    ),
)
