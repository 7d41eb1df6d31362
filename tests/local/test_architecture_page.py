"""The page on architecture."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest

from local.setup import ROOT

SCIM: Final = ROOT / "scim"


@pytest.mark.parametrize("place", [SCIM, SCIM / "provisioning"], ids=lambda place: place.name)
def test_it_names_every_room(place: Path) -> None:
    """A room that is new, renamed or gone shows on the page."""
    page = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    tables = re.findall(r"^\| (`.+?) \|", page, re.MULTILINE)
    named = {room for row in tables for room in re.findall(r"`(\w+)/`", row)}
    rooms = {each.parent.name for each in place.glob("*/__init__.py")}
    others = {each.parent.name for each in SCIM.rglob("__init__.py")} - rooms
    assert rooms == named - others
