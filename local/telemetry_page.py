"""The page of telemetry records, made from their table: `python3 -m local fix` writes it."""

from __future__ import annotations

import logging
from typing import Final

from local.setup import ROOT
from scim.provisioning.telemetry import KINDS

PAGE: Final = ROOT / "docs" / "telemetry.md"

_HEAD: Final = """# Telemetry

Records for operators, on which alerts are built. They go through Python's standard `logging`, under
the logger `rollcall`, so the Functions host carries them to Application Insights (`AppTraces`), or
OpenTelemetry does: with `azure-monitor-opentelemetry` installed and the app setting
`PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY=true` the worker exports them itself. Each has a stable
name in the field `event` and its facts in fields of their own; both stand in the text as well, as
`event=token_expiring directory=…`. A record holds ids and numbers, never a name, an address or a
value of a person. What happened to whom is in the provisioning log: `messageId` leads there. This
page is made from `scim/provisioning/telemetry.py` by `python3 -m local fix`.

| event | level | facts | when |
|---|---|---|---|
"""


def text() -> str:
    """Return the page."""
    return _HEAD + "".join(
        f"| `{event.value}` | {logging.getLevelName(kind.level).lower()} "
        f"| {', '.join(f'`{fact}`' for fact in kind.facts)} | {kind.meaning} |\n"
        for event, kind in sorted(KINDS.items())
    )


def write() -> None:
    """Bring the page up to date."""
    PAGE.write_text(text(), "utf-8")
