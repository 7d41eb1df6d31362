"""A client of a small function app behind the local host."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import azure.functions as func
from yarl import URL

from local.host import Host

KEY = "the-host-key"
WAIT = 10  # seconds, after which a test that waits has failed


@dataclass
class Client:
    """Sends requests exactly as written."""

    origin: str
    session: aiohttp.ClientSession

    async def send(self, method: str, path: str, **arguments: Any) -> tuple[int, bytes, Any]:
        """Return status, body and headers."""
        url = URL(self.origin + path, encoded=True)
        async with self.session.request(method, url, **arguments) as response:
            return response.status, await response.read(), response.headers

    async def seen(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        """Return what a function that echoes saw."""
        status, body, _ = await self.send(method, path, **arguments)
        assert status == 200
        seen: dict[str, Any] = json.loads(body)
        return seen


@asynccontextmanager
async def serving(app: func.FunctionApp, **options: Any) -> AsyncIterator[Client]:
    """Serve the app on the local host, and give a client of it."""
    host = Host(app, key=KEY, **options)
    async with host.serving() as origin, aiohttp.ClientSession() as session:
        yield Client(origin, session)
