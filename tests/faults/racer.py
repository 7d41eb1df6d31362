"""A process of its own that sends many requests at once to the product, on a shared SQLite file.

Reads a task as one line of JSON on standard input, says `ready`, and begins with the next line.
Answers that ask for it (503) are repeated, as an identity provider does. Writes one line of JSON:
for each request its last status and entity tag, and the message ids of all its tries.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import azure.functions as func
import orjson

from scim.app import build
from scim.provisioning.ports import Operation, Page, Row, Storage
from scim.settings import read_settings
from scim.storage.local_vault import LocalVault
from scim.storage.sqlite import SqliteStorage
from scim.web import scim
from scim.web.services import Services

SETTINGS = {
    "PUBLIC_BASE_URL": "https://scim.example.com",
    "STORAGE_ENGINE": "sqlite",
    "SQLITE_PATH": "unused",
    "VAULT_ENGINE": "sqlite",
    "VAULT_PATH": "unused",
    "REQUESTS_PER_SECOND": "10000",
}
TRIES = 30

Answer = tuple[int, str, list[str]]


@dataclass
class Task:
    """What a racer has to do; `at_once` is how many requests are open at any time."""

    store: str
    vault: str
    directory: str
    token: str
    requests: list[tuple[str, str, Any]]
    at_once: int = 20
    latency: float = 0.0

    def line(self) -> str:
        """Return the task as the racer reads it."""
        return json.dumps(asdict(self))


@dataclass
class Distant:
    """A storage that is some time away, as the real one is."""

    inner: Storage
    latency: float

    async def get(self, partition: str, key: str) -> Row | None:
        await asyncio.sleep(self.latency)
        return await self.inner.get(partition, key)

    async def scan(
        self,
        partition: str,
        first: str,
        last: str,
        limit: int = 1000,
        after: str | None = None,
    ) -> Page:
        await asyncio.sleep(self.latency)
        return await self.inner.scan(partition, first, last, limit, after)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        await asyncio.sleep(self.latency)
        await self.inner.commit(partition, operations)

    async def close(self) -> None:
        await self.inner.close()


async def send(services: Services, task: Task, method: str, path: str, body: Any) -> Answer:
    """Send one request until it is answered with anything but 503."""
    request = func.HttpRequest(
        method=method,
        url=f"http://127.0.0.1/scim/v2/{task.directory}{path}",
        headers={"authorization": f"Bearer {task.token}"},
        body=b"" if body is None else orjson.dumps(body),
    )
    messages: list[str] = []
    while len(messages) < TRIES:
        response = await scim.answer(lambda: services, request)
        messages.append(response.headers["x-message-id"])
        if response.status_code != 503:
            break
    return response.status_code, response.headers.get("ETag", ""), messages


async def race(task: Task) -> list[Answer]:
    """Send all requests and return their answers in the same order."""
    sqlite = SqliteStorage(task.store)
    storage = Distant(sqlite, task.latency) if task.latency else sqlite
    vault = LocalVault(Path(task.vault))
    services = build(read_settings(SETTINGS), storage, vault, lambda: datetime.now(UTC))
    await send(services, task, "GET", "/Users?count=0", None)  # the token is in the cache
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    gate = asyncio.Semaphore(task.at_once)

    async def one(method: str, path: str, body: Any) -> Answer:
        async with gate:
            return await send(services, task, method, path, body)

    answers = await asyncio.gather(*(one(*request) for request in task.requests))
    await storage.close()
    await vault.close()
    return answers


if __name__ == "__main__":
    task = Task(**json.loads(sys.stdin.readline()))
    sys.stdout.write(json.dumps(asyncio.run(race(task))) + "\n")
