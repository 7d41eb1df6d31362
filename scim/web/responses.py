"""Answers: SCIM JSON, and every refusal or fault as a SCIM error."""

from __future__ import annotations

from collections.abc import Mapping

import azure.functions as func
import orjson

from scim.protocol.errors import InternalError, ScimError, ServiceUnavailable
from scim.protocol.schema import Json, Resource
from scim.provisioning.ports import LimitExceeded, Unavailable
from scim.provisioning.telemetry import Event, place_of, tell
from scim.web.requests import Request
from scim.web.services import Misconfigured

SCIM_JSON = "application/scim+json"
JSON = "application/json"


def scim(
    request: Request, status: int, body: Json = None, headers: Mapping[str, str] | None = None
) -> func.HttpResponse:
    """Return a SCIM answer (RFC 7644 §3.8); without a body when there is none to show."""
    content = b"" if body is None or request.method == "HEAD" else orjson.dumps(body)
    return func.HttpResponse(
        content, status_code=status, headers=dict(headers or {}), mimetype=_media_type(request)
    )


def resource(request: Request, status: int, shown: Resource, full: Resource) -> func.HttpResponse:
    """Return a resource as projected, with its entity tag and, when created, its address."""
    headers = entity_tag(full)
    if status == 201:
        headers["Location"] = full["meta"]["location"]
    return scim(request, status, shown, headers)


def entity_tag(full: Resource) -> dict[str, str]:
    """Return the header with the resource's version, if it has one."""
    meta = full["meta"]
    return {"ETag": meta["version"]} if "version" in meta else {}


def to_error(error: Exception, message_id: str) -> ScimError:
    """Return the SCIM error for whatever went wrong; the text of a defect stays inside."""
    if isinstance(error, ScimError):
        return error
    if isinstance(error, Unavailable):
        return ServiceUnavailable(
            "A service that this endpoint depends on does not answer. Repeat the request later; "
            "if it was a change, repeating it is safe.",
            headers={"Retry-After": str(error.retry_after)},
        )
    if isinstance(error, Misconfigured):
        return ServiceUnavailable(
            "The endpoint is not set up completely; /health/ready lists what is missing.",
            headers={"Retry-After": "60"},
        )
    if isinstance(error, LimitExceeded):
        refusal = ScimError(
            "The resource is larger than can be stored; send fewer or shorter values."
        )
        refusal.status = 413
        return refusal
    name, place = type(error).__name__, place_of(error)
    tell(Event.DEFECT, messageId=message_id, error=name, place=place)
    return InternalError("Something is wrong in the endpoint itself; its log names the message id.")


def problem(accept: str, method: str, error: ScimError, message_id: str) -> func.HttpResponse:
    """Return the answer that is a SCIM error."""
    return func.HttpResponse(
        b"" if method == "HEAD" else orjson.dumps(error_body(error, message_id)),
        status_code=error.status,
        headers=dict(error.headers),
        mimetype=media_type(accept),
    )


def error_body(error: ScimError, message_id: str) -> dict[str, object]:
    """Return a SCIM error (RFC 7644 §3.12); the detail ends with the id to ask an admin about."""
    return {**error.body(), "detail": f"{error.detail} (message {message_id})"}


def media_type(accept: str) -> str:
    """Return application/json only for a client that names it and not the SCIM type."""
    wanted = accept.lower()
    return JSON if JSON in wanted and SCIM_JSON not in wanted else SCIM_JSON


def _media_type(request: Request) -> str:
    return media_type(request.headers.get("accept", ""))
