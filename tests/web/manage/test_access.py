"""Who has access, and why."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from urllib.parse import quote

import pytest

from scim.provisioning.queries import access_report
from tests.endpoint import Directory, Endpoint

RULES = [
    {"name": "HR", "group": "HR", "grants": [{"tenant": "hr", "role": "Designer"}]},
    {
        "name": "Leads",
        "condition": 'title eq "Lead" and not (userType eq "Guest")',
        "grants": [{"tenant": "hr", "role": "Lead"}, {"tenant": "west", "role": "Lead"}],
    },
]


@pytest.fixture
async def rules(endpoint: Endpoint) -> list[str]:
    """Make the rules and return their ids."""
    return [(await endpoint.manage("POST", "/rules", each)).json["id"] for each in RULES]


async def listed(endpoint: Endpoint, query: str) -> list[Any]:
    """Return all pages of a list."""
    items, cursor = [], ""
    while True:
        answer = await endpoint.manage("GET", f"/access?{query}{cursor}")
        assert answer.status == 200, answer.raw
        items += answer.json["items"]
        if answer.json["nextCursor"] is None:
            return items
        cursor = f"&cursor={answer.json['nextCursor']}"


async def test_access_is_listed(directory: Directory, rules: list[str]) -> None:
    """Everybody's, with the rules; by tenant, role, userName in any case, and directory."""
    endpoint = directory.endpoint
    kim = (await directory.create_user(userName="kim", title="Lead"))["id"]
    lee = (await directory.create_user(userName="lee"))["id"]
    other = await endpoint.directory("other")
    await other.create_user(userName="kim", title="Lead")
    await directory.create_group("HR", [lee])
    first = {
        "directory": directory.id,
        "directoryState": "active",
        "userId": kim,
        "userName": "kim",
        "tenant": "hr",
        "role": "Lead",
        "rules": [rules[1]],
    }
    items = await listed(endpoint, f"directory={directory.id}")
    assert items[0] == first
    assert [(each["userName"], each["tenant"], each["role"]) for each in items] == [
        ("kim", "hr", "Lead"),
        ("kim", "west", "Lead"),
        ("lee", "hr", "Designer"),
    ]
    assert len(await listed(endpoint, "tenant=west")) == 2
    assert len(await listed(endpoint, "tenant=hr&role=Lead")) == 2
    assert len(await listed(endpoint, "userName=KIM")) == 4
    assert await listed(endpoint, f"userName=nobody&directory={directory.id}") == []


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.usefixtures("rules")
async def test_pages_hold_everything_once(
    directory: Directory, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the size of a page, and where a call may not read on."""
    monkeypatch.setattr(access_report, "USERS_MOST", 2)
    for number in range(5):
        await directory.create_user(userName=f"u{number}", title="Lead" if number % 3 else "x")
    other = await directory.endpoint.directory("other")
    await other.create_user(userName="u5", title="Lead")
    items = await listed(directory.endpoint, f"limit={limit}")
    found = sorted((each["userName"], each["tenant"]) for each in items)
    assert found == [(f"u{n}", each) for n in (1, 2, 4, 5) for each in ("hr", "west")]


@pytest.mark.usefixtures("rules")
async def test_a_spreadsheet_opens_the_list(directory: Directory) -> None:
    """As CSV by Accept or format, no cell is a formula, and a header leads to the next page."""
    endpoint = directory.endpoint
    await directory.create_user(userName='=HYPERLINK("x")', title="Lead")
    await directory.create_user(userName='with, comma and "quotes"', title="Lead")
    by_format = await endpoint.manage("GET", "/access?format=csv")
    by_accept = await endpoint.manage("GET", "/access", headers={"Accept": "text/csv"})
    assert by_format.raw == by_accept.raw
    assert by_format.headers["Content-Type"].startswith("text/csv")
    head, *lines = csv.reader(StringIO(by_format.raw.decode()))
    assert head[3:6] == ["userName", "tenant", "role"]
    assert [each[3] for each in lines] == [
        '\'=HYPERLINK("x")',
        '\'=HYPERLINK("x")',
        'with, comma and "quotes"',
        'with, comma and "quotes"',
    ]
    first = await endpoint.manage("GET", "/access?format=csv&limit=3")
    link = first.headers["Link"].partition(">")[0].removeprefix("<https://scim.example.com")
    second = await endpoint.manage("GET", link.removeprefix("/manage/v1"))
    assert (
        first.raw.splitlines()[1:] + second.raw.splitlines()[1:] == by_format.raw.splitlines()[1:]
    )
    assert "Link" not in second.headers


@pytest.mark.parametrize(("kept", "has"), [("keep", True), ("withdraw", False)])
@pytest.mark.usefixtures("rules")
async def test_access_of_a_deleted_directory(directory: Directory, kept: str, *, has: bool) -> None:
    """It is kept and marked, or withdrawn, as whoever deleted the directory said."""
    endpoint = directory.endpoint
    await directory.create_user(title="Lead")
    await endpoint.manage("DELETE", f"/directories/{directory.id}", {"access": kept})
    items = await listed(endpoint, "tenant=hr")
    assert [each["directoryState"] for each in items] == (["deleted"] if has else [])


async def why(directory: Directory, user: str, tenant: str, role: str) -> Any:
    """Return why a user has a role, or has not."""
    path = f"/directories/{directory.id}/users/{user}/why?tenant={quote(tenant)}&role={quote(role)}"
    answer = await directory.endpoint.manage("GET", path)
    assert answer.status == 200, answer.raw
    return answer.json


async def test_why_somebody_has_a_role(directory: Directory, rules: list[str]) -> None:
    """The rule, what of its condition matched, and the log entry that brought it about."""
    kim = (await directory.create_user(userName="kim"))["id"]
    group = await directory.send(
        "POST", "/Groups", {"displayName": "HR", "members": [{"value": kim}]}
    )
    found = await why(directory, kim, "hr", "Designer")
    assert found["granted"] is True
    assert found["pending"] is False
    assert found["rules"] == [
        {
            "id": rules[0],
            "name": "HR",
            "verdict": "grants",
            "decisive": [{"part": 'groups.display eq "HR"', "holds": True}],
        }
    ]
    newest = (await directory.log())[0]
    assert found["since"]["messageId"] == group.headers["x-message-id"] == newest.message_id
    assert found["since"]["time"] == newest.time.isoformat(timespec="milliseconds").replace(
        "+00:00", "Z"
    )


async def test_why_somebody_has_a_role_not(directory: Directory, rules: list[str]) -> None:
    """Which part of the condition failed; or that the rule or the user is not active."""
    endpoint = directory.endpoint
    kim = (await directory.create_user(title="Lead", userType="Guest"))["id"]
    found = await why(directory, kim, "west", "Lead")
    assert (found["granted"], found["since"]) == (False, None)
    [verdict] = found["rules"]
    assert verdict["verdict"] == "conditionFailed"
    assert verdict["decisive"] == [{"part": 'userType eq "Guest"', "holds": True}]
    assert (await why(directory, kim, "no", "One"))["rules"] == []
    await directory.patch(kim, {"op": "remove", "path": "userType"})
    await directory.patch(kim, {"op": "replace", "path": "active", "value": False})
    assert (await why(directory, kim, "west", "Lead"))["rules"][0]["verdict"] == "inactive"
    await endpoint.manage("PATCH", f"/rules/{rules[1]}", {"enabled": False})
    found = await why(directory, kim, "west", "Lead")
    assert found["rules"][0]["verdict"] == "disabled"
    assert found["pending"] is True
