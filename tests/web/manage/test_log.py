"""Reports of the provisioning log."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from scim.provisioning import rows
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log import report as log_report
from scim.provisioning.log.entries import Call, Did, Target, entry_rows
from scim.provisioning.policy import Policy
from tests.endpoint import Answer, Directory, Endpoint

GONE = "01a21293-b657-78c4-939f-61a62126ba7a"


async def read(directory: Directory, path: str = "", **query: Any) -> Answer:
    """Read the log of a directory, or another path."""
    path = path or f"/directories/{directory.id}/log"
    asked = f"?{urlencode(query)}" if query else ""
    return await directory.endpoint.manage("GET", path + asked)


async def items(directory: Directory, path: str = "", **query: Any) -> list[Any]:
    """Return all items, page by page."""
    found: list[Any] = []
    while True:
        answer = await read(directory, path, **query)
        assert answer.status == 200, answer.raw
        found += answer.json["items"]
        if answer.json["nextCursor"] is None:
            return found
        query["cursor"] = answer.json["nextCursor"]


@pytest.fixture
async def history(directory: Directory) -> dict[str, str]:
    """Let some days pass: a user is made, renamed, refused, joins a group and is deleted."""
    clock = directory.endpoint.clock
    kim = (await directory.create_user(userName="Kim@example.com"))["id"]
    lee = (await directory.create_user(userName="lee@example.com"))["id"]
    clock.forward(days=1)
    await directory.patch(kim, {"op": "replace", "path": "userName", "value": "holm@example.com"})
    await directory.patch(kim, {"op": "replace", "path": "active", "value": "perhaps"})
    clock.forward(days=1)
    group = (await directory.create_group("Tunnels", [kim, lee]))["id"]
    await directory.send("POST", "/Users", {"userName": "HOLM@example.com"})
    clock.forward(days=1)
    await directory.send("DELETE", f"/Users/{kim}")
    await directory.send("DELETE", f"/Users/{GONE}")
    return {"kim": kim, "lee": lee, "group": group}


def told(found: list[Any]) -> list[tuple[str, str]]:
    """Return operations and outcome of items."""
    return [(" ".join(each["operations"]), each["outcome"]) for each in found]


async def test_an_entry_is_shown_field_by_field(
    directory: Directory, history: dict[str, str]
) -> None:
    """A change tells all that is known of it; a refusal also why, and what to do."""
    found = await items(directory)
    assert [each["time"] for each in found] == sorted((e["time"] for e in found), reverse=True)
    refused, created = found[0], found[-1]
    assert created == {
        "time": created["time"],
        "messageId": created["messageId"],
        "directory": directory.id,
        "actor": f"token {directory.token.split('_')[1]}",
        "operations": ["create"],
        "target": {"type": "User", "id": history["kim"], "identifier": "Kim@example.com"},
        "outcome": "success",
        "changes": [
            {"attribute": "userName", "old": None, "new": None},
            {"attribute": "active", "old": None, "new": True},
        ],
        "accessGained": [],
        "accessLost": [],
        "accessCut": False,
        "quirks": ["infer_schemas"],
        "ignored": [],
        "durationMs": created["durationMs"],
        "userAgent": created["userAgent"],
        "traceparent": "",
        "job": None,
        "status": None,
        "scimType": None,
        "detail": "",
        "causeName": None,
        "cause": None,
        "advice": None,
    }
    assert (refused["status"], refused["scimType"], refused["outcome"]) == (404, None, "refused")
    assert "not in this directory any more" in refused["cause"]
    assert "match anew" in refused["advice"]
    assert GONE in refused["detail"]


@pytest.mark.parametrize("name", ["KIM@example.com", "holm@EXAMPLE.com", "{kim}"])
async def test_a_user_is_found_by_any_name(
    directory: Directory, history: dict[str, str], name: str
) -> None:
    """By each userName it had, in any case, or its id; also once it is deleted."""
    found = await items(directory, user=name.format(**history))
    own = [each for each in found if each["target"]["id"] in (history["kim"], history["group"])]
    assert told(own) == [
        ("delete", "success"),
        ("create addMembers", "success"),
        ("enable", "refused"),
        ("update", "success"),
        ("create", "success"),
    ]
    # Who was refused the name was called by it.
    others = [each for each in found if each not in own]
    assert told(others) == ([("create", "refused")] if name.startswith("holm") else [])
    assert await items(directory, user="nobody") == []


@pytest.mark.parametrize("name", ["TUNNELS", "bridges", "{group}"])
async def test_a_group_is_found_by_any_name(
    directory: Directory, history: dict[str, str], name: str
) -> None:
    """By each displayName it had, in any case, or its id; also once it is deleted."""
    rename = {"op": "replace", "path": "displayName", "value": "Bridges"}
    await directory.patch_group(history["group"], rename)
    await directory.send("DELETE", f"/Groups/{history['group']}")
    found = await items(directory, user=name.format(**history))
    assert told(found) == [
        ("delete", "success"),
        ("update", "success"),
        ("delete", "success"),  # of a member
        ("create addMembers", "success"),
    ]


async def test_a_long_name_is_found(directory: Directory) -> None:
    """Also one of which the log shows the beginning alone."""
    name = "long" * 100
    await directory.create_user(userName=name)
    assert told(await items(directory, user=name.upper())) == [("create", "success")]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"operation": "delete"}, [("delete", "refused"), ("delete", "success")]),
        ({"operation": "AddMembers"}, [("create addMembers", "success")]),
        ({"outcome": "refused", "operation": "create"}, [("create", "refused")]),
        ({"outcome": "failed"}, []),
        ({"from": "2026-11-28"}, [("delete", "refused"), ("delete", "success")]),
        (
            {"from": "2026-11-26T00:00:00+00:00", "to": "2026-11-27T00:00:00Z"},
            [("enable", "refused"), ("update", "success")],
        ),
        ({"to": "2026-11-26T02:00:00+02:00"}, [("create", "success")] * 2),
        ({"from": "2026-11-27", "to": "2026-11-26"}, []),
    ],
)
@pytest.mark.usefixtures("history")
async def test_questions_are_narrowed(
    directory: Directory, query: dict[str, str], expected: list[Any]
) -> None:
    """By operation, by outcome, and by time: from its first moment, and before its last."""
    for limit in ("1", "100"):
        assert told(await items(directory, limit=limit, **query)) == expected


async def test_the_ends_of_a_time_are_exact(directory: Directory, history: dict[str, str]) -> None:
    """`from` belongs to what is asked for, to the millisecond; `to` does not."""
    for each in await items(directory):
        at = each["time"]
        assert each in await items(directory, **{"from": at})
        assert each not in await items(directory, to=at)
    assert history


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
@pytest.mark.parametrize("query", [{}, {"user": "holm@example.com"}])
@pytest.mark.usefixtures("history")
async def test_pages_join(directory: Directory, limit: int, query: dict[str, str]) -> None:
    """Whatever the size of a page, all pages together are the whole report, each item once."""
    whole = await items(directory, limit=1000, **query)
    assert await items(directory, limit=limit, **query) == whole
    assert len(whole) == (8 if not query else 6)


@pytest.mark.parametrize("limit", [1, 2, 3])
async def test_a_name_of_two_users_is_one_report(directory: Directory, limit: int) -> None:
    """Their entries are merged by time, each once, whatever the size of a page."""
    first = (await directory.create_user(userName="kim"))["id"]
    await directory.patch(first, {"op": "replace", "path": "userName", "value": "holm"})
    second = (await directory.create_user(userName="kim"))["id"]
    for number in range(12):
        changed = (first, first, second)[number % 3]
        await directory.patch(changed, {"op": "replace", "path": "title", "value": str(number)})
    found = await items(directory, user="KIM", limit=limit)
    messages = [each["messageId"] for each in found]
    assert messages == [each.message_id for each in await directory.log()]
    for operation in (Did.CREATE, Did.UPDATE):
        asked = await items(directory, user="KIM", limit=limit, operation=operation)
        assert asked == [each for each in found if operation in each["operations"]]


async def test_a_message_is_found(directory: Directory, history: dict[str, str]) -> None:
    """By the message id of a change, of a refusal, and of a change by an admin."""
    manage = directory.endpoint.manage
    changed = await manage("PATCH", f"/directories/{directory.id}", {"name": "Tunnels"})
    for each in [*await items(directory), {"messageId": changed.headers["x-message-id"]}]:
        (found,) = await items(directory, messageId=each["messageId"])
        assert found["messageId"] == each["messageId"]
    assert await items(directory, messageId=history["kim"]) == []
    assert await items(directory, messageId="nonsense") == []


@pytest.mark.usefixtures("small_commits")
async def test_a_long_change_is_one_entry(directory: Directory) -> None:
    """A change of several commits is one entry by time and by message; a member finds its part."""
    people = [(await directory.create_user())["id"] for _ in range(5)]
    group = await directory.create_group("Tunnels")
    value = [{"value": each} for each in people]
    answer = await directory.patch_group(
        group["id"], {"op": "add", "path": "members", "value": value}
    )
    assert answer.status == 204
    message = answer.headers["x-message-id"]
    for query in ({}, {"messageId": message}, {"user": people[4]}):
        found = [e for e in await items(directory, **query) if e["messageId"] == message]
        assert told(found) == [("addMembers", "success")]
        assert found[0]["target"]["identifier"] == "Tunnels"
        assert found[0]["job"]
        took = [e.duration_ms or 0 for e in await directory.log() if e.message_id == message]
        assert len(took) == 4
        assert found[0]["durationMs"] in (took if "user" in query else [max(took)])


async def test_all_directories_are_read_as_one(
    directory: Directory, history: dict[str, str]
) -> None:
    """Newest first across directories, page by page, also by user."""
    other = await directory.endpoint.directory("other")
    await other.create_user(userName="holm@example.com")
    directory.endpoint.clock.forward(seconds=1)
    await directory.create_user(userName="new@example.com")
    apart = [*await items(directory), *await items(other)]
    whole = await items(directory, "/log", limit=2)
    assert whole == sorted(apart, key=lambda each: each["time"], reverse=True)
    assert {each["directory"] for each in whole} == {directory.id, other.id}
    named = await items(directory, "/log", user="HOLM@example.com", limit=1)
    assert len(named) == 7
    assert history


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ({"operation": "fly"}, "create, update, disable"),
        ({"outcome": "odd"}, "success, refused, failed"),
        ({"from": "yesterday"}, "2026-11-25T12:00:00Z"),
        ({"format": "xml"}, "json or csv"),
        ({"limit": "0"}, "limit"),
        ({"cursor": "x"}, "cursor"),
    ],
)
async def test_wrong_questions_are_told(
    directory: Directory, query: dict[str, str], says: str
) -> None:
    """400 that names what can be asked."""
    answer = await read(directory, **query)
    assert answer.status == 400
    assert says in answer.json["detail"]


async def test_a_spreadsheet_opens_it(directory: Directory) -> None:
    """CSV by Accept or format: a line an entry, the next page in Link, and never a formula."""
    formulas = ["=cmd|'/C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "\uff1d1"]
    for name in formulas:
        await directory.create_user(userName=name, shoeSize=43)
    answer = await read(directory, format="csv", limit=4)
    assert answer.headers["Content-Type"].startswith("text/csv")
    lines = [*csv.DictReader(StringIO(answer.raw.decode()))]
    assert len(lines) == 4
    link = answer.headers["Link"]
    assert link.endswith('>; rel="next"')
    path = link[1:].partition(">")[0].partition("/manage/v1")[2]
    sent = {"Accept": "text/csv"}
    following = await directory.endpoint.manage("GET", path.replace("format=csv&", ""), None, sent)
    lines += csv.DictReader(StringIO(following.raw.decode()))
    assert "Link" not in following.headers
    shown = [f"'{name}".replace("\t", "\t'") for name in reversed(formulas)]
    assert [each["identifier"] for each in lines] == shown
    assert lines[0]["operations"] == "create"
    assert lines[0]["targetType"] == "User"
    assert lines[0]["changes"] == "userName active"
    assert lines[0]["ignored"] == "shoeSize"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("a;=1", "a;'=1"),
        ("a; \t+1;-2", "a; \t'+1;'-2"),
        ("=1;@x", "'=1;'@x"),
        ("a\n=1", "a\n'=1"),
        (";=1", ";'=1"),
        ("a; b=1, -2", "a; b=1, -2"),
    ],
)
async def test_no_formula_hides_behind_a_separator(
    directory: Directory, name: str, shown: str
) -> None:
    """Where a semicolon or a line ends a cell, the next one begins with no formula either."""
    await directory.create_user(userName=name)
    answer = await read(directory, format="csv")
    (line,) = csv.DictReader(StringIO(answer.raw.decode(), newline=""))
    assert line["identifier"] == shown


async def fill(endpoint: Endpoint, directory: str, number: int) -> None:
    """Log changes of as many other users."""
    partition = rows.partition(directory)
    for _ in range(number // 20):
        operations: list[Any] = []
        for _ in range(20):
            now = endpoint.clock()
            someone = resource_id(now)
            call = Call(directory, resource_id(now), now, actor="x", policy=Policy())
            target = Target(type="User", id=someone, identifier=someone)
            entry = call.entry([Did.UPDATE], target, adds={})
            operations += entry_rows(call.log_key(), entry, [someone])
        await endpoint.services.storage.commit(partition, operations)


async def test_a_report_costs_what_it_answers(
    directory: Directory, history: dict[str, str]
) -> None:
    """By user, by message and by time the round trips are the same however long the log is."""
    message = (await items(directory))[2]["messageId"]
    queries = [
        {"user": "holm@example.com"},
        {"messageId": message},
        {"from": "2026-11-26T00:00:00Z", "to": "2026-11-27T00:00:00Z"},
    ]
    endpoint = directory.endpoint
    costs: list[list[int]] = []
    for _ in range(2):
        cost = []
        for query in queries:
            endpoint.storage.calls.clear()
            assert (await read(directory, **query)).json["items"]
            cost.append(sum(endpoint.storage.calls.values()))
        costs.append(cost)
        await fill(endpoint, directory.id, 3_000)
    assert costs[0] == costs[1]
    # The directory; the names, three indexes and six entries; the message twice, its entry; a page.
    assert costs[0] == [1 + 1 + 2 + 6, 1 + 2 + 1, 1 + 1]
    assert history


async def test_a_rare_operation_is_looked_for_in_pieces(
    directory: Directory, history: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One answer reads a bounded number of rows; an empty page leads on."""
    await fill(directory.endpoint, directory.id, 200)
    monkeypatch.setattr(log_report, "READ_MOST", 50)
    first = (await read(directory, operation="delete", limit=10)).json
    assert first["items"] == []
    assert first["nextCursor"]
    assert told(await items(directory, operation="delete", limit=10)) == [
        ("delete", "refused"),
        ("delete", "success"),
    ]
    assert quote(history["kim"])
