"""A vault that counts what it is asked and, when told to, refuses or keeps silent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from scim.provisioning.ports import Secret, SecretProperties, Unavailable, Vault


@dataclass
class WaveringVault:
    """A vault around another: `down` refuses every call, `silent` lets every call wait."""

    inner: Vault
    down: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    _open: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._open.set()

    @property
    def silent(self) -> bool:
        return not self._open.is_set()

    @silent.setter
    def silent(self, silent: bool) -> None:
        if silent:
            self._open.clear()
        else:
            self._open.set()

    async def get(self, name: str) -> Secret | None:
        await self._answer("get")
        return await self.inner.get(name)

    async def put(
        self, name: str, value: str, *, expires_at: datetime | None, tags: Mapping[str, str]
    ) -> None:
        await self._answer("put")
        await self.inner.put(name, value, expires_at=expires_at, tags=tags)

    async def update(
        self, name: str, *, enabled: bool | None = None, expires_at: datetime | None = None
    ) -> bool:
        await self._answer("update")
        return await self.inner.update(name, enabled=enabled, expires_at=expires_at)

    async def delete(self, name: str) -> bool:
        await self._answer("delete")
        return await self.inner.delete(name)

    async def list(self) -> AsyncIterator[SecretProperties]:
        await self._answer("list")
        async for each in self.inner.list():
            yield each

    async def close(self) -> None:
        self._open.set()
        await self.inner.close()

    async def _answer(self, verb: str) -> None:
        self.asked[verb] += 1
        await self._open.wait()
        if self.down:
            raise Unavailable("the vault of this test is down", retry_after=7)
