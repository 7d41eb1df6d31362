"""A call that was let in, as the log will tell of it."""

from __future__ import annotations

from datetime import datetime

from scim.provisioning.directories.stored import Directory
from scim.provisioning.log.entries import Call
from scim.provisioning.tokens.verification import Verified
from scim.web.authentication import source_address
from scim.web.requests import Request
from scim.web.services import Services


def begin(
    services: Services,
    request: Request,
    directory: Directory,
    token: Verified,
    message_id: str,
    started: datetime,
) -> Call:
    """Return the call, and note that its token was used; a federation has none."""
    agent = request.headers.get("user-agent", "")
    if not token.federated:
        services.usage.note(directory.id, token.id, source_address(request), agent)
    return Call(
        directory=directory.id,
        message_id=message_id,
        started=started,
        actor=token.actor,
        policy=services.policy.overridden_by(directory.policy),
        user_agent=agent,
        traceparent=request.traceparent,
        clock=services.now,
        if_match=request.headers.get("if-match"),
        if_none_match=request.headers.get("if-none-match"),
    )
