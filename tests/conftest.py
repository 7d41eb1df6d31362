"""The fixtures most tests need: the product on SQLite, and one directory of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from scim.provisioning.changes import jobs
from scim.provisioning.groups import groups, memberships
from scim.provisioning.groups import work as group_work
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


@pytest.fixture
def small_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a change of three members a job, and let nobody wait for one by the clock."""
    monkeypatch.setattr(memberships, "AT_ONCE", 2)
    monkeypatch.setattr(group_work, "BATCH", 2)
    for module in (groups, jobs):
        monkeypatch.setattr(module, "_PAUSE", 0)
