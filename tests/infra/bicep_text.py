"""What the tests read from infra/*.bicep; the checkers know the language, this knows our layout."""

from __future__ import annotations

import re
from pathlib import Path

from local.setup import ROOT

INFRA = ROOT / "infra"


def platform_settings() -> dict[str, str]:
    """Return the app settings that every deployment sets, by their names, as written."""
    block = re.search(r"platformSettings: \{\n(.*?)\n    \}", _main(), re.DOTALL)
    assert block
    return dict(re.findall(r"^      (\w+): (.+)$", block.group(1), re.MULTILINE))


def default_settings() -> dict[str, str]:
    """Return the app settings that a deployment sets where nobody else has."""
    block = re.search(r"defaultSettings: union\((.*?)\n    \)", _main(), re.DOTALL)
    assert block
    return dict(re.findall(r"(\w+): '([^']*)'", block.group(1)))


def table_name() -> str:
    """Return the name of the table that is created where the settings name none."""
    found = re.search(r"TABLE_NAME \?\? '(\w+)'", _main())
    assert found
    return found.group(1)


def assignments() -> dict[str, tuple[str, str]]:
    """Return the role assignments: by the role's name its id, and the parameter of its scope."""
    text = (INFRA / "modules" / "access.bicep").read_text("utf-8")
    found = re.findall(r"role: '(.+)'\s+roleId: '(.+)'\s+scope: (\w+)", text)
    return {role: (role_id, scope) for role, role_id, scope in found}


def queries() -> list[str]:
    """Return all texts that hold queries of telemetry."""
    files: list[Path] = [*(INFRA / "modules").glob("*alerts.bicep"), *INFRA.rglob("workbook.json")]
    return [path.read_text("utf-8").replace('\\"', '"') for path in files]


def alerts() -> dict[str, str]:
    """Return the titles of all alerts by their names."""
    texts = [path.read_text("utf-8") for path in (INFRA / "modules").glob("*alerts.bicep")]
    of_tables = re.findall(r"    name: '([\w-]+)'\n    title: '(.+)'", "".join(texts))
    alone = re.findall(
        r"  name: 'rollcall-([\w-]+)'.*?displayName: 'Rollcall: (.+?)'", "".join(texts), re.DOTALL
    )
    return dict(of_tables) | {name: title[0].upper() + title[1:] for name, title in alone}


def alert_query(name: str) -> str:
    """Return the query of an alert, with the variables that it is made of put in."""
    text = (INFRA / "modules" / "alerts.bicep").read_text("utf-8")
    found = re.search(rf"name: '{name}'.*?query: '(.+?)'\n", text, re.DOTALL)
    assert found
    query, parts = found.group(1), dict(re.findall(r"^var (\w+) = '(.+)'$", text, re.MULTILINE))
    while named := re.search(r"\$\{(\w+)\}", query):
        query = query.replace(named.group(0), parts[named.group(1)])
    return query


def _main() -> str:
    return (INFRA / "main.bicep").read_text("utf-8")
