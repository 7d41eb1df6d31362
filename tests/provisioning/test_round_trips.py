"""The round-trip budget of the design, by count; authentication is in the caches."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any
from urllib.parse import quote

import pytest

from tests.endpoint import Answer, Directory


async def calls(directory: Directory, call: Awaitable[Answer], status: int) -> dict[str, int]:
    """Return how often the call reached the storage port, by verb, and the rows written."""
    storage = directory.endpoint.storage
    storage.calls.clear()
    storage.written = 0
    answer = await call
    assert answer.status == status, answer.raw
    return dict(storage.calls) | ({"rows": storage.written} if storage.written else {})


@pytest.fixture
async def kim(directory: Directory) -> Any:
    """Make a user with every indexed attribute; the token is in the cache afterwards."""
    return await directory.create_user(
        userName="kim@example.com",
        externalId="kim",
        emails=[{"type": "work", "value": "kim.work@example.com"}],
    )


async def test_creating_a_user_is_one_commit(directory: Directory, kim: Any) -> None:
    """A POST costs one round trip; a taken userName is found by the commit itself."""
    body = {"userName": "lee@example.com", "externalId": "lee"}
    assert await calls(directory, directory.send("POST", "/Users", body), 201) == {
        "commit": 1,
        "rows": 8,  # user, userName, externalId, order, log, log index, who had the name, names had
    }
    taken = {"userName": kim["userName"].upper()}
    # The second commit, behind a look at the failed event, keeps the refusal.
    refused = await calls(directory, directory.send("POST", "/Users", taken), 409)
    assert refused == {"commit": 2, "get": 1, "rows": 7 + 5}


async def test_getting_a_user_is_one_read(directory: Directory, kim: Any) -> None:
    """A GET by id costs one round trip."""
    assert await calls(directory, directory.send("GET", f"/Users/{kim['id']}"), 200) == {"scan": 1}


@pytest.mark.parametrize(
    ("condition", "hit", "miss"),
    [
        ('userName eq "KIM@example.com"', 2, 1),
        ('externalId eq "kim"', 2, 1),
        ('emails.value eq "Kim.Work@example.com"', 2, 1),
        ('emails[type eq "work" and value eq "kim.work@example.com"]', 2, 1),
        ('emails[type eq "work"].value eq "kim.work@example.com"', 2, 1),
        ('active eq true and emails eq "kim.work@example.com"', 2, 1),
    ],
)
@pytest.mark.usefixtures("kim")
async def test_an_indexed_filter_is_two_reads(
    directory: Directory, condition: str, hit: int, miss: int
) -> None:
    """A hit reads the index and the user, a miss the index alone."""
    found = directory.send("GET", "/Users", query="filter=" + quote(condition))
    assert sum((await calls(directory, found, 200)).values()) == hit
    other = condition.replace("kim", "nobody").replace("KIM", "nobody").replace("Kim", "nobody")
    missed = directory.send("GET", "/Users", query="filter=" + quote(other))
    assert sum((await calls(directory, missed, 200)).values()) == miss


async def test_changing_a_user_is_a_read_and_a_commit(directory: Directory, kim: Any) -> None:
    """PATCH and PUT cost two round trips; one that changes nothing costs the read alone."""
    disable = {"op": "replace", "path": "active", "value": False}
    assert await calls(directory, directory.patch(kim["id"], disable), 200) == {
        "scan": 1,
        "commit": 1,
        "rows": 3,  # user, log, log index
    }
    assert await calls(directory, directory.patch(kim["id"], disable), 200) == {"scan": 1}
    body = {**kim, "displayName": "Kim"}
    put = directory.send("PUT", f"/Users/{kim['id']}", body)
    assert await calls(directory, put, 200) == {"scan": 1, "commit": 1, "rows": 3}


async def test_deleting_a_user_is_one_commit_after_its_reads(
    directory: Directory, kim: Any
) -> None:
    """A DELETE of a user without groups and reports reads once (two reads together)."""
    assert await calls(directory, directory.send("DELETE", f"/Users/{kim['id']}"), 204) == {
        "scan": 2,
        "commit": 1,
        "rows": 7,  # user, userName, externalId, e-mail, order, log, log index
    }


@pytest.mark.parametrize("size", [2, 130])
async def test_one_member_costs_the_same_in_any_group(directory: Directory, size: int) -> None:
    """Adding or removing one member: two reads together and a commit, whatever the size."""
    ids = [(await directory.create_user())["id"] for _ in range(size)]
    new = (await directory.create_user())["id"]
    group = await directory.create_group("Tunnels", ids)
    add = {"op": "add", "path": "members", "value": [{"value": new}]}
    remove = {"op": "remove", "path": f'members[value eq "{new}"]'}
    for operation in (add, remove):
        assert await calls(directory, directory.patch_group(group["id"], operation), 204) == {
            "scan": 2,
            "commit": 1,
            "rows": 7,  # group, user, membership, member, log and its index by both
        }


@pytest.mark.parametrize("size", [2, 130])
async def test_a_group_without_its_members_is_one_read(directory: Directory, size: int) -> None:
    """`excludedAttributes=members` reads no member row, by id and by displayName."""
    ids = [(await directory.create_user())["id"] for _ in range(size)]
    group = await directory.create_group("Tunnels", ids)
    without = "excludedAttributes=members"
    get = directory.send("GET", f"/Groups/{group['id']}", query=without)
    assert await calls(directory, get, 200) == {"scan": 1}
    query = f"{without}&filter=displayName%20eq%20%22tunnels%22"
    assert await calls(directory, directory.send("GET", "/Groups", query=query), 200) == {
        "get": 1,
        "scan": 1,
    }


async def test_deleting_a_user_reads_its_groups_together(directory: Directory) -> None:
    """DELETE of a user in m groups: its own reads, m more beside each other, one commit."""
    kim = (await directory.create_user())["id"]
    for number in range(3):
        await directory.create_group(f"Group {number}", [kim])
    assert await calls(directory, directory.send("DELETE", f"/Users/{kim}"), 204) == {
        "scan": 2 + 3,
        "commit": 1,
        # user, userName, order, log, its index; per group: group, both sides, index
        "rows": 5 + 3 * 4,
    }
