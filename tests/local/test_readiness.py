"""What `start` says of settings that are wrong."""

from __future__ import annotations

import pytest

from local.host import Host
from local.readiness import demand_ready
from local.setup import SetupFailed
from scim.app import create_app
from tests.endpoint import HOST_KEY


async def test_all_problems_are_said_at_once() -> None:
    """Each is a line, by the name of its setting."""
    app = create_app({"PAGE_SIZE": "many", "VAULT_ENGINE": "paper"})
    host = Host(app, key=HOST_KEY, settings={"UPKEEP_SCHEDULE": "0 0 0 1 1 *"})
    async with host.serving() as origin:
        with pytest.raises(SetupFailed) as caught:
            await demand_ready(origin, HOST_KEY)
    lines = str(caught.value).splitlines()[1:]
    assert [line.split()[0].rstrip(":") for line in lines] == [
        "VAULT_ENGINE",
        "PAGE_SIZE",
        "PUBLIC_BASE_URL",
        "TABLES_ENDPOINT",
        "KEY_VAULT_URL",
    ]
