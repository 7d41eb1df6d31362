"""Key Vault's documented exchange over HTTPS on 127.0.0.1: what the real SDK talks to in tests.

Follows the REST reference of the secrets API: challenge, api-version, versions, soft delete,
pages of 25, error bodies. Counts what it is asked, and fails on demand.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
import uuid
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, Self

from aiohttp import web
from azure.core.credentials import AccessToken

from tests.storage.self_signed import server_context

RESOURCE = "https://vault.azure.net"
CHALLENGE = f'Bearer authorization="https://login.microsoftonline.com/t", resource="{RESOURCE}"'
PAGE = 25
RETENTION_DAYS = 90

Json = dict[str, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Outage(Enum):
    """How the vault fails to answer."""

    DROPPED = auto()  # the connection breaks
    SILENT = auto()  # no answer ever
    UNAVAILABLE = auto()  # 503
    THROTTLED = auto()  # 429 with Retry-After
    NO_ROLE = auto()  # 403 for want of a role
    FIREWALL = auto()  # 403 by the vault's firewall
    PROXY = auto()  # somebody else's 404


ERRORS: Mapping[Outage, tuple[int, str, str | None]] = {
    Outage.UNAVAILABLE: (503, "ServiceUnavailable", None),
    Outage.THROTTLED: (429, "Throttled", None),
    Outage.NO_ROLE: (403, "Forbidden", "ForbiddenByRbac"),
    Outage.FIREWALL: (403, "Forbidden", "ForbiddenByFirewall"),
}


class Credential:
    """A credential with one fixed token; `scopes` are those it was asked for."""

    def __init__(self) -> None:
        self.token = "loopback-access-token"
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_options: object) -> AccessToken:
        self.scopes.extend(scopes)
        return AccessToken(self.token, int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_details: object) -> None: ...


@dataclass
class _Version:
    value: str
    attributes: Json
    tags: Mapping[str, str] | None
    id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass
class _Secret:
    versions: list[_Version] = field(default_factory=list)
    busy: int = 0  # requests that still find it on its way into or out of deletion


class LoopbackVault:
    """A vault, used as `async with LoopbackVault() as vault`; `credential` opens it.

    `requests` counts by kind: challenge, get, put, update, delete, versions, list, get_deleted,
    list_deleted, recover, purge. `outage` holds until it is None again; each of `hiccups` is spent
    on one request. For `settling` requests a name is busy after its deletion or recovery.
    """

    def __init__(self) -> None:
        self.url = ""
        self.credential = Credential()
        self.accepts = self.credential.token
        self.requests: Counter[str] = Counter()
        self.outage: Outage | None = None
        self.hiccups: deque[Outage] = deque()
        self.retry_after = 7
        self.settling = 0
        self._secrets: dict[str, _Secret] = {}
        self._deleted: dict[str, _Secret] = {}
        self._folder = tempfile.TemporaryDirectory()
        self.certificate = Path(self._folder.name, "certificate.pem")
        secret = "/{name:[0-9a-zA-Z-]{1,127}}"
        version = "/{version:[0-9a-f]*}"
        app = web.Application(middlewares=[self._gate])
        app.add_routes(
            [
                web.get("/secrets", self._list),
                web.put("/secrets" + secret, self._put),
                web.delete("/secrets" + secret, self._delete),
                web.get("/secrets" + secret + "/versions", self._versions),
                web.get("/secrets" + secret + version, self._get),
                web.patch("/secrets" + secret + version, self._update),
                web.get("/deletedsecrets", self._list_deleted),
                web.get("/deletedsecrets" + secret, self._get_deleted),
                web.delete("/deletedsecrets" + secret, self._purge),
                web.post("/deletedsecrets" + secret + "/recover", self._recover),
            ]
        )
        self._runner = web.AppRunner(
            app, handler_cancellation=True, shutdown_timeout=0.1, access_log=None
        )

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        site = web.TCPSite(
            self._runner, "127.0.0.1", 0, ssl_context=server_context(self.certificate)
        )
        await site.start()
        self.url = f"https://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_details: object) -> None:
        await self._runner.cleanup()
        self._folder.cleanup()

    # What every request passes.

    @web.middleware
    async def _gate(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        authorization = request.headers.get("Authorization")
        kind = request.match_info.handler.__name__.removeprefix("_")
        self.requests[kind if authorization else "challenge"] += 1
        outage = self.hiccups.popleft() if self.hiccups else self.outage
        if outage is not None:
            return await self._fail(request, outage)
        if authorization != f"Bearer {self.accepts}":
            return _error(401, "Unauthorized", headers={"WWW-Authenticate": CHALLENGE})
        if "api-version" not in request.query:
            return _error(400, "BadParameter")
        try:
            return await handler(request)
        except web.HTTPNotFound:
            return _error(400, "BadParameter")
        except _Refused as refused:
            return _error(refused.status, refused.code, refused.inner)

    async def _fail(self, request: web.Request, outage: Outage) -> web.StreamResponse:
        if outage is Outage.DROPPED:
            assert request.transport
            request.transport.abort()
        if outage is Outage.SILENT:
            await asyncio.Event().wait()
        if outage not in ERRORS:
            return web.Response(status=404, text="<h1>Not Found</h1>")
        status, code, inner = ERRORS[outage]
        wait = {"Retry-After": str(self.retry_after)} if status in {429, 503} else {}
        return _error(status, code, inner, wait)

    # Secrets.

    async def _put(self, request: web.Request) -> web.Response:
        name = _name(request)
        secret = self._secrets.get(name)
        if name in self._deleted:
            raise _Refused(409, "Conflict", self._deletion_state(name))
        if secret is None:
            secret = self._secrets[name] = _Secret()
        elif self._still_busy(secret):
            raise _Refused(409, "Conflict", "ObjectIsBeingRecovered")
        body = await request.json()
        now = int(time.time())
        attributes = {"enabled": True, **(body.get("attributes") or {}), "created": now}
        secret.versions.append(_Version(body["value"], attributes, body.get("tags")))
        return web.json_response(self._bundle(name, secret.versions[-1], with_value=True))

    async def _get(self, request: web.Request) -> web.Response:
        name, version = self._version(request)
        if not version.attributes["enabled"]:
            raise _Refused(403, "Forbidden", "SecretDisabled")
        return web.json_response(self._bundle(name, version, with_value=True))

    async def _update(self, request: web.Request) -> web.Response:
        name, version = self._version(request)
        body = await request.json()
        version.attributes.update(body.get("attributes") or {})
        if body.get("tags") is not None:
            version.tags = body["tags"]
        return web.json_response(self._bundle(name, version))

    async def _delete(self, request: web.Request) -> web.Response:
        name = _name(request)
        secret = self._secrets.pop(name, None)
        if secret is None:
            raise _Refused(404, "SecretNotFound")
        secret.busy = self.settling
        self._deleted[name] = secret
        return web.json_response(self._deleted_bundle(name))

    async def _versions(self, request: web.Request) -> web.Response:
        name = _name(request)
        secret = self._secrets.get(name) or _Secret()
        return self._page(request, [self._bundle(name, each) for each in secret.versions])

    async def _list(self, request: web.Request) -> web.Response:
        items = [self._item(name, each) for name, each in sorted(self._secrets.items())]
        return self._page(request, items)

    # Soft-deleted secrets.

    async def _get_deleted(self, request: web.Request) -> web.Response:
        name = _name(request)
        if name not in self._deleted or self._still_busy(self._deleted[name]):
            raise _Refused(404, "SecretNotFound")
        return web.json_response(self._deleted_bundle(name))

    async def _list_deleted(self, request: web.Request) -> web.Response:
        return self._page(request, [self._deleted_bundle(name) for name in sorted(self._deleted)])

    async def _purge(self, request: web.Request) -> web.Response:
        del self._deleted[self._settled(request)]
        return web.Response(status=204)

    async def _recover(self, request: web.Request) -> web.Response:
        name = self._settled(request)
        secret = self._secrets[name] = self._deleted.pop(name)
        secret.busy = self.settling
        return web.json_response(self._bundle(name, secret.versions[-1]))

    # State.

    def _version(self, request: web.Request) -> tuple[str, _Version]:
        name, wanted = _name(request), request.match_info["version"]
        secret = self._secrets.get(name)
        if secret is None or self._still_busy(secret):
            raise _Refused(404, "SecretNotFound")
        found = [each for each in secret.versions if wanted in {"", each.id}]
        if not found:
            raise _Refused(404, "SecretNotFound")
        return name, found[-1]

    def _settled(self, request: web.Request) -> str:
        name = _name(request)
        if name not in self._deleted:
            raise _Refused(404, "SecretNotFound")
        if self._deletion_state(name) == "ObjectIsBeingDeleted":
            raise _Refused(409, "Conflict", "ObjectIsBeingDeleted")
        return name

    def _deletion_state(self, name: str) -> str:
        busy = self._still_busy(self._deleted[name])
        return "ObjectIsBeingDeleted" if busy else "ObjectIsDeletedButRecoverable"

    def _still_busy(self, secret: _Secret) -> bool:
        busy = secret.busy > 0
        secret.busy -= busy
        return busy

    # Bodies.

    def _page(self, request: web.Request, items: list[Json]) -> web.Response:
        limit = int(request.query.get("maxresults", PAGE))
        if not 1 <= limit <= PAGE:
            raise _Refused(400, "BadParameter")
        start = int(request.query.get("$skiptoken", 0))
        following = request.url.update_query({"$skiptoken": start + limit})
        more = start + limit < len(items)
        return web.json_response(
            {"value": items[start : start + limit], "nextLink": str(following) if more else None}
        )

    def _item(self, name: str, secret: _Secret) -> Json:
        return {**self._bundle(name, secret.versions[-1]), "id": f"{self.url}/secrets/{name}"}

    def _bundle(self, name: str, version: _Version, *, with_value: bool = False) -> Json:
        recovery = {"recoveryLevel": "Recoverable+Purgeable", "recoverableDays": RETENTION_DAYS}
        return {
            "id": f"{self.url}/secrets/{name}/{version.id}",
            "attributes": {**version.attributes, **recovery},
            **({} if version.tags is None else {"tags": version.tags}),
            **({"value": version.value} if with_value else {}),
        }

    def _deleted_bundle(self, name: str) -> Json:
        now = int(time.time())
        return {
            **self._item(name, self._deleted[name]),
            "recoveryId": f"{self.url}/deletedsecrets/{name}",
            "deletedDate": now,
            "scheduledPurgeDate": now + RETENTION_DAYS * 86_400,
        }


class _Refused(Exception):
    def __init__(self, status: int, code: str, inner: str | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.inner = status, code, inner


def _error(
    status: int,
    code: str,
    inner: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    error: Json = {"code": code, "message": f"{code}."}
    if inner:
        error["innererror"] = {"code": inner}
    return web.json_response({"error": error}, status=status, headers=headers)


def _name(request: web.Request) -> str:
    return request.match_info["name"].lower()  # the service ignores case
