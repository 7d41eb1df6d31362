"""The fixtures most tests need: the product on SQLite, and one directory of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.endpoint import Directory, Endpoint, running


@pytest.fixture
async def endpoint(tmp_path: Path) -> AsyncIterator[Endpoint]:
    """Run the product on in-memory SQLite behind the local host."""
    async with running(tmp_path) as endpoint:
        yield endpoint


@pytest.fixture
async def directory(endpoint: Endpoint) -> Directory:
    """Make a directory with a valid token."""
    return await endpoint.directory("demo")
