"""Groups of any size: memberships agree in both directions, whatever a change takes."""

from __future__ import annotations

from typing import Any

import pytest

from scim.protocol.patch import MAX_OPERATIONS
from scim.protocol.schema import ENTERPRISE_USER
from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.groups.storing import NAME_LENGTH
from scim.provisioning.upkeep.checker import check
from tests.endpoint import Directory

LARGE = 130  # members; a change of all of them takes several commits


async def users(directory: Directory, number: int) -> list[str]:
    """Create users and return their ids."""
    return [(await directory.create_user())["id"] for _ in range(number)]


def adding(ids: list[str]) -> dict[str, Any]:
    """Return the operation that adds members."""
    return {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}


async def groups_of(directory: Directory, user_id: str) -> list[str]:
    """Return the names of a user's groups as a GET shows them."""
    return [each["display"] for each in (await directory.get(user_id)).get("groups", [])]


async def open_jobs(directory: Directory) -> int:
    """Return the number of jobs and of their pending rows."""
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    jobs = await storage.scan(partition, "j_", "j_~")
    chunks = await storage.scan(partition, "c_", "c_~")
    return len(jobs.rows) + len(chunks.rows)


async def counted(directory: Directory) -> dict[str, int]:
    """Return the totals that are not zero, among those that groups change."""
    services = directory.endpoint.services
    found = await totals.read(services.storage, rows.partition(directory.id), services.now())
    return {name: found[name] for name in ("groups", "memberships") if found.get(name)}


@pytest.mark.parametrize("size", [1, 3, LARGE])
async def test_members_are_shown_on_both_sides(directory: Directory, size: int) -> None:
    """A group created with members shows them, and each of them shows the group."""
    ids = await users(directory, size)
    group = await directory.create_group("Tunnels", ids)
    assert await directory.members(group["id"]) == set(ids)
    for each in (ids[0], ids[-1]):
        assert await groups_of(directory, each) == ["Tunnels"]
    assert await open_jobs(directory) == 0
    assert await counted(directory) == {"groups": 1, "memberships": size}


@pytest.mark.parametrize("size", [2, LARGE])
async def test_a_rename_reaches_every_member(directory: Directory, size: int) -> None:
    """Members show the group's new name as soon as the rename is answered."""
    ids = await users(directory, size)
    group = await directory.create_group("Tunnels", ids)
    rename = {"op": "replace", "value": {"displayName": "Tunnels North"}}
    assert (await directory.patch_group(group["id"], rename)).status == 204
    for each in ids:
        assert await groups_of(directory, each) == ["Tunnels North"]
    assert await open_jobs(directory) == 0


@pytest.mark.parametrize("size", [2, LARGE])
async def test_a_deleted_group_leaves_nothing(directory: Directory, size: int) -> None:
    """After DELETE no member shows the group, its name is free and nothing of it is stored."""
    ids = await users(directory, size)
    group = await directory.create_group("Tunnels", ids)
    assert (await directory.send("DELETE", f"/Groups/{group['id']}")).status == 204
    assert (await directory.send("GET", f"/Groups/{group['id']}")).status == 404
    for each in ids:
        assert await groups_of(directory, each) == []
    await directory.create_group("tunnels")
    assert await open_jobs(directory) == 0
    assert await counted(directory) == {"groups": 1}


@pytest.mark.parametrize("number", [2, 40])
async def test_a_deleted_user_leaves_all_groups(directory: Directory, number: int) -> None:
    """After DELETE of a user no group has it as a member, and nobody has it as manager."""
    kim, report = await users(directory, 2)
    manager = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager"
    await directory.patch(report, {"op": "add", "path": manager, "value": {"value": kim}})
    groups = [
        (await directory.create_group(f"Group {each}", [kim, report]))["id"]
        for each in range(number)
    ]
    assert (await directory.send("DELETE", f"/Users/{kim}")).status == 204
    for each in groups:
        assert await directory.members(each) == {report}
    assert "manager" not in str(await directory.get(report))
    assert await open_jobs(directory) == 0
    assert await counted(directory) == {"groups": number, "memberships": number}


async def test_replacing_the_list_keeps_who_is_in_both(directory: Directory) -> None:
    """PUT writes the difference: who stays is not touched, who left shows the group no more."""
    first, second, third = await users(directory, 3)
    group = await directory.create_group("Tunnels", [first, second])
    version = (await directory.get(second))["meta"]["version"]
    body = {"displayName": "Tunnels", "members": [{"value": second}, {"value": third}]}
    answer = await directory.send("PUT", f"/Groups/{group['id']}", body)
    assert answer.status == 200
    assert await directory.members(group["id"]) == {second, third}
    assert await groups_of(directory, first) == []
    assert (await directory.get(second))["meta"]["version"] == version


async def test_an_unknown_member_refuses_the_whole_change(directory: Directory) -> None:
    """400 names the id; nobody is added and the rename beside it does not happen."""
    kim, stranger = (await users(directory, 1))[0], "0199aaaa-0000-7000-8000-000000000000"
    group = await directory.create_group("Tunnels")
    rename = {"op": "replace", "path": "displayName", "value": "North"}
    answer = await directory.patch_group(group["id"], rename, adding([kim, stranger]))
    assert (answer.status, answer.json["scimType"]) == (400, "invalidValue")
    assert stranger in answer.json["detail"]
    assert await directory.members(group["id"]) == set()
    assert await groups_of(directory, kim) == []


async def test_as_many_members_can_be_listed_to_remove_as_to_add(directory: Directory) -> None:
    """Entra and JumpCloud list whom to remove: a list longer than a message's operations works."""
    kim, lee = await users(directory, 2)
    group = await directory.create_group("Tunnels", [kim, lee])
    former = [f"0199aaaa-0000-7000-8000-{each:012x}" for each in range(MAX_OPERATIONS)]
    leaving = {**adding([*former, kim]), "op": "Remove"}
    assert (await directory.patch_group(group["id"], leaving)).status == 204
    assert await directory.members(group["id"]) == {lee}


async def test_groups_in_groups(directory: Directory) -> None:
    """A group can be a member; deleting it ends that membership."""
    inner = await directory.create_group("Inner")
    outer = await directory.create_group("Outer", [inner["id"]])
    shown = (await directory.send("GET", f"/Groups/{outer['id']}")).json["members"]
    assert [(each["value"], each["type"]) for each in shown] == [(inner["id"], "Group")]
    assert (await directory.send("DELETE", f"/Groups/{inner['id']}")).status == 204
    assert await directory.members(outer["id"]) == set()
    assert await counted(directory) == {"groups": 1}


async def test_a_group_cannot_hold_itself(directory: Directory) -> None:
    """400 invalidValue."""
    group = await directory.create_group("Tunnels")
    assert (await directory.patch_group(group["id"], adding([group["id"]]))).status == 400


@pytest.mark.parametrize(
    "condition",
    [
        'members eq "{kim}"',
        'members.value eq "{kim}"',
        'members[value eq "{kim}"]',
        'members[value eq "{kim}" and type eq "User"]',
        'displayName sw "T" and members.value eq "{kim}"',
    ],
)
async def test_filters_by_member_find_the_groups(directory: Directory, condition: str) -> None:
    """The groups of one member, and no others, whatever else the filter asks."""
    kim, lee = await users(directory, 2)
    tunnels = await directory.create_group("Tunnels", [kim, lee])
    await directory.create_group("Towers", [lee])
    query = "filter=" + condition.format(kim=kim).replace(" ", "%20").replace('"', "%22")
    answer = await directory.send("GET", "/Groups", query=query)
    assert [each["id"] for each in answer.json["Resources"]] == [tunnels["id"]], answer.raw


async def test_filters_by_group_find_the_users(directory: Directory) -> None:
    """`groups.value eq` uses the memberships, `groups.display eq` the names shown."""
    kim, _ = await users(directory, 2)
    group = await directory.create_group("Tunnels", [kim])
    for condition in (f'groups.value eq "{group["id"]}"', 'groups.display eq "tunnels"'):
        query = "filter=" + condition.replace(" ", "%20").replace('"', "%22")
        answer = await directory.send("GET", "/Users", query=query)
        assert [each["id"] for each in answer.json["Resources"]] == [kim]


async def test_a_member_filter_on_something_else_reads_the_members(directory: Directory) -> None:
    """`remove members[type eq "Group"]` leaves the users."""
    kim = (await users(directory, 1))[0]
    inner = await directory.create_group("Inner")
    group = await directory.create_group("Outer", [kim, inner["id"]])
    remove = {"op": "remove", "path": 'members[type eq "Group"]'}
    assert (await directory.patch_group(group["id"], remove)).status == 204
    assert await directory.members(group["id"]) == {kim}


@pytest.mark.parametrize("size", [0, LARGE])
async def test_groups_within_each_other_can_be_deleted(directory: Directory, size: int) -> None:
    """A group that is member of its own member goes as any other, and nothing of it is left."""
    one = (await directory.create_group("One", await users(directory, size)))["id"]
    other = (await directory.create_group("Other", [one]))["id"]
    assert (await directory.patch_group(one, adding([other]))).status == 204
    assert await counted(directory) == {"groups": 2, "memberships": size + 2}
    assert (await directory.send("DELETE", f"/Groups/{one}")).status == 204
    assert await directory.members(other) == set()
    assert await counted(directory) == {"groups": 1}
    assert (await directory.send("DELETE", f"/Groups/{other}")).status == 204
    assert await open_jobs(directory) == 0
    services = directory.endpoint.services
    partition = rows.partition(directory.id)
    assert not [*await check(services.storage, partition, services.now())]


@pytest.mark.parametrize("size", [1, LARGE])
async def test_a_name_has_to_fit_every_membership(directory: Directory, size: int) -> None:
    """One that is too long is refused before anything is changed; the longest one is taken."""
    group = (await directory.create_group("Tunnels", await users(directory, size)))["id"]
    longest = "\U0001f687" * NAME_LENGTH
    renaming = {"op": "replace", "path": "displayName"}
    before = await directory.state()
    refused = await directory.patch_group(group, {**renaming, "value": f"{longest}s"})
    assert (refused.status, refused.json["scimType"]) == (400, "invalidValue")
    assert await directory.state() == before
    assert (await directory.patch_group(group, {**renaming, "value": longest})).status == 204
    assert await open_jobs(directory) == 0


async def test_members_of_any_size_are_no_obstacle(directory: Directory) -> None:
    """Where rows are too large for one commit together, several take the change."""
    ids = [(await directory.create_user(title="x" * 400_000))["id"] for _ in range(10)]
    group = (await directory.create_group("Tunnels", ids))["id"]
    assert await directory.members(group) == set(ids)
    renaming = {"op": "replace", "path": "displayName", "value": "Bridges"}
    assert (await directory.patch_group(group, renaming)).status == 204
    assert await groups_of(directory, ids[-1]) == ["Bridges"]
    assert (await directory.send("DELETE", f"/Groups/{group}")).status == 204
    assert await groups_of(directory, ids[-1]) == []
    assert await open_jobs(directory) == 0


async def test_reports_of_any_size_are_no_obstacle(directory: Directory) -> None:
    """A manager goes, however large the rows of those who reported to it."""
    manager = (await directory.create_user())["id"]
    extension = {ENTERPRISE_USER: {"manager": {"value": manager}}}
    reports = [
        (await directory.create_user(title="x" * 400_000, **extension))["id"] for _ in range(10)
    ]
    assert (await directory.send("DELETE", f"/Users/{manager}")).status == 204
    assert ENTERPRISE_USER not in await directory.get(reports[-1])
    assert await open_jobs(directory) == 0
