"""Telling admins of tokens that are about to expire: once per token and threshold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from scim.provisioning import rows
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Did
from scim.provisioning.log.management import By, deliver, note
from scim.provisioning.ports import Conflict, Operation, Replace, Storage
from scim.provisioning.telemetry import Event, tell
from scim.provisioning.tokens.stored import StoredToken, Token, log_target, token_values

THRESHOLDS: Final = (30, 14, 7, 1, 0)  # days before expiry; 0 is the day itself


async def flag_expiring(storage: Storage, tokens: Sequence[StoredToken], now: datetime) -> None:
    """Flag what is due in its row, in the log, and as telemetry on which an alert is built.

    Thresholds that were missed are caught up, of several only the last.
    """
    for stored in tokens:
        threshold = due(stored, now)
        if threshold is None:
            continue
        token = stored.token
        flagged = token.model_copy(update={"flagged": threshold})
        by = By("upkeep", resource_id(now), now)
        key = rows.token(token.directory, token.id)
        operations: list[Operation] = [
            Replace(key, token_values(flagged), stored.etag),
            note(by, token.directory, Did.EXPIRING, log_target(token)),
        ]
        try:
            await storage.commit(rows.INSTALLATION, operations)
        except Conflict:
            continue  # another run has told, or an admin has just changed it
        tell(
            Event.TOKEN_EXPIRING,
            directory=token.directory,
            tokenId=token.id,
            daysLeft=_days_left(token, now),
        )
        await deliver(storage, token.directory)


def due(stored: StoredToken, now: datetime) -> int | None:
    """Return the threshold of which the admins have to be told now, if there is one."""
    token = stored.token
    # One that was replaced may lapse, unless somebody has forgotten to change over.
    if token.state != "active" or stored.still_used(now) is False:
        return None
    life = token.expires_at - token.created_at
    reached = [
        days for days in THRESHOLDS if timedelta(days=days) < life and _is_reached(token, days, now)
    ]
    if not reached or (token.flagged is not None and token.flagged <= reached[-1]):
        return None
    return reached[-1]


def _is_reached(token: Token, days: int, now: datetime) -> bool:
    if days == 0:
        return _days_left(token, now) <= 0
    return now >= token.expires_at - timedelta(days=days)


def _days_left(token: Token, now: datetime) -> int:
    """Return the number of midnights (UTC) before the expiry; negative afterwards."""
    return (token.expires_at.date() - now.date()).days
