"""Access tokens: short-lived JWTs of a client (RFC 9068) for the long-lived credential it showed.

That credential stands in the token and is looked up again by the minute, so revoking it, or
deleting the directory, ends the token as well.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from scim.provisioning.directories.directories import Directories
from scim.provisioning.identifiers import lower_id
from scim.provisioning.tokens import signatures
from scim.provisioning.tokens.assertions import caller
from scim.provisioning.tokens.signing_keys import TOKEN_LIFE, SigningKey, SigningKeys
from scim.provisioning.tokens.tokens import Scope
from scim.provisioning.tokens.verification import Verified, Verifier

ALGORITHM: Final = "ES256"
TYPE: Final = "at+jwt"
REMEMBERED: Final = 1000  # tokens; a client needs one in an hour
_LENGTH: Final = 4000  # characters; ours have about 700


class _Claims(BaseModel):
    """RFC 9068 §2.2; `credential` and what follows are ours."""

    model_config = ConfigDict(strict=True)

    iss: str
    aud: str
    sub: str
    client_id: str
    scope: Scope
    iat: int
    exp: int
    jti: str
    directory: str
    credential: Literal["secret", "federation"]
    credential_id: str


@dataclass(frozen=True, slots=True)
class _Checked:
    """A token whose signature was checked, and by which key."""

    key_id: str
    claims: _Claims


class AccessTokens:
    """Issues access tokens, and verifies them as `Verifier` does other credentials."""

    def __init__(
        self,
        public_base: str,
        keys: SigningKeys,
        client_secrets: Verifier,
        directories: Directories,
        now: Callable[[], datetime],
    ) -> None:
        self._public_base = public_base
        self._keys = keys
        self._client_secrets = client_secrets
        self._directories = directories
        self._now = now
        # By the token's hash: checking a signature costs forty times as much as all else.
        self._checked: OrderedDict[bytes, _Checked] = OrderedDict()

    async def issue(self, shown: Verified) -> str:
        """Return a token for the client that has shown a credential. Raises Unavailable."""
        key = await self._keys.signing()
        now = int(self._now().timestamp())
        claims = _Claims(
            iss=self._issuer(shown.directory),
            aud=self._audience(shown.directory),
            sub=shown.client,
            client_id=shown.client,
            scope=shown.scope,
            iat=now,
            exp=now + int(TOKEN_LIFE.total_seconds()),
            jti=lower_id(20),
            directory=shown.directory,
            credential="federation" if shown.federated else "secret",
            credential_id=shown.id,
        )
        header = {"kid": key.id, "typ": TYPE}
        return signatures.signed(claims.model_dump_json().encode(), key.private, ALGORITHM, header)

    async def verify(self, value: str) -> Verified | None:
        """Return who shows it, or None when it is worth nothing. Raises Unavailable."""
        claims = await self._claims(value)
        if (
            claims is None
            or self._now().timestamp() >= claims.exp
            or claims.iss != self._issuer(claims.directory)
            or claims.aud != self._audience(claims.directory)
        ):
            return None
        if claims.credential == "federation":
            return await self._federated(claims)
        shown = await self._client_secrets.still_valid(claims.credential_id)
        if shown is None or (shown.directory, shown.client) != (claims.directory, claims.client_id):
            return None
        return shown

    async def _claims(self, value: str) -> _Claims | None:
        if len(value) > _LENGTH or not value.isascii():
            return None
        seal = sha256(value.encode()).digest()
        known = self._checked.get(seal)
        key_id = known.key_id if known else signatures.key_id(value)
        # Asked also for a token that is known: its key may be gone by now.
        key = None if key_id is None else await self._keys.verifying(key_id)
        if key is None:
            return None
        if known is None:
            claims = _signed_claims(value, key)
            if claims is None:
                return None
            known = self._checked[seal] = _Checked(key.id, claims)
        self._checked.move_to_end(seal)
        if len(self._checked) > REMEMBERED:
            self._checked.popitem(last=False)
        return known.claims

    async def _federated(self, claims: _Claims) -> Verified | None:
        directory = await self._directories.get(claims.directory)
        trusted = directory.federation if directory else None
        if trusted is None or trusted.revision != claims.credential_id:
            return None
        return caller(trusted, claims.directory)

    def _issuer(self, directory: str) -> str:
        return f"{self._public_base}/oauth/{directory}"

    def _audience(self, directory: str) -> str:
        return f"{self._public_base}/scim/v2/{directory}"


def _signed_claims(value: str, key: SigningKey) -> _Claims | None:
    payload = signatures.verified(value, key.private.public_key(), ALGORITHM, typ=TYPE)
    if payload is None:
        return None
    try:
        return _Claims.model_validate_json(payload)
    except ValidationError:
        return None
