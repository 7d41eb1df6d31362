"""Signed tokens (JWS compact serialization, RFC 7515): the one place that calls the JOSE library.

The library is imported when first needed: it costs 0.15 s of a cold start.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from jwt import PyJWS

Algorithm = Literal["ES256", "RS256"]


def signed(
    payload: bytes,
    key: EllipticCurvePrivateKey,
    algorithm: Algorithm,
    header: Mapping[str, str],
) -> str:
    """Return the payload with its signature."""
    return _jws().encode(payload, key, algorithm, headers=dict(header))


def key_id(token: str) -> str | None:
    """Return the `kid` that a token names, which proves nothing; None for what is no token."""
    header = _header(token)
    found = None if header is None else header.get("kid")
    return found if isinstance(found, str) else None


def verified(
    token: str,
    key: EllipticCurvePublicKey | RSAPublicKey,
    algorithm: Algorithm,
    *,
    typ: str | None = None,
) -> bytes | None:
    """Return the payload if the key signed it with this algorithm and the token is of this type.

    The algorithm is the caller's, never the token's own: RFC 8725 §3.1.
    """
    import jwt  # noqa: PLC0415 - see above

    try:
        found = _jws().decode_complete(token, key, algorithms=[algorithm])
    except jwt.PyJWTError:
        return None
    if typ is not None and found["header"].get("typ") != typ:
        return None
    payload: bytes = found["payload"]
    return payload


@cache
def _jws() -> PyJWS:
    """Return what is the same for every token, and costs more than a signature to make."""
    import jwt  # noqa: PLC0415 - see above

    return jwt.PyJWS()


def _header(token: str) -> dict[str, Any] | None:
    import jwt  # noqa: PLC0415 - see above

    try:
        return jwt.get_unverified_header(token)
    except jwt.PyJWTError:
        return None
