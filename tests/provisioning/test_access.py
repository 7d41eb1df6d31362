"""Access stands in the user's row from the same commit on as what brought it about."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.rules.rulings import Access, read_access
from scim.provisioning.stored_users import load_user
from tests.endpoint import Directory, running

RULES = [
    {"name": "HR", "group": "HR-Designers", "grants": [{"tenant": "hr", "role": "Designer"}]},
    {"name": "Leads", "userRole": "Lead", "grants": [{"tenant": "hr", "role": "Lead"}]},
]


@pytest.fixture
async def directory(tmp_path: Path) -> AsyncIterator[Directory]:
    """Make a directory of an installation that has two rules."""
    async with running(tmp_path, RULES=json.dumps(RULES)) as endpoint:
        yield await endpoint.directory("demo")


async def access(directory: Directory, user_id: str) -> list[Access]:
    """Return what stands in the user's row."""
    storage = directory.endpoint.services.storage
    user = await load_user(storage, rows.partition(directory.id), user_id)
    assert user is not None
    assert user.rules == 1
    return read_access(user)


async def roles(directory: Directory, user_id: str) -> list[str]:
    """Return the roles that the user has."""
    return [each.role for each in await access(directory, user_id)]


async def test_attributes_bring_access(directory: Directory) -> None:
    """POST, PATCH and PUT decide in their own commit."""
    kim = (await directory.create_user(userName="kim", roles=[{"value": "Lead"}]))["id"]
    assert await roles(directory, kim) == ["Lead"]
    await directory.patch(kim, {"op": "remove", "path": "roles"})
    assert await roles(directory, kim) == []
    body = {"userName": "kim", "roles": [{"value": "lead"}]}
    await directory.send("PUT", f"/Users/{kim}", body)
    assert await roles(directory, kim) == ["Lead"]


async def test_activation_brings_and_takes_access(directory: Directory) -> None:
    """An inactive user has none; activated again it has what it had."""
    kim = (await directory.create_user(roles=[{"value": "Lead"}], active=False))["id"]
    assert await roles(directory, kim) == []
    for active in (True, False, True):
        await directory.patch(kim, {"op": "replace", "path": "active", "value": active})
        assert await roles(directory, kim) == (["Lead"] if active else [])


@pytest.mark.parametrize("size", [1, 60])
async def test_memberships_bring_access(directory: Directory, size: int) -> None:
    """Joining, leaving, a renamed and a deleted group decide; also of many members, as a job."""
    ids = [(await directory.create_user())["id"] for _ in range(size)]
    group = (await directory.create_group("HR-Designers", ids))["id"]

    async def all_have(*expected: str) -> bool:
        return all([await roles(directory, each) == list(expected) for each in ids])

    async def patch(**operation: Any) -> None:
        assert (await directory.patch_group(group, operation)).status == 204

    assert await all_have("Designer")
    await patch(op="replace", path="displayName", value="Others")
    assert await all_have()
    await patch(op="replace", path="displayName", value="hr-designers")
    assert await all_have("Designer")
    await patch(op="remove", path="members")
    assert await all_have()
    await patch(op="add", path="members", value=[{"value": each} for each in ids])
    assert await all_have("Designer")
    await directory.send("DELETE", f"/Groups/{group}")
    assert await all_have()


async def test_access_tells_the_call_that_brought_it_about(directory: Directory) -> None:
    """It keeps time and message id while it lasts, whatever else changes of the user."""
    kim = (await directory.create_user())["id"]
    added = await directory.send(
        "POST", "/Groups", {"displayName": "HR-Designers", "members": [{"value": kim}]}
    )
    for title in ("One", "Two"):
        await directory.patch(kim, {"op": "replace", "path": "title", "value": title})
    [found] = await access(directory, kim)
    assert found.message_id == added.headers["x-message-id"]
    assert found.since == added.json["meta"]["created"]


async def test_a_report_is_judged_when_its_manager_goes(tmp_path: Path) -> None:
    """Deleting a manager changes its reports, and so what they have."""
    urn = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    rule = {
        "name": "Reports",
        "condition": f"{urn}:manager.value pr",
        "grants": [{"tenant": "hr", "role": "Report"}],
    }
    async with running(tmp_path, RULES=json.dumps([rule])) as endpoint:
        directory = await endpoint.directory("demo")
        chief = (await directory.create_user())["id"]
        kim = (await directory.create_user(**{urn: {"manager": {"value": chief}}}))["id"]
        assert await roles(directory, kim) == ["Report"]
        await directory.send("DELETE", f"/Users/{chief}")
        assert await roles(directory, kim) == []
