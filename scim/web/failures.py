"""What is kept of a refused or failed call, taken from the request."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from scim.protocol.errors import ScimError, Unauthorized
from scim.protocol.schema import Json
from scim.provisioning.directories.stored import Directory
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.log.attempts import IDENTIFIER_LENGTH, Attempt, attempted
from scim.provisioning.log.causes import CLIENT_REFUSED, TOKEN_UNKNOWN, Cause
from scim.provisioning.log.entries import ACCESS, Call, Target
from scim.provisioning.log.failures import Answered
from scim.provisioning.log.signs import cause_of
from scim.provisioning.masking import Masked
from scim.provisioning.ports import Unavailable
from scim.provisioning.tokens.tokens import TOKEN
from scim.provisioning.tokens.verification import Verified
from scim.web import responses
from scim.web.authentication import authenticate, is_read
from scim.web.requests import Request
from scim.web.services import Services

BODY_BYTES: Final = 64 * 1024  # of a larger body only the size is kept


async def authenticated(
    services: Services, request: Request, directory_id: str, message_id: str
) -> tuple[Directory, Verified]:
    """Return what `authenticate` returns; a call that is not let in is counted."""
    try:
        return await authenticate(services, request, directory_id)
    except (Unauthorized, Unavailable) as error:
        value = request.headers.get("authorization", "").rpartition(" ")[2]
        refusal = responses.to_error(error, message_id)
        _note(services, directory_id, refusal, TOKEN_UNKNOWN, TOKEN.id_of(value))
        raise


def note_client(services: Services, directory_id: str, refusal: ScimError) -> None:
    """Count a call at the token endpoint that got no token; the caller has proved nothing."""
    _note(services, directory_id, refusal, CLIENT_REFUSED)


def note_astray(services: Services, request: Request, refusal: ScimError) -> None:
    """Count a call on an address that nobody is let in at, if it names a directory."""
    named = request.segments[2:3]
    if named and not (refusal.status == 404 and is_read(request)):
        cause = cause_of(refusal.status, refusal.scim_type, refusal.detail)
        _note(services, named[0], refusal, cause)


def _note(
    services: Services,
    directory_id: str,
    refusal: ScimError,
    cause: Cause,
    token_id: str | None = None,
) -> None:
    if refusal.status >= 500:
        cause = cause_of(refusal.status, None, refusal.detail)
    detail = "" if cause is TOKEN_UNKNOWN else refusal.detail
    services.contacts.note_refused(directory_id, cause.name, refusal.status, detail, token_id)


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


async def keep_question(
    services: Services, call: Call, request: Request, rest: Sequence[str], refusal: ScimError
) -> None:
    """Keep a question about a user's access that ends in an error; `rest` may name the user."""
    try:
        name = rest[0] if rest else request.query.get("username", "")
    except ScimError:
        name = ""
    is_id = is_resource_id(name)
    identifier = "" if is_id else name[:IDENTIFIER_LENGTH]
    target = Target(type=ACCESS, id=name if is_id else "", identifier=identifier)
    answered = Answered(refusal.status, refusal.scim_type, refusal.detail)
    await services.failures.keep(call, Attempt((), target, read=True), answered, Masked(""))


def body_of(request: Request) -> Json:
    """Return the body of a request; the size alone of one that is large or cannot be read."""
    if not request.body:
        return None
    try:
        return request.object(BODY_BYTES)
    except ScimError:
        return f"{len(request.body)} bytes that are not shown"
