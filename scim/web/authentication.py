"""Who calls: a bearer token of the directory in the URL (RFC 6750), our own or a JWT."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from scim.protocol.errors import Forbidden, ServiceUnavailable, Unauthorized
from scim.provisioning.directories.stored import Directory
from scim.provisioning.tokens.tokens import Scope
from scim.provisioning.tokens.verification import Verified
from scim.web.requests import Request
from scim.web.services import Services

_CHALLENGE = 'Bearer realm="Rollcall"'
PAUSED_FOR = 300  # seconds after which a client may look whether the pause is over
_READS = ("GET", "HEAD", "OPTIONS")


async def authenticate(
    services: Services, request: Request, directory_id: str
) -> tuple[Directory, Verified]:
    """Return the directory and the token. Raises Unauthorized, Unavailable."""
    value = _bearer(request.headers.get("authorization"))
    is_jwt = value.count(".") == 2
    token = await (services.access_tokens if is_jwt else services.verifier).verify(value)
    if token is None or token.directory != directory_id:
        raise _refused(
            "The token is not valid for this directory: it is mistyped, expired or "
            "revoked. Ask the admin of the endpoint for a new one.",
            "invalid_token",
        )
    directory = await services.directories.get(directory_id)
    if directory is None or directory.deletion is not None:
        raise _refused("The directory was deleted; its tokens are worth nothing.", "invalid_token")
    return directory, token


def admit(
    directory: Directory, token: Verified, request: Request, needed: Scope = Scope.SCIM
) -> None:
    """Raise Forbidden if the scope is too small, ServiceUnavailable if the directory is paused.

    A token that may read is enough for a call of SCIM that reads. A paused directory takes no calls
    of SCIM; what applications ask is answered.
    """
    if directory.state == "paused" and needed is not Scope.ACCESS:
        raise ServiceUnavailable(
            "The admin of the endpoint has paused this directory.",
            headers={"Retry-After": str(PAUSED_FOR)},
        )
    reads = needed is Scope.SCIM and token.scope is Scope.SCIM_READ and is_read(request)
    if token.scope is needed or reads:
        return
    scope = f'error="insufficient_scope", scope="{needed.value}"'
    raise Forbidden(
        f"The scope of this token is {token.scope.value}; this call needs {needed.value}.",
        headers={"WWW-Authenticate": f"{_CHALLENGE}, {scope}"},
    )


def source_address(request: Request) -> str:
    """Return the client's address as the platform tells it; empty when it does not."""
    # The last one was added by the platform's front end; whoever calls can write the others.
    return _address(request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip())


@lru_cache(maxsize=1000)  # an identity provider calls from a few
def _address(told: str) -> str:
    host = told.rpartition(":")[0] if told.count(":") == 1 or "]" in told else told
    try:
        return str(ip_address(host.strip("[]")))
    except ValueError:
        return ""


def is_read(request: Request) -> bool:
    """Whether a request changes nothing."""
    return request.method in _READS or (
        request.method == "POST" and request.segments[-1].lower() == ".search"
    )


def _bearer(header: str | None) -> str:
    if not header:
        raise _refused("Send the header 'Authorization: Bearer <token>'.")
    scheme, _, value = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not value.strip():
        raise _refused("Only the scheme Bearer is known: 'Authorization: Bearer <token>'.")
    return value.strip()


def _refused(detail: str, error: str = "") -> Unauthorized:
    # RFC 6750 §3.1: no error code when the request had no credentials.
    challenge = f'{_CHALLENGE}, error="{error}"' if error else _CHALLENGE
    return Unauthorized(detail, headers={"WWW-Authenticate": challenge})
