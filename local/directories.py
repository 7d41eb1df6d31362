"""Creates directories through the product's own management API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession

from local.setup import SetupFailed

PATH = "/manage/v1/directories"


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory to connect an identity provider to; the token is None if it existed before."""

    id: str
    name: str
    base_url: str
    token: str | None = field(repr=False)


async def provided(origin: str, key: str, names: Sequence[str]) -> list[Directory]:
    """Return the directories of these names, created where missing; raise SetupFailed."""
    async with ClientSession(origin, headers={"x-functions-key": key}) as session:
        return [await _provided(session, name) for name in dict.fromkeys(names)]


async def _provided(session: ClientSession, name: str) -> Directory:
    found = await _call(session, "GET", params={"name": name})
    body = next(iter(found["items"]), None) or await _call(session, "POST", json={"name": name})
    token = body.get("token") or {}
    return Directory(body["id"], body["name"], body["baseUrl"], token.get("value"))


async def _call(session: ClientSession, method: str, **arguments: Any) -> dict[str, Any]:  # noqa: ANN401 - of aiohttp
    async with session.request(method, PATH, **arguments) as response:
        if not response.ok:
            problem = (await response.text())[:500] or "no body"
            raise SetupFailed(f"{method} {PATH} was answered {response.status}: {problem}")
        body: dict[str, Any] = await response.json(content_type=None)
        return body
