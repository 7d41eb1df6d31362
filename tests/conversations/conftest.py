"""The cast of the cases: u1 is kim, u2 is lee, u3 is noor, g1 is tunnels."""

from __future__ import annotations

import pytest

from tests.conversations.client import Client, Json, connect
from tests.endpoint import Endpoint


@pytest.fixture
async def idp(endpoint: Endpoint) -> Client:
    """Connect an identity provider to an empty directory."""
    return await connect(endpoint, "demo")


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
