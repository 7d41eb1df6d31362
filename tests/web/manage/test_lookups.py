"""Look-ups for admins."""

from __future__ import annotations

from typing import Any

import pytest

from tests.endpoint import Directory


async def found(directory: Directory, question: str) -> Any:
    """Return the items that a look-up finds."""
    answer = await directory.endpoint.manage("GET", f"/directories/{directory.id}/{question}")
    assert answer.status == 200, answer.raw
    return answer.json["items"]


async def test_users_are_found_by_name_and_external_id(directory: Directory) -> None:
    """The name in any case, the id exactly; both together have to fit."""
    kim = await directory.create_user(userName="kim@example.com", externalId="K1")
    await directory.create_user(userName="lee@example.com", externalId="L1")
    for question in ("userName=KIM@example.com", "externalId=K1", "USERNAME=kim@example.com"):
        assert await found(directory, f"users?{question}") == [{"user": kim, "deletedAt": None}]
    for question in ("userName=park", "externalId=k1", "userName=kim@example.com&externalId=L1"):
        assert await found(directory, f"users?{question}") == []


async def test_records_of_deleted_users_are_found(directory: Directory) -> None:
    """Where the policy keeps them: behind the user of that name, with the time of the deletion."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}"
    await manage("PATCH", path, {"policy": {"deleteUserMeans": "disable"}})
    ids = []
    for number in range(2):
        user = await directory.create_user(userName="kim@example.com", externalId=str(number))
        ids.append(user["id"])
        await directory.send("DELETE", f"/Users/{user['id']}")
    ids.append((await directory.create_user(userName="kim@example.com"))["id"])
    items = await found(directory, "users?userName=KIM@example.com")
    assert [each["user"]["id"] for each in items] == ids
    assert [each["deletedAt"] is None for each in items] == [False, False, True]
    assert [each["user"]["active"] for each in items] == [False, False, True]
    one = await found(directory, "users?userName=kim@example.com&externalId=1")
    assert [each["user"]["id"] for each in one] == ids[1:2]


async def test_groups_are_found_by_name(directory: Directory) -> None:
    """In any case, without members, and reading none."""
    kim = await directory.create_user()
    group = await directory.create_group("Tunnels", [kim["id"]])
    (item,) = await found(directory, "groups?displayName=TUNNELS")
    del group["members"]
    assert item == {"group": group}
    assert await found(directory, "groups?displayName=Tunnel") == []


async def test_a_deleted_directory_can_be_looked_into(directory: Directory) -> None:
    """Its users stay for admins until the purge."""
    kim = await directory.create_user()
    await directory.endpoint.manage("DELETE", f"/directories/{directory.id}")
    (item,) = await found(directory, f"users?userName={kim['userName']}")
    assert item["user"] == kim


@pytest.mark.parametrize("question", ["users", "users?userName=", "users?name=x", "groups"])
async def test_a_look_up_says_whom_to_look_for(directory: Directory, question: str) -> None:
    """400 otherwise, with the names of the parameters: it is no way to list everybody."""
    path = f"/directories/{directory.id}/{question}"
    answer = await directory.endpoint.manage("GET", path)
    assert answer.status == 400
    assert "ame" in answer.json["detail"]
