"""The page of app settings."""

from __future__ import annotations

from local import settings_page
from scim.settings import Settings


def test_the_page_of_settings_is_current() -> None:
    """It says of every setting what the table says; `python3 -m local fix` brings it up to date."""
    assert settings_page.PAGE.read_text("utf-8") == settings_page.text()


def test_every_setting_has_all_its_cells() -> None:
    """Name, type and meaning are never empty; whoever counts something names the unit."""
    rows = [line for line in settings_page.text().splitlines() if line.startswith("| `")]
    assert len(rows) == len(Settings.model_fields)
    for row in rows:
        name, kind, _, unit, meaning = [cell.strip() for cell in row.strip("|").split(" | ")]
        assert name, row
        assert kind, row
        assert meaning, row
        assert bool(unit) == kind.startswith("number"), row
