"""The token endpoint: access tokens for client credentials and federation (RFC 6749, RFC 7523)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus

import azure.functions as func
import orjson

from scim.protocol.errors import (
    LengthRequired,
    MethodNotAllowed,
    PayloadTooLarge,
    ScimError,
)
from scim.provisioning.identifiers import resource_id
from scim.provisioning.telemetry import Event, tell
from scim.provisioning.tokens.assertions import AssertionRefused, caller
from scim.provisioning.tokens.signing_keys import TOKEN_LIFE
from scim.provisioning.tokens.verification import Verified
from scim.web import responses
from scim.web.failures import note_client
from scim.web.requests import Request, read_request
from scim.web.scim import METHODS
from scim.web.services import Provider, Services

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 32 * 1024  # an assertion of Entra has about two thousand
_PARAMETERS: Final = 50
_ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_NO_STORE: Final = {"Cache-Control": "no-store", "Pragma": "no-cache"}  # RFC 6749 §5.1


class OAuthError(ScimError):
    """A refusal of the token endpoint (RFC 6749 §5.2)."""

    def __init__(self, error: str, detail: str, status: int = 400) -> None:
        # RFC 6749 §5.2, RFC 9110 §15.5.2: a 401 names the scheme that would do.
        challenge = {"WWW-Authenticate": 'Basic realm="Rollcall"'} if status == 401 else {}
        super().__init__(detail, headers=challenge)
        self.error = error
        self.status = status


@dataclass(frozen=True, slots=True)
class _Shown:
    """What a client shows: a secret or an assertion."""

    client: str
    secret: str | None = field(default=None, repr=False)
    assertion: str | None = field(default=None, repr=False)


def blueprint(provider: Provider) -> func.Blueprint:
    """Return the function `oauth_token`."""
    functions = func.Blueprint()

    async def serve(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(provider, req)

    functions.function_name("oauth_token")(
        functions.route(route="oauth/{directory}/token", methods=METHODS)(serve)
    )
    return functions


async def _answer(provider: Provider, req: func.HttpRequest) -> func.HttpResponse:
    """Answer a call; every refusal and fault becomes an OAuth error."""
    message_id, status, headers = "unknown", 200, dict(_NO_STORE)
    try:
        services = provider()
        message_id = resource_id(services.now())
        body = await _counted(services, read_request(req), message_id)
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        refusal = responses.to_error(error, message_id)
        status = refusal.status
        headers.update(refusal.headers)
        body = {
            "error": _code(refusal),
            "error_description": _printable(f"{refusal.detail} (message {message_id})"),
        }
    return func.HttpResponse(
        b"" if req.method.upper() == "HEAD" else orjson.dumps(body),
        status_code=status,
        headers={**headers, "x-message-id": message_id},
        mimetype=responses.JSON,
    )


async def _counted(services: Services, request: Request, message_id: str) -> dict[str, Any]:
    try:
        return await _granted(services, request, message_id)
    except Exception as error:
        refusal = responses.to_error(error, message_id)
        note_client(services, request.segments[1], refusal)
        raise refusal from error


async def _granted(services: Services, request: Request, message_id: str) -> dict[str, Any]:
    request.check_query()
    if request.method != "POST":
        raise MethodNotAllowed("Send a POST.", headers={"Allow": "POST"})
    form = _form(request)
    match form.get("grant_type"):
        case None:
            raise OAuthError("invalid_request", "grant_type is missing; send client_credentials.")
        case "client_credentials":
            shown = _shown(request, form)
        case _:
            raise OAuthError(
                "unsupported_grant_type", "The only grant_type here is client_credentials."
            )
    directory_id = request.segments[1]
    if shown.assertion is None:
        client = await _by_secret(services, directory_id, shown)
    else:
        client = await _by_assertion(services, directory_id, shown, message_id)
    token = await services.access_tokens.issue(client)
    return {
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": int(TOKEN_LIFE.total_seconds()),
        # Always said: the client may have asked for another one (RFC 6749 §3.3).
        "scope": client.scope,
    }


def _form(request: Request) -> Mapping[str, str]:
    """Return the parameters; one without a value counts as omitted (RFC 6749 §3.2)."""
    if not request.body and "chunked" in request.headers.get("transfer-encoding", "").lower():
        raise LengthRequired("Send the form with a Content-Length, not chunked.")
    if len(request.body) > FORM_BYTES:
        raise PayloadTooLarge(f"The form has more than {FORM_BYTES} bytes.")
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != FORM or request.headers.get("content-encoding", "identity") != "identity":
        raise OAuthError("invalid_request", f"Send a form: Content-Type {FORM}.")
    try:
        pairs = parse_qsl(request.body.decode("ascii"), max_num_fields=_PARAMETERS, errors="strict")
    except ValueError:
        raise OAuthError("invalid_request", "The form cannot be read.") from None
    form = dict(pairs)
    if len(form) < len(pairs):
        raise OAuthError("invalid_request", "The form has a parameter twice.")
    return form


def _shown(request: Request, form: Mapping[str, str]) -> _Shown:
    """Return what the client shows, by exactly one method (RFC 6749 §2.3)."""
    header = request.headers.get("authorization")
    methods = [header, form.get("client_secret"), form.get("client_assertion")]
    match sum(method is not None for method in methods):
        case 0:
            raise _unknown("Send client_id with client_secret, or client_assertion.")
        case 1:
            pass
        case _:
            raise OAuthError(
                "invalid_request",
                "Send one of client_secret, client_assertion and the header Authorization.",
            )
    client = form.get("client_id", "")
    if header is not None:
        shown = _basic(header)
        if client and client != shown.client:
            raise OAuthError("invalid_request", "client_id and the header Authorization differ.")
        return shown
    if "client_assertion" in form:
        if form.get("client_assertion_type") != _ASSERTION_TYPE:
            raise _unknown(f"client_assertion_type has to be {_ASSERTION_TYPE}.")
        return _Shown(client, assertion=form["client_assertion"])
    return _Shown(client, secret=form["client_secret"])


def _basic(header: str) -> _Shown:
    """Read HTTP Basic; both parts are form-encoded inside (RFC 6749 §2.3.1)."""
    scheme, _, value = header.strip().partition(" ")
    try:
        decoded = b64decode(value.strip(), validate=True).decode()
    except ValueError:
        decoded = ""
    client, colon, secret = decoded.partition(":")
    if scheme.lower() != "basic" or not colon:
        raise _unknown("The header Authorization is not HTTP Basic.")
    return _Shown(unquote_plus(client), secret=unquote_plus(secret))


async def _by_secret(services: Services, directory_id: str, shown: _Shown) -> Verified:
    client = await services.client_secrets.verify(shown.secret or "")
    if client is None or (client.directory, client.client) != (directory_id, shown.client):
        raise _unknown(
            "This client_id and client_secret are not valid here: mistyped, expired or deleted."
        )
    directory = await services.directories.get(directory_id)
    if directory is None or directory.deletion is not None:
        raise _unknown("The directory was deleted; its clients are worth nothing.")
    return client


async def _by_assertion(
    services: Services, directory_id: str, shown: _Shown, message_id: str
) -> Verified:
    directory = await services.directories.get_for_stranger(directory_id)
    federation = directory.federation if directory else None
    if federation is None:
        raise _unknown("Nothing is known here that this client_assertion could come from.")
    # RFC 7521 §4.2: client_id may be left out.
    if shown.client not in ("", federation.client_id):
        raise _unknown("The client_id is not that of the federation.")
    try:
        await services.assertions.check(federation, shown.assertion or "")
    except AssertionRefused as refusal:
        # An identity provider may not show its admin the answer.
        tell(
            Event.ASSERTION_REFUSED,
            directory=directory_id,
            messageId=message_id,
            error=str(refusal),
        )
        raise _unknown(f"The client_assertion is refused: {refusal}.") from None
    return caller(federation, directory_id)


def _unknown(detail: str) -> OAuthError:
    return OAuthError("invalid_client", detail, 401)


def _code(refusal: ScimError) -> str:
    if isinstance(refusal, OAuthError):
        return refusal.error
    if refusal.status < 500:
        return "invalid_request"
    # Codes of RFC 6749 §4.1.2.1; §5.2 has none for faults.
    return "server_error" if refusal.status == 500 else "temporarily_unavailable"


def _printable(text: str) -> str:
    """Return the text in the characters of error_description (RFC 6749 §5.2)."""
    return "".join(each if " " <= each <= "~" and each not in '"\\' else "'" for each in text)
