"""The engines under the contract suite, each on a store of its own per test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from scim.provisioning.ports import Storage
from tests.azurite_fixture import azurite
from tests.storage.engines import Store

__all__ = ["azurite"]


@pytest.fixture(params=["sqlite", "azurite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """Name a new, empty store that any number of engines and processes may open."""
    if request.param == "sqlite":
        return Store(path=str(tmp_path / "store.sqlite"))
    connection_string: str = request.getfixturevalue("azurite")
    return Store(connection_string=connection_string, table=f"t{uuid4().hex}")


@pytest.fixture
async def storage(store: Store) -> AsyncIterator[Storage]:
    """Open the engine on a new, empty store."""
    engine = store.open()
    yield engine
    await engine.close()
