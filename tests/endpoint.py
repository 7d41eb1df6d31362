"""The product behind the local host, as a client sees it: real HTTP on a free loopback port."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import aiohttp
import orjson
from multidict import CIMultiDictProxy
from yarl import URL

from local.host import Host
from scim.app import build
from scim.provisioning import rows
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import LogEntry, Outcome
from scim.provisioning.log.management import By
from scim.provisioning.ports import Fetch, Operation, Page, Row, Storage, Vault
from scim.provisioning.scans import scan_rows
from scim.settings import read_settings
from scim.storage.local_vault import LocalVault
from scim.storage.sqlite import SqliteStorage
from scim.web.functions import function_app
from scim.web.services import Services

PUBLIC_BASE = "https://scim.example.com"
HOST_KEY = "host-key-of-a-test"
SCIM_JSON = "application/scim+json"


def patch_message(operations: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the PatchOp message of the operations."""
    schemas = ["urn:ietf:params:scim:api:messages:2.0:PatchOp"]
    return {"schemas": schemas, "Operations": list(operations)}


@dataclass
class Clock:
    """A clock that a test sets forward; it moves a little at each look, as time does."""

    moment: datetime = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
    step: timedelta = timedelta(milliseconds=1)

    def __call__(self) -> datetime:
        self.moment += self.step
        return self.moment

    def forward(self, **span: float) -> None:
        self.moment += timedelta(**span)


def admin(clock: Callable[[], datetime]) -> By:
    """Return an admin in a call of now."""
    now = clock()
    return By("admin", resource_id(now), now)


@dataclass
class Counted:
    """A storage that counts its calls and the rows that they write."""

    inner: Storage
    calls: Counter[str] = field(default_factory=Counter)
    written: int = 0

    async def get(self, partition: str, key: str) -> Row | None:
        self.calls["get"] += 1
        return await self.inner.get(partition, key)

    async def scan(
        self, partition: str, first: str, last: str, limit: int = 1000, after: str | None = None
    ) -> Page:
        self.calls["scan"] += 1
        return await self.inner.scan(partition, first, last, limit, after)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        self.calls["commit"] += 1
        self.written += len(operations)
        await self.inner.commit(partition, operations)

    async def close(self) -> None:
        await self.inner.close()


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: CIMultiDictProxy[str]
    raw: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.raw)


@dataclass
class Directory:
    """A directory as its identity provider sees it."""

    endpoint: Endpoint
    id: str
    token: str

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        """Send as an identity provider does; `query` is the encoded text behind the `?`."""
        sent = {"Authorization": f"Bearer {self.token}", "Accept": SCIM_JSON}
        if body is not None or raw is not None:
            sent["Content-Type"] = SCIM_JSON
        data = raw if body is None else orjson.dumps(body)
        address = f"/scim/v2/{self.id}{path}" + (f"?{query}" if query else "")
        return await self.endpoint.send(method, address, data, sent | (headers or {}))

    async def create_user(self, **attributes: Any) -> Any:
        """Create a user and return it; a userName is made up when none is given."""
        self.endpoint.made += 1
        body = {"userName": f"user{self.endpoint.made}@example.com", **attributes}
        answer = await self.send("POST", "/Users", body)
        assert answer.status == 201, answer.raw
        return answer.json

    async def create_group(self, name: str, members: Sequence[str] = (), **attributes: Any) -> Any:
        """Create a group with members, given by their ids, and return it."""
        body = {"displayName": name, "members": [{"value": each} for each in members]}
        answer = await self.send("POST", "/Groups", body | attributes)
        assert answer.status == 201, answer.raw
        return answer.json

    async def members(self, group_id: str) -> set[str]:
        """Return the ids of a group's members as a GET shows them, each once."""
        answer = await self.send("GET", f"/Groups/{group_id}")
        assert answer.status == 200, answer.raw
        ids = [each["value"] for each in answer.json.get("members", [])]
        assert len(ids) == len(set(ids))
        return set(ids)

    async def patch(self, user_id: str, *operations: dict[str, Any]) -> Answer:
        """Send a PatchOp message to a user."""
        return await self.send("PATCH", f"/Users/{user_id}", patch_message(operations))

    async def patch_group(self, group_id: str, *operations: dict[str, Any]) -> Answer:
        """Send a PatchOp message to a group."""
        return await self.send("PATCH", f"/Groups/{group_id}", patch_message(operations))

    async def get(self, user_id: str) -> Any:
        """Return the user as a GET shows it."""
        answer = await self.send("GET", f"/Users/{user_id}")
        assert answer.status == 200, answer.raw
        return answer.json

    async def state(self) -> dict[str, str]:
        """Return the version of each row, without those in which refused calls are kept."""
        failed = {each.message_id.replace("-", "") for each in await self.failures()}
        found = scan_rows(self.endpoint.services.storage, rows.partition(self.id), "", rows.END)
        return {
            row.key: row.etag
            async for row in found
            if row.key[:2] not in ("v_", "b_") and not failed & set(row.key.split("_"))
        }

    async def log(self) -> list[LogEntry]:
        """Return the entries of changes in the provisioning log, newest first."""
        return [each for each in await self._entries() if each.outcome is Outcome.SUCCESS]

    async def failures(self) -> list[LogEntry]:
        """Return the entries of refused and failed calls, newest first."""
        return [each for each in await self._entries() if each.outcome is not Outcome.SUCCESS]

    async def _entries(self) -> list[LogEntry]:
        found = scan_rows(
            self.endpoint.services.storage, rows.partition(self.id), rows.LOG, rows.LOG + rows.END
        )
        return [LogEntry.model_validate(rows.unpack(row.values)) async for row in found]


@dataclass
class Endpoint:
    """The running product."""

    origin: str
    services: Services
    storage: Counted
    clock: Clock
    session: aiohttp.ClientSession
    made: int = 0

    async def send(
        self, method: str, path: str, data: bytes | None, headers: dict[str, str]
    ) -> Answer:
        """Send a request as it stands; the path is not normalised."""
        url = URL(self.origin + path, encoded=True)
        async with self.session.request(
            method, url, data=data and BytesIO(data), headers=headers, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def manage(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send a call to the management API, with the function key."""
        sent = {"x-functions-key": HOST_KEY, "Content-Type": "application/json"}
        data = None if body is None else orjson.dumps(body)
        return await self.send(method, f"/manage/v1{path}", data, sent | (headers or {}))

    async def directory(self, name: str) -> Directory:
        """Make a directory with its first token."""
        made = await self.services.directories.create(name)
        token = await self.services.tokens.create(made.id, "of a test")
        return Directory(self, made.id, token.value)


@asynccontextmanager
async def running(
    folder: Path,
    storage: Storage | None = None,
    vault: Vault | None = None,
    fetch: Fetch | None = None,
    **settings: str,
) -> AsyncIterator[Endpoint]:
    """Run the product on the engines given; in-memory SQLite and a local vault by default."""
    clock = Clock()
    counted = Counted(storage or SqliteStorage(":memory:"))
    required = {
        "PUBLIC_BASE_URL": PUBLIC_BASE,
        "STORAGE_ENGINE": "sqlite",
        "SQLITE_PATH": "unused",
        "VAULT_ENGINE": "sqlite",
        "VAULT_PATH": "unused",
        # Tests send faster than any identity provider.
        "REQUESTS_PER_SECOND": "10000",
    }
    services = build(
        read_settings(required | settings),
        counted,
        vault or LocalVault(folder / "vault.db"),
        clock,
        fetch,
    )
    host = Host(
        function_app(lambda: services),
        key=HOST_KEY,
        settings={"UPKEEP_SCHEDULE": "0 0 0 1 1 *"},
    )
    async with host.serving() as origin, aiohttp.ClientSession(auto_decompress=False) as session:
        yield Endpoint(origin, services, counted, clock, session)
    await services.vault.close()
    await counted.close()
