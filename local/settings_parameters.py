"""The Bicep type of all app settings, made from their table: `python3 -m local fix` writes it."""

from __future__ import annotations

from typing import Any, Final

from local.setup import ROOT
from scim.settings import Settings

FILE: Final = ROOT / "infra" / "settings.bicep"

NOT_DECLARED: Final = {
    # For a laptop alone.
    "STORAGE_ENGINE",
    "TABLES_CONNECTION_STRING",
    "SQLITE_PATH",
    "VAULT_ENGINE",
    "VAULT_PATH",
    # Set by Azure.
    "WEBSITE_HOSTNAME",
    "WEBSITE_INSTANCE_ID",
    # Set by infra/main.bicep to what it has just created.
    "TABLES_ENDPOINT",
    "KEY_VAULT_URL",
    "AZURE_CLIENT_ID",
}

_HEAD: Final = """\
// The app settings that a deployment may declare; `python3 -m local fix` makes this file from
// scim/settings.py. One that is left out keeps the value that it has in the portal, or the default.

@export()
@description('App settings by the names that they have in the portal.')
type Settings = {
"""


def text() -> str:
    """Return the file."""
    properties: dict[str, dict[str, Any]] = Settings.model_json_schema()["properties"]
    declared = (name for name in properties if name not in NOT_DECLARED)
    return _HEAD + "\n".join(_parameter(name, properties[name]) for name in declared) + "}\n"


def write() -> None:
    """Bring the file up to date."""
    FILE.write_text(text(), "utf-8")


def _parameter(name: str, setting: dict[str, Any]) -> str:
    unit = f" Unit: {setting['unit']}." if "unit" in setting else ""
    lines = [f"@description({_quoted(setting['description'] + unit)})"]
    for bound, decorator in (
        ("minimum", "minValue"),
        ("maximum", "maxValue"),
        ("minLength", "minLength"),
        ("maxLength", "maxLength"),
    ):
        if bound in setting:
            lines.append(f"@{decorator}({setting[bound]})")
    lines.append(f"{name}: {_type(setting)}?")
    return "".join(f"  {line}\n" for line in lines)


def _type(setting: dict[str, Any]) -> str:
    if "enum" in setting:
        return f"({' | '.join(map(_quoted, setting['enum']))})"
    return {"boolean": "bool", "integer": "int", "string": "string"}[setting["type"]]


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("${", "\\${")
    return f"'{escaped}'"
