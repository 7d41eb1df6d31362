"""The product on each pair of engines: SQLite with the local vault, Azurite with a Key Vault."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from scim.storage.key_vault import KeyVault
from scim.storage.local_vault import LocalVault
from tests.azurite_fixture import azurite
from tests.endpoint import Endpoint, running
from tests.storage.engines import Store
from tests.storage.loopback_vault import LoopbackVault
from tests.web.wavering_vault import WaveringVault

__all__ = ["azurite"]


@pytest.fixture(params=["laptop", "azure"])
async def installation(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Endpoint]:
    """Run the product on engines of one kind; its vault counts what it is asked."""
    async with AsyncExitStack() as stack:
        if request.param == "laptop":
            store = Store(path=str(tmp_path / "store.sqlite"))
            vault = WaveringVault(LocalVault(tmp_path / "vault.db"))
        else:
            connection_string = request.getfixturevalue("azurite")
            store = Store(connection_string=connection_string, table=f"t{uuid4().hex}")
            loopback = await stack.enter_async_context(LoopbackVault())
            vault = WaveringVault(
                KeyVault(
                    loopback.url,
                    loopback.credential,
                    verify_challenge_resource=False,
                    connection_verify=str(loopback.certificate),
                )
            )
        yield await stack.enter_async_context(running(tmp_path, store.open(), vault))
