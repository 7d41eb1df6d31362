"""What resolves a failed event about members."""

from __future__ import annotations

from typing import Any

from tests.endpoint import Directory
from tests.web.manage.test_failed_events import GONE, items


async def test_a_success_is_found_behind_many_other_changes(directory: Directory) -> None:
    """However many changes of other kinds have come since."""
    kim = (await directory.create_user())["id"]
    await directory.patch(kim, {"op": "replace", "path": "active", "value": "perhaps"})
    enabled = None
    for value in (False, True):
        enabled = await directory.patch(kim, {"op": "replace", "path": "active", "value": value})
    for number in range(70):
        await directory.patch(kim, {"op": "replace", "path": "title", "value": str(number)})
    (event,) = await items(directory)
    assert enabled is not None
    assert (event["state"], event["resolvedBy"]) == (
        "resolved",
        enabled.headers["x-message-id"],
    )


async def test_members_are_resolved_by_group_and_operation(directory: Directory) -> None:
    """By members added to the same group; not by one removed, a rename, or another group."""
    kim = (await directory.create_user())["id"]
    group = (await directory.create_group("Tunnels"))["id"]
    add = {"op": "add", "path": "members", "value": [{"value": GONE}]}
    assert (await directory.patch_group(group, add)).status == 400
    other = (await directory.create_group("Bridges", [kim]))["id"]
    steps: list[tuple[str, dict[str, Any], str]] = [
        (other, {"op": "remove", "path": "members"}, "open"),
        (other, {"op": "add", "path": "members", "value": [{"value": kim}]}, "open"),
        (group, {"op": "replace", "path": "displayName", "value": "Ways"}, "open"),
        (group, {"op": "add", "path": "members", "value": [{"value": kim}]}, "resolved"),
    ]
    for wanted, operation, state in steps:
        assert (await directory.patch_group(wanted, operation)).status == 204
        (event,) = await items(directory, operation="addMembers")
        assert event["state"] == state
    assert (await directory.patch_group(group, add)).status == 400
    await directory.patch_group(group, {"op": "remove", "path": "members"})
    (event,) = await items(directory, operation="addMembers")
    assert (event["state"], event["count"]) == ("open", 2)
