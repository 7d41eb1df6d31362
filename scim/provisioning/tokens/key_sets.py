"""The key sets of identity providers (JWKS, RFC 7517 §5), kept by address."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from collections import OrderedDict
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import orjson
from pydantic import BaseModel, ValidationError

from scim.provisioning.ports import Fetch, Unavailable
from scim.provisioning.refreshed import Refreshed

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

FRESH: Final = timedelta(hours=24)  # keys that the provider withdrew are forgotten after this
# Unknown ids of keys cause one fetch in this time, whoever sends how many of them.
RECHECKED: Final = timedelta(seconds=60)
REMEMBERED: Final = 1000  # key sets; each directory has one at most
_KEYS: Final = 100
_BITS: Final = (2048, 8192)

Keys = Mapping[str, "RSAPublicKey"]


class KeySets:
    """Finds an identity provider's public key; what was fetched serves while it is down."""

    def __init__(self, fetch: Fetch, now: Callable[[], datetime]) -> None:
        self._fetch = fetch
        self._now = now
        self._sets: OrderedDict[str, Refreshed[Keys]] = OrderedDict()

    async def key(self, address: str, key_id: str) -> RSAPublicKey | None:
        """Return the key; None if the set has none of that id. Raises Unavailable."""
        keys = self._set(address)
        found = (await keys.get()).get(key_id)
        return found or (await keys.younger_than(RECHECKED)).get(key_id)

    def _set(self, address: str) -> Refreshed[Keys]:
        found = self._sets.get(address)
        if found is None:

            async def fetch() -> Keys:
                return _keys(await self._fetch(address))

            found = self._sets[address] = Refreshed(fetch, self._now, fresh=FRESH, outage=None)
        self._sets.move_to_end(address)
        while len(self._sets) > REMEMBERED:
            self._sets.popitem(last=False)
        return found


class _Jwk(BaseModel):
    """An RSA key for signatures (RFC 7518 §6.3.1); what else stands in it is of no use here."""

    kid: str
    kty: str
    n: str
    e: str
    use: str = "sig"
    alg: str = "RS256"


def _keys(document: bytes) -> Keys:
    """Return the usable keys. Raises Unavailable without any: a set that serves is worth more."""
    try:
        listed = orjson.loads(document)["keys"]
        found = {key.kid: _public(key) for each in listed[:_KEYS] if (key := _read(each))}
    except (ValueError, TypeError, KeyError) as error:
        raise Unavailable("the key set is not a JSON Web Key Set") from error
    usable = {key_id: key for key_id, key in found.items() if key is not None}
    if not usable:
        raise Unavailable("the key set has no RSA key for signatures")
    return usable


def _read(jwk: Any) -> _Jwk | None:  # noqa: ANN401 - any JSON
    try:
        key = _Jwk.model_validate(jwk)
    except ValidationError:
        return None
    return key if (key.kty, key.use, key.alg) == ("RSA", "sig", "RS256") else None


def _public(jwk: _Jwk) -> RSAPublicKey | None:
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415 - cold start

    try:
        key = rsa.RSAPublicNumbers(_number(jwk.e), _number(jwk.n)).public_key()
    except ValueError:
        return None
    return key if _BITS[0] <= key.key_size <= _BITS[1] else None


def _number(text: str) -> int:
    return int.from_bytes(urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
