"""An identity provider on 127.0.0.1: publishes its keys over HTTPS and signs assertions."""

from __future__ import annotations

import asyncio
import json
import ssl
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from enum import Enum, auto
from functools import cache
from pathlib import Path
from typing import Any, Self

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.storage.self_signed import server_context

ISSUER = "https://login.microsoftonline.com/3f7c/v2.0"
SUBJECT = "0b1c9a52-object-id-of-the-workload"
AUDIENCE = "api://rollcall"


class Fault(Enum):
    """How the server fails to publish its keys."""

    BROKEN = auto()  # 503, whatever its body says
    SILENT = auto()  # no answer ever
    ENDLESS = auto()  # more than anyone wants to read
    GARBAGE = auto()  # an HTML page
    OTHER_JSON = auto()  # JSON, but no key set
    NO_KEYS = auto()
    WEAK_KEYS = auto()  # of 1024 bits
    MOVED = auto()  # a redirect to the same keys


BODIES: Mapping[Fault, bytes] = {
    Fault.ENDLESS: b'{"keys": [' + b" " * 10_000_000,
    Fault.GARBAGE: b"<h1>Sorry</h1>",
    Fault.OTHER_JSON: b'{"keys": 7}',
    Fault.NO_KEYS: b'{"keys": []}',
}


def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a key of this name, the same in all tests: making one takes a tenth of a second."""
    return _made(name, bits)


@cache
def _made(_name: str, bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


class KeySetServer:
    """Used as `async with KeySetServer() as idp`; `fetches` counts; `fault` holds until None."""

    def __init__(self) -> None:
        self.key_ids = ["first"]
        self.fault: Fault | None = None
        self.fetches = 0
        self.origin = ""
        self._folder = tempfile.TemporaryDirectory()
        certificate = Path(self._folder.name, "certificate.pem")
        self._context = server_context(certificate)
        self.trusted = ssl.create_default_context(cafile=str(certificate))
        app = web.Application()
        app.add_routes([web.get("/keys", self._keys), web.get("/moved", self._published)])
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None
        )

    @property
    def jwks_url(self) -> str:
        return f"{self.origin}/keys"

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._context).start()
        self.origin = f"https://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_details: object) -> None:
        await self._runner.cleanup()
        self._folder.cleanup()

    def assertion(
        self,
        now: float,
        *,
        key_id: str | None = "first",
        signed_by: Any = None,
        algorithm: str = "RS256",
        header: Mapping[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Return an assertion as Entra builds it; a claim that is None is left out."""
        usual = {
            "iss": ISSUER,
            "sub": SUBJECT,
            "oid": SUBJECT,
            "aud": AUDIENCE,
            "tid": "3f7c",
            "nbf": int(now),
            "iat": int(now),
            "exp": int(now) + 3600,
        }
        payload = {name: each for name, each in (usual | claims).items() if each is not None}
        extra = dict(header or {}) | ({} if key_id is None else {"kid": key_id})
        key = rsa_key(key_id or "first") if signed_by is None else signed_by
        return jwt.PyJWS().encode(json.dumps(payload).encode(), key, algorithm, headers=extra)

    async def _keys(self, request: web.Request) -> web.StreamResponse:
        self.fetches += 1
        match self.fault:
            case Fault.BROKEN:
                return web.Response(status=503, body=(await self._published(request)).body)
            case Fault.SILENT:
                await asyncio.Event().wait()
            case Fault.MOVED:
                raise web.HTTPFound("/moved")
            case Fault.WEAK_KEYS:
                return web.json_response({"keys": [_jwk(each, 1024) for each in self.key_ids]})
            case fault if fault is not None:
                return web.Response(body=BODIES[fault], content_type="application/json")
        return await self._published(request)

    async def _published(self, _request: web.Request) -> web.Response:
        others = [
            None,
            {"kty": "EC", "kid": "of-a-curve", "crv": "P-256", "x": "AA", "y": "AA"},
            {"kty": "RSA", "kid": "damaged", "n": "?", "e": "AQAB"},
            {**_jwk("for-encryption"), "use": "enc"},
        ]
        return web.json_response({"keys": [*others, *(_jwk(each) for each in self.key_ids)]})


def _jwk(key_id: str, bits: int = 2048) -> dict[str, str]:
    numbers = rsa_key(key_id, bits).public_key().public_numbers()
    return {
        "kty": "RSA",
        "use": "sig",
        "kid": key_id,
        "n": _base64url(numbers.n),
        "e": _base64url(numbers.e),
    }


def _base64url(number: int) -> str:
    raw = number.to_bytes((number.bit_length() + 7) // 8, "big")
    return urlsafe_b64encode(raw).decode().rstrip("=")
