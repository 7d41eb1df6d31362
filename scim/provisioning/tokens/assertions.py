"""Workload identity federation: an identity provider's own token instead of a secret (RFC 7523)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scim.provisioning.directories.federation import Federation
from scim.provisioning.tokens import signatures
from scim.provisioning.tokens.key_sets import KeySets
from scim.provisioning.tokens.stored import Scope
from scim.provisioning.tokens.verification import Verified

# Clocks of others differ; Entra's tokens live for an hour, so a minute is little.
SKEW: Final = timedelta(seconds=60)
ALGORITHM: Final = "RS256"  # the only one that Entra signs with
# Entra names one app in these ways: `api://<id>/.default` where a token is asked for, `api://<id>`
# in tokens of version 1.0 and `<id>` in those of version 2.0.
_SCHEME, _DEFAULT = "api://", "/.default"


class AssertionRefused(Exception):
    """An assertion that proves nothing; the text says why, without a value of it."""


class _Claims(BaseModel):
    """What an assertion must say (RFC 7523 §3)."""

    model_config = ConfigDict(strict=True)

    iss: str
    sub: str
    aud: str | list[str]
    exp: float = Field(allow_inf_nan=False)
    nbf: float = Field(default=0, allow_inf_nan=False)


class Assertions:
    """Decides whether an assertion comes from the workload that a directory trusts."""

    def __init__(self, key_sets: KeySets, now: Callable[[], datetime]) -> None:
        self._key_sets = key_sets
        self._now = now

    async def check(self, federation: Federation, assertion: str) -> None:
        """Return if it does. Raises AssertionRefused, Unavailable."""
        key_id = signatures.key_id(assertion)
        if key_id is None:
            raise AssertionRefused("it is not a JWT whose header has a kid")
        key = await self._key_sets.key(federation.jwks_url, key_id)
        if key is None:
            raise AssertionRefused("its kid is not in the key set under jwksUrl")
        payload = signatures.verified(assertion, key, ALGORITHM)
        if payload is None:
            raise AssertionRefused(f"its signature is not a valid one by {ALGORITHM}")
        try:
            claims = _Claims.model_validate_json(payload)
        except ValidationError:
            raise AssertionRefused("it lacks one of iss, sub, aud and exp") from None
        if problem := _problem(federation, claims, self._now()):
            raise AssertionRefused(problem)


def _problem(federation: Federation, claims: _Claims, now: datetime) -> str | None:
    audiences = [claims.aud] if isinstance(claims.aud, str) else claims.aud
    accepted = {_app(each) for each in federation.audience}
    moment, skew = now.timestamp(), SKEW.total_seconds()
    if claims.iss != federation.issuer:
        return "its iss is not the issuer of the federation"
    if claims.sub != federation.subject:
        return "its sub is not the subject of the federation"
    if not any(_app(each) in accepted for each in audiences):
        return "its aud is not an audience of the federation"
    if moment >= claims.exp + skew:
        return "it has expired"
    if moment < claims.nbf - skew:
        return "it is not valid yet"
    return None


def _app(audience: str) -> str:
    return audience.removeprefix(_SCHEME).removesuffix(_DEFAULT)


def caller(federation: Federation, directory: str) -> Verified:
    """Return the trusted workload as a caller of its directory."""
    return Verified(
        federation.revision, directory, Scope.SCIM, federation.client_id, federated=True
    )
