"""Telemetry: records for operators, each with a stable name on which alerts are built.

They go through the standard `logging`, so that the host or OpenTelemetry carries them. A record
holds ids and numbers, never a name, an address or a value of a person.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

_log = logging.getLogger("rollcall")


class Event(StrEnum):
    """The names of all records."""

    CALL_FAILED = "call_failed"
    FAILURE_NOT_KEPT = "failure_not_kept"
    CREDENTIALS_REFUSED = "credentials_refused"
    IDP_SILENT = "idp_silent"
    JOB_FAILED = "job_failed"
    ASSERTION_REFUSED = "assertion_refused"
    DEFECT = "defect"
    TOKEN_EXPIRING = "token_expiring"  # noqa: S105 - a name
    UPKEEP_PUT_OFF = "upkeep_put_off"
    RULES_HELD = "rules_held"
    DEACTIVATION_BURST = "deactivation_burst"


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: how grave it is, when it is written, and the facts that it holds."""

    level: int
    meaning: str
    facts: tuple[str, ...]


KINDS: Final = {
    Event.CALL_FAILED: Kind(
        logging.WARNING,
        "A call was refused or failed, and is kept as a failed event.",
        ("directory", "messageId", "status", "cause"),
    ),
    Event.FAILURE_NOT_KEPT: Kind(
        logging.WARNING,
        "A refused or failed call could not be kept as an event; the next one counts it.",
        ("directory", "messageId", "error"),
    ),
    Event.CREDENTIALS_REFUSED: Kind(
        logging.WARNING,
        "Calls without a valid credential, counted over some minutes.",
        ("directory", "count"),
    ),
    Event.IDP_SILENT: Kind(
        logging.WARNING,
        "An identity provider stays away for three of its usual intervals; once per silence.",
        ("directory", "minutes"),
    ),
    Event.JOB_FAILED: Kind(
        logging.ERROR,
        "One batch of a long change has failed too often; the rest of the change is left undone.",
        ("directory", "job", "messageId"),
    ),
    Event.ASSERTION_REFUSED: Kind(
        logging.WARNING,
        "A client assertion was refused: its identity provider may not show its admin why.",
        ("directory", "messageId", "error"),
    ),
    Event.DEFECT: Kind(
        logging.ERROR,
        "Something is wrong in the endpoint itself: the type and the place of an exception.",
        ("messageId", "error", "place"),
    ),
    Event.TOKEN_EXPIRING: Kind(
        logging.WARNING,
        "A token has reached a threshold before its expiry; once per token and threshold.",
        ("directory", "tokenId", "daysLeft"),
    ),
    Event.UPKEEP_PUT_OFF: Kind(
        logging.WARNING,
        "A duty of the timer could not be done and is left to the next run.",
        ("directory", "error"),
    ),
    Event.RULES_HELD: Kind(
        logging.WARNING,
        "New rules would withdraw access from many users; they wait to be confirmed.",
        ("losing", "having"),
    ),
    Event.DEACTIVATION_BURST: Kind(
        logging.WARNING,
        "An identity provider has deactivated or deleted many users within an hour.",
        ("directory", "deactivated", "active"),
    ),
}


def place_of(error: BaseException) -> str:
    """Return where an exception was raised; its text may quote what a client sent."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}" if trace else "?"


def tell(event: Event, **facts: str | int) -> None:
    """Write a record with exactly the facts of its kind."""
    kind = KINDS[event]
    assert facts.keys() == set(kind.facts), f"{event} takes {kind.facts}"
    record = {"event": event.value, **facts}
    # In the text as well: not every carrier passes the fields on.
    text = " ".join(f"{name}={value}" for name, value in record.items())
    _log.log(kind.level, "%s", text, extra=record)
