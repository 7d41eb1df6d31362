"""The page of all app settings, made from their table: `python3 -m local fix` writes it."""

from __future__ import annotations

from typing import Any, Final

from local.setup import ROOT
from scim.settings import Settings

PAGE: Final = ROOT / "docs" / "settings.md"

_HEAD: Final = """# App settings

Set in the portal under *Settings → Environment variables*; a change there restarts the app and is
effective afterwards. What is wrong or missing is listed by `/health/ready`, all at once. A
directory's own policy, set through the management API, overrides what concerns directories. This
page is made from `scim/settings.py` by `python3 -m local fix`.

| setting | type | default | unit | meaning |
|---|---|---|---|---|
"""


def text() -> str:
    """Return the page."""
    properties: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
    return _HEAD + "".join(_row(name, each) for name, each in properties.items())


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(text(), "utf-8")


def _row(name: str, setting: dict[str, Any]) -> str:
    default = setting["default"]
    if isinstance(default, bool):
        default = str(default).lower()
    cells = (
        f"`{name}`",
        _type(setting),
        f"`{default}`" if default != "" else "",
        setting.get("unit", ""),
        setting["description"].replace("|", "\\|"),
    )
    return f"| {' | '.join(cells)} |\n"


def _type(setting: dict[str, Any]) -> str:
    if "enum" in setting:
        return " or ".join(f"`{each}`" for each in setting["enum"])
    match setting["type"]:
        case "boolean":
            return "`true` or `false`"
        case "integer":
            least, most = setting["minimum"], setting.get("maximum")
            return f"number from {least}" + (f" to {most}" if most else "")
        case _:
            return "text"
