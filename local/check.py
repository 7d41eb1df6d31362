"""`python3 -m local check`: the rows of a store on this machine checked against each other."""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from local.data import Data
from local.setup import SetupFailed
from scim.protocol.extensions import read_extensions
from scim.protocol.schema import user_type
from scim.provisioning import rows
from scim.provisioning.directories.directories import Directories
from scim.provisioning.rules.declared import Declared
from scim.provisioning.rules.rule_sets import RuleSets
from scim.provisioning.upkeep.access_check import check_access
from scim.provisioning.upkeep.checker import Problem, check
from scim.storage.sqlite import SqliteStorage


def main(folder: Path) -> int:
    """Check every directory of the store; 1 when something is wrong."""
    store = Data(folder).store
    if not store.exists():
        raise SetupFailed(f"There is no store in {folder}; `python3 -m local start` makes one.")
    return asyncio.run(_check(store))


async def _check(store: Path) -> int:
    storage = SqliteStorage(store)
    try:
        wrong = 0
        for directory in await Directories(storage, _now).all():
            print(f"Checking {directory.name} ({directory.id}) ...", file=sys.stderr)
            problems = await check(storage, rows.partition(directory.id), _now())
            problems += await _access(storage, directory.id)
            wrong += len(problems)
            for each in problems:
                print(f"{directory.id}  {each.key}: {each.problem}")
        print(f"{wrong} problems" if wrong else "Everything agrees.")
        return 1 if wrong else 0
    finally:
        await storage.close()


async def _access(storage: SqliteStorage, directory: str) -> list[Problem]:
    """Return whose access is wrong; by the schemas of the environment, as the product has them."""
    if await storage.get(rows.INSTALLATION, rows.RULES) is None:
        return []  # a check stores no first set
    schemas = read_extensions(os.environ.get("EXTENSION_SCHEMAS", "[]"), [])
    kind = user_type(*schemas.get("User", ()))
    rules = await RuleSets(storage, _now, kind, Declared(), home_tenant="").latest()
    problems, cursor = await check_access(storage, rules, directory)
    while cursor:
        more, cursor = await check_access(storage, rules, directory, cursor)
        problems += more
    return problems


def _now() -> datetime:
    return datetime.now(UTC)
