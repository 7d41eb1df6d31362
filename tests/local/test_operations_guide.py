"""The limits that the guide to operations names."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

import pytest

from local.setup import ROOT
from scim.app import GROUP_BYTES, USER_BYTES
from scim.protocol import bulk, filter_parser, patch, resource
from scim.provisioning.changes.jobs import PATIENCE
from scim.provisioning.groups.groups import JOB_WAIT
from scim.provisioning.log import failures
from scim.provisioning.ports import ROW_BYTES
from scim.provisioning.queries.queries import SORT_LIMIT
from scim.provisioning.rule_sync.changes import RULES_MOST
from scim.provisioning.rules.rule import CONDITION_LENGTH, GRANTS_MOST, RULES_LENGTH
from scim.provisioning.tokens.tokens import LIFE_MAX
from scim.settings import Settings
from scim.web.bulk import BUDGET

MIB: Final = 1024 * 1024


def setting(name: str) -> int:
    """Return the default of a number."""
    default: int = Settings.model_fields[name].default
    return default


LIMITS: Final = {
    "body of a request on users": (USER_BYTES // MIB,),
    "body of a request on groups, of a bulk request": (GROUP_BYTES // MIB,),
    "operations of a bulk request": (bulk.MAX_OPERATIONS, BUDGET),
    "operations of a PATCH": (patch.MAX_OPERATIONS,),
    "values of one attribute, so members that one call writes": (resource.MAX_VALUES,),
    "filter": (filter_parser.MAX_LENGTH, filter_parser.MAX_TERMS, filter_parser.MAX_DEPTH),
    "page": (setting("PAGE_SIZE"), setting("PAGE_SIZE_MAX"), 1000),
    "resources read for a filter without an index": (setting("SCAN_LIMIT"),),
    "resources that one call sorts": (SORT_LIMIT,),
    "requests per second, directory and process": (setting("REQUESTS_PER_SECOND"),),
    "wait for a long change": (PATIENCE,),
    "wait for the long change of the same group": (JOB_WAIT,),
    "rules; characters of a condition; grants of a rule": (
        RULES_MOST,
        CONDITION_LENGTH,
        GRANTS_MOST,
    ),
    "characters of all rules together, as JSON": (RULES_LENGTH,),
    "life of a token": (LIFE_MAX.days,),
    "failed calls kept at once, per directory and process": (failures.AT_ONCE,),
    "one resource": (ROW_BYTES // MIB,),
}


@pytest.mark.parametrize("limit", LIMITS)
def test_limits_are_those_of_the_code(limit: str) -> None:
    """The table names the numbers that the code has, in this order."""
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")
    row = re.search(rf"^\| {re.escape(limit)} \| (.+?) \|", guide, re.MULTILINE)
    assert row, "the table has no such row"
    named = [int(each.replace(",", "")) for each in re.findall(r"\d[\d,]*\d|\d", row.group(1))]
    expected = [
        int(each.total_seconds()) if isinstance(each, timedelta) else each for each in LIMITS[limit]
    ]
    assert named == expected


def test_every_limit_of_the_table_is_compared() -> None:
    """No row of the table says what nobody has looked at."""
    guide = (ROOT / "docs" / "operations.md").read_text("utf-8")
    table = guide.partition("| limit | value | beyond it |\n")[2].partition("\n\n")[0]
    assert [line.split(" | ")[0].removeprefix("| ") for line in table.splitlines()[1:]] == [*LIMITS]
