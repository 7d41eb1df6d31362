"""Who is active: what the log and the totals make of `active`."""

from __future__ import annotations

from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.changes import totals
from tests.endpoint import Directory


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "active"},
        {"op": "replace", "path": "active", "value": None},
        {"op": "replace", "value": {"active": None}},
    ],
)
async def test_a_user_whose_active_is_removed_is_not_active(
    directory: Directory, operation: dict[str, Any]
) -> None:
    """Without `active` a user counts as inactive, and the log calls it disabled."""
    user = await directory.create_user()
    answer = await directory.patch(user["id"], operation)
    assert answer.status == 200, answer.raw
    assert "active" not in answer.json
    assert (await directory.log())[0].operations == ("disable",)
    assert await active_users(directory) == 0
    again = await directory.patch(user["id"], {"op": "add", "path": "active", "value": True})
    assert again.json["active"] is True
    assert (await directory.log())[0].operations == ("enable",)
    assert await active_users(directory) == 1


async def active_users(directory: Directory) -> int:
    """Return the number of active users in the totals."""
    services = directory.endpoint.services
    found = await totals.read(services.storage, rows.partition(directory.id), services.now())
    return found.get("activeUsers", 0)
