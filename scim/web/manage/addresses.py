"""Where the management API is found: its root, and the names of its families of calls."""

from __future__ import annotations

from typing import Final

ROOT: Final = "/manage/v1"
DESCRIBED: Final = "openapi.json"
NAMES: Final = (
    "directories",
    "jobs",
    "log",
    "rules",
    "tenants",
    "access",
    "rule-sync",
    "rule-previews",
    DESCRIBED,
)
