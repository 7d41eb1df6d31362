"""One Azurite for a whole test session; a conftest that wants it imports `azurite`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from local.azurite import install, running

FOLDER = Path(__file__).resolve().parent.parent / ".local" / "tools" / "azurite"


@pytest.fixture(scope="session")
def azurite() -> Iterator[str]:
    """Run Azurite and give its connection string; tests share it, so each takes a new table."""
    install(FOLDER)
    with running(FOLDER) as connection_string:
        yield connection_string
