"""The errors of SCIM (RFC 7644 §3.12): raised where the fact is known, rendered in one place."""

from __future__ import annotations

from collections.abc import Mapping

ERROR_SCHEMA = "urn:ietf:params:scim:api:messages:2.0:Error"


class ScimError(Exception):
    """A refusal: HTTP status, scimType if the RFC has one, and a detail that says what to do."""

    status = 400
    scim_type: str | None = None

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers: Mapping[str, str] = headers or {}

    def body(self) -> dict[str, object]:
        """Return the Error message as JSON (RFC 7644 §3.12: `status` is a string)."""
        message: dict[str, object] = {"schemas": [ERROR_SCHEMA], "status": str(self.status)}
        if self.scim_type:
            message["scimType"] = self.scim_type
        return {**message, "detail": self.detail}


class InvalidFilter(ScimError):
    """A filter that cannot be read or evaluated."""

    scim_type = "invalidFilter"


class TooMany(ScimError):
    """More results, rows or work than one call may take."""

    scim_type = "tooMany"


class InvalidCursor(ScimError):
    """A cursor that was not given out for this query (RFC 9865 §2.1)."""

    scim_type = "invalidCursor"


class ExpiredCursor(ScimError):
    """A cursor that is too old (RFC 9865 §2.1)."""

    scim_type = "expiredCursor"


class InvalidCount(ScimError):
    """A count that is no number, beside a cursor (RFC 9865 §2.1)."""

    scim_type = "invalidCount"


class Uniqueness(ScimError):
    """A value that must be unique is taken."""

    status = 409
    scim_type = "uniqueness"


class Unresolved(ScimError):
    """A reference within a bulk request to what was not created (RFC 7644 §3.7.1)."""

    status = 409


class Mutability(ScimError):
    """An attempt to change what may not change."""

    scim_type = "mutability"


class InvalidSyntax(ScimError):
    """The body or message is not built as the request demands."""

    scim_type = "invalidSyntax"


class InvalidPath(ScimError):
    """A PATCH path that cannot be read."""

    scim_type = "invalidPath"


class NoTarget(ScimError):
    """A PATCH path that names nothing to act on."""

    scim_type = "noTarget"


class InvalidValue(ScimError):
    """A value of the wrong type or shape, or a required one that is missing."""

    scim_type = "invalidValue"


class InvalidVersion(ScimError):
    """A version of the protocol that is not served."""

    scim_type = "invalidVers"


class Unauthorized(ScimError):
    """No token, or one that is worth nothing here."""

    status = 401


class Forbidden(ScimError):
    """A valid token that may not do this, or a filter where none is allowed."""

    status = 403


class NotFound(ScimError):
    """No such resource or path."""

    status = 404


class MethodNotAllowed(ScimError):
    """A method that the path does not know; the Allow header names those it knows."""

    status = 405


class PreconditionFailed(ScimError):
    """If-Match names another version."""

    status = 412


class LengthRequired(ScimError):
    """A body without Content-Length, which the platform does not pass on."""

    status = 411


class PayloadTooLarge(ScimError):
    """A body beyond its limit."""

    status = 413


class UnsupportedMediaType(ScimError):
    """A body that is not declared as JSON."""

    status = 415


class TooManyRequests(ScimError):
    """A directory beyond its rate."""

    status = 429


class InternalError(ScimError):
    """A defect of ours; the detail never holds its text."""

    status = 500


class NotImplementedHere(ScimError):
    """A part of SCIM that is not served, or is switched off."""

    status = 501


class ServiceUnavailable(ScimError):
    """A dependency does not answer; Retry-After says when to come back."""

    status = 503
