"""Failed events: why calls fail, and what to do about it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from scim.protocol.errors import InvalidValue, NotFound
from scim.provisioning import rows
from scim.provisioning.log.event_report import FoundEvent, State, read_events, state_of
from scim.provisioning.log.failed_events import StoredEvent, load_event, set_state
from scim.web.manage import log
from scim.web.manage.models import Sent, Time
from scim.web.manage.pages import Page
from scim.web.manage.reports import REPORTING, report
from scim.web.manage.routes import Managed, Parameter, Reply, Route

_STATES: Final = ("open", "resolved", "ignored")


class FailedEvent(log.Entry):
    """Calls that failed alike, with all that is known of the last of them.

    `resolvedBy` is the message id of a later call that succeeded at the same.
    """

    id: str
    state: Literal["open", "resolved", "ignored"]
    count: int
    first_seen: Time
    last_seen: Time
    resolved_by: str | None
    body: str


class EventLine(log.EntryLine):
    """An event in a line of CSV."""

    id: str
    state: str
    count: int
    first_seen: Time
    last_seen: Time
    resolved_by: str | None


class EventChange(Sent):
    """Whether the event is to be worked on, or passed over however often it comes again."""

    state: Literal["open", "ignored"]


async def _list(call: Managed) -> Reply:
    directory = await call.directory()
    question, services = log.asked(call), call.services
    state = _state(call.request.query.get("state"))

    async def read(after: object, limit: int) -> tuple[Sequence[FailedEvent], object]:
        found, place = await read_events(
            services.storage,
            services.contacts,
            directory.id,
            question,
            state,
            str(after or ""),
            limit,
        )
        return [_shown(directory.id, each) for each in found], place

    return await report(call, read, Page[FailedEvent], (EventLine, _line))


async def _get(call: Managed) -> Reply:
    directory = await call.directory()
    return Reply(await _now(call, directory.id, await _event(call, directory.id)))


async def _patch(call: Managed) -> Reply:
    directory = await call.directory()
    stored = await _event(call, directory.id)
    call.demand(await _now(call, directory.id, stored))
    wanted = call.read(EventChange).state
    changed = await set_state(call.services.storage, directory.id, stored, wanted, call.by)
    return Reply(await _now(call, directory.id, changed))


async def _event(call: Managed, directory: str) -> StoredEvent:
    partition = rows.partition(directory)
    found = await load_event(call.services.storage, partition, call.parts["event"])
    if found is None:
        raise NotFound("There is no such failed event; it may have been kept for its time.")
    return found


async def _now(call: Managed, directory: str, stored: StoredEvent) -> FailedEvent:
    services = call.services
    found = await state_of(services.storage, services.contacts, directory, stored)
    return _shown(directory, found)


def _shown(directory: str, found: FoundEvent) -> FailedEvent:
    event = found.stored.event
    return FailedEvent(
        **dict(log.shown(directory, event.last)),
        id=found.stored.id,
        state=found.state,
        count=event.count,
        first_seen=event.first_seen,
        last_seen=event.last.time,
        resolved_by=found.resolved_by,
        body=event.body,
    )


def _line(event: FailedEvent) -> EventLine:
    own = {name: getattr(event, name) for name in EventLine.model_fields if hasattr(event, name)}
    return EventLine.model_validate(own | dict(log.line(event)))


def _state(text: str | None) -> State | None:
    for each in _STATES:
        if text is not None and each == text.lower():
            return each
    if text is not None:
        raise InvalidValue(f"state has to be one of {', '.join(_STATES)}.")
    return None


ROUTES: Final = (
    Route(
        "GET",
        "{directory}/failed-events",
        _list,
        "List failed events by their last call, newest first, as JSON or as CSV",
        gives=Page[FailedEvent],
        query=(
            *log.ASKING,
            Parameter("state", "Only those.", {"type": "string", "enum": [*_STATES]}),
            *REPORTING,
        ),
    ),
    Route(
        "GET",
        "{directory}/failed-events/{event}",
        _get,
        "Read a failed event",
        gives=FailedEvent,
    ),
    Route(
        "PATCH",
        "{directory}/failed-events/{event}",
        _patch,
        "Ignore a failed event, or open it again",
        takes=EventChange,
        gives=FailedEvent,
    ),
)
