"""The cast of the cases: u1 is kim, u2 is lee, u3 is noor."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.azurite_fixture import azurite
from tests.conversations.client import Client, Json, connect
from tests.endpoint import Endpoint, running
from tests.storage.engines import Store

__all__ = ["azurite"]


@pytest.fixture
async def idp(endpoint: Endpoint) -> Client:
    """Connect an identity provider to an empty directory."""
    return await connect(endpoint, "demo")


@pytest.fixture(params=["sqlite", "azurite"])
async def stored_idp(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Client]:
    """Connect an identity provider to an empty directory on each storage engine."""
    store = Store(path=str(tmp_path / "store.sqlite"))
    if request.param == "azurite":
        store = Store(connection_string=request.getfixturevalue("azurite"), table=f"t{uuid4().hex}")
    async with running(tmp_path, store.open()) as endpoint:
        yield await connect(endpoint, "demo")


@pytest.fixture
async def kim(idp: Client) -> Json:
    """Create u1."""
    user: Json = await idp.create_user(
        userName="kim.larsen@example.com",
        name={"givenName": "Kim", "familyName": "Larsen"},
        displayName="Kim Larsen",
        title="Bridge Engineer",
    )
    return user


@pytest.fixture
async def lee(idp: Client) -> Json:
    """Create u2."""
    user: Json = await idp.create_user(userName="lee.chan@example.com")
    return user


@pytest.fixture
async def noor(idp: Client) -> Json:
    """Create u3."""
    user: Json = await idp.create_user(userName="noor.khan@example.com")
    return user
