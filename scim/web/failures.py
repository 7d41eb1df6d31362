"""What is kept of a refused or failed SCIM call, taken from the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scim.protocol.errors import ScimError
from scim.protocol.schema import Json
from scim.provisioning.log.attempts import attempted
from scim.provisioning.log.entries import Call
from scim.provisioning.log.failures import Answered
from scim.web.requests import Request
from scim.web.services import Services

BODY_BYTES: Final = 64 * 1024  # of a larger body only the size is kept


async def keep(
    services: Services,
    call: Call,
    method: str,
    path: Sequence[str],
    body: Json,
    refusal: ScimError,
) -> None:
    """Keep a call that ends in a SCIM error; `path` are the segments behind the directory."""
    answered = Answered(refusal.status, refusal.scim_type, refusal.detail)
    masked = services.masking.body(body)
    await services.failures.keep(call, attempted(method, path, body), answered, masked)


def body_of(request: Request) -> Json:
    """Return the body of a request; the size alone of one that is large or cannot be read."""
    if not request.body:
        return None
    try:
        return request.object(BODY_BYTES)
    except ScimError:
        return f"{len(request.body)} bytes that are not shown"
