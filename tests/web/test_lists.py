"""Lists: pages by index and by cursor, sorting, searching, over HTTP."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from urllib.parse import quote

import pytest

from scim.protocol.filter_parser import parse_filter
from scim.protocol.lists import Paging
from scim.provisioning.queries import comparing, queries
from scim.provisioning.queries.queries import Query
from scim.provisioning.stored_users import StoredUser
from tests.endpoint import Directory


@pytest.fixture
async def seven(directory: Directory) -> list[Any]:
    """Make seven users, in the order of their creation."""
    titles = ["b", "A", None, "c", "a", None, "B"]
    return [
        await directory.create_user(
            title=title, active=number % 2 == 0, name={"familyName": f"N{number}"}
        )
        for number, title in enumerate(titles)
    ]


async def listed(directory: Directory, query: str, path: str = "/Users") -> Any:
    """Return the ListResponse."""
    answer = await directory.send("GET", path, query=query)
    assert answer.status == 200, answer.raw
    return answer.json


async def walked(directory: Directory, query: str) -> list[list[str]]:
    """Follow the cursors from the first page to the last; return the ids, page by page."""
    pages, cursor = [], ""
    while True:
        body = await listed(directory, f"{query}&cursor={cursor}")
        pages.append([each["id"] for each in body["Resources"]])
        assert body["itemsPerPage"] == len(pages[-1])
        if "nextCursor" not in body:
            return pages
        cursor = body["nextCursor"]
        assert len(pages) < 20


def flat(pages: list[list[str]]) -> list[str]:
    """Return what stands on the pages, in order."""
    return [each for page in pages for each in page]


def ids(resources: list[Any]) -> list[str]:
    """Return the ids."""
    return [each["id"] for each in resources]


async def test_pages_by_index_hold_everybody_once(directory: Directory, seven: list[Any]) -> None:
    """Positions are those of creation; totals are exact; past the end nothing comes."""
    found = []
    for start in (1, 4, 7):
        body = await listed(directory, f"startIndex={start}&count=3")
        assert (body["totalResults"], body["startIndex"]) == (7, start)
        found += ids(body["Resources"])
    assert found == ids(seven)
    assert (await listed(directory, "startIndex=8"))["Resources"] == []


async def test_positions_stay_when_users_come_and_move_when_they_go(
    directory: Directory, seven: list[Any]
) -> None:
    """A create never moves a position; a deletion closes the gap."""
    await directory.create_user()
    assert ids((await listed(directory, "count=7"))["Resources"]) == ids(seven)
    await directory.send("DELETE", f"/Users/{seven[0]['id']}")
    body = await listed(directory, "count=3")
    assert (ids(body["Resources"]), body["totalResults"]) == (ids(seven[1:4]), 7)


async def test_far_positions_are_right_after_checkpoints_and_deletions(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a process remembers of positions never shows a wrong page."""
    monkeypatch.setattr(queries, "CHECKPOINT_EVERY", 3)
    made = [await directory.create_user() for _ in range(11)]
    directory.endpoint.clock.forward(minutes=5)
    for start in (10, 4, 8, 1):
        body = await listed(directory, f"startIndex={start}&count=2")
        assert ids(body["Resources"]) == ids(made[start - 1 : start + 1])
    await directory.send("DELETE", f"/Users/{made.pop(2)['id']}")
    for start in (9, 4, 1):
        body = await listed(directory, f"startIndex={start}&count=2")
        assert ids(body["Resources"]) == ids(made[start - 1 : start + 1])


@pytest.mark.parametrize(
    ("order", "expected"),
    [("ascending", [1, 4, 0, 6, 3, 2, 5]), ("descending", [5, 2, 3, 6, 0, 4, 1])],
)
async def test_sorting(
    directory: Directory, seven: list[Any], order: str, expected: list[int]
) -> None:
    """Without regard to case; absent values last, or first when descending; pages fit together."""
    query = f"sortBy=title&sortOrder={order}"
    wanted = [seven[number]["id"] for number in expected]
    assert ids((await listed(directory, query))["Resources"]) == wanted
    pages = [await listed(directory, f"{query}&startIndex={start}&count=3") for start in (1, 4, 7)]
    assert [each for page in pages for each in ids(page["Resources"])] == wanted
    assert flat(await walked(directory, f"{query}&count=2")) == wanted


@pytest.mark.parametrize(
    ("query", "scim_type"),
    [
        ("sortBy=fooBar", "invalidPath"),
        ("sortBy=name", "invalidPath"),
        ("sortBy=password", "invalidPath"),
        ("sortBy=title&sortOrder=up", "invalidValue"),
        ("startIndex=abc", "invalidValue"),
        ("cursor=&count=abc", "invalidCount"),
        ("cursor=abc", "invalidCursor"),
        ("cursor=%C3%A4", "invalidCursor"),
    ],
)
async def test_what_cannot_be_listed_is_refused(
    directory: Directory, query: str, scim_type: str
) -> None:
    """400 with the scimType of the RFC."""
    answer = await directory.send("GET", "/Users", query=query)
    assert (answer.status, answer.json["scimType"]) == (400, scim_type)


async def test_more_than_can_be_sorted_is_too_many(
    directory: Directory, seven: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 tooMany names cursor paging, by which everything can be read."""
    monkeypatch.setattr(queries, "SORT_LIMIT", len(seven) - 1)
    answer = await directory.send("GET", "/Users", query="sortBy=title")
    assert (answer.status, answer.json["scimType"]) == (400, "tooMany")
    assert "cursor" in answer.json["detail"]


@pytest.mark.parametrize("condition", ["", "&filter=" + quote("active eq true")])
async def test_cursors_lead_through_everything_once(
    directory: Directory, seven: list[Any], condition: str
) -> None:
    """Every match once, in the order of creation; the last page has no nextCursor."""
    wanted = [each["id"] for each in seven if each["active"] or not condition]
    pages = await walked(directory, f"count=2{condition}")
    assert flat(pages) == wanted
    assert all(len(page) == 2 for page in pages[:-1])


async def test_cursors_survive_deletions(directory: Directory, seven: list[Any]) -> None:
    """Rows that go between two pages neither hide nor repeat others."""
    first = await listed(directory, "cursor=&count=3")
    for gone in (seven[0], seven[2], seven[3]):
        await directory.send("DELETE", f"/Users/{gone['id']}")
    second = await listed(directory, f"cursor={first['nextCursor']}&count=10")
    assert ids(second["Resources"]) == ids(seven[4:])


async def test_a_cursor_is_bound_and_expires(directory: Directory, seven: list[Any]) -> None:
    """Changed, of another query, directory or resource type: invalidCursor; old: expiredCursor."""
    del seven
    cursor = (await listed(directory, "cursor=&count=2"))["nextCursor"]
    assert cursor.replace("-", "").replace("_", "").isalnum()
    other = await directory.endpoint.directory("other")
    changed = cursor[:-3] + ("A" if cursor[-3] != "A" else "B") + cursor[-2:]
    for who, path, query in (
        (directory, "/Users", f"cursor={changed}"),
        (directory, "/Users", f"cursor={cursor}&filter={quote('active eq true')}"),
        (directory, "/Groups", f"cursor={cursor}"),
        (other, "/Users", f"cursor={cursor}"),
    ):
        answer = await who.send("GET", path, query=query)
        assert (answer.status, answer.json["scimType"]) == (400, "invalidCursor")
    directory.endpoint.clock.forward(seconds=3601)
    answer = await directory.send("GET", "/Users", query=f"cursor={cursor}")
    assert (answer.status, answer.json["scimType"]) == (400, "expiredCursor")


async def test_a_search_is_a_list_in_a_body(directory: Directory, seven: list[Any]) -> None:
    """POST /Users/.search takes what a GET takes, cursors included."""
    message = {"filter": "active eq true", "startIndex": 2, "count": 2, "attributes": ["userName"]}
    body = (await directory.send("POST", "/Users/.search", message)).json
    assert (body["totalResults"], body["itemsPerPage"]) == (4, 2)
    assert ids(body["Resources"]) == [seven[2]["id"], seven[4]["id"]]
    assert set(body["Resources"][0]) == {"schemas", "id", "userName"}
    body = (await directory.send("POST", "/Users/.search", {"cursor": "", "count": 2})).json
    message = {"cursor": body["nextCursor"], "count": 100}
    body = (await directory.send("POST", "/Users/.search", message)).json
    assert ids(body["Resources"]) == ids(seven[2:])


async def test_a_search_from_the_root_asks_users_and_groups(directory: Directory) -> None:
    """What only one type has is absent in the other; pages go over both."""
    kim = await directory.create_user(displayName="Tunnels")
    group = await directory.create_group("Tunnels", [kim["id"]])
    await directory.create_group("Towers")

    async def found(condition: str, **more: Any) -> list[str]:
        message = {"filter": condition, **more}
        answer = await directory.send("POST", "/.search", message)
        assert answer.status == 200, answer.raw
        return ids(answer.json["Resources"])

    both = 'displayName eq "tunnels"'
    assert await found(both) == [kim["id"], group["id"]]
    assert await found(both, startIndex=2) == [group["id"]]
    assert await found(both, count=1) == [kim["id"]]
    assert await found(f'{both} and meta.resourceType eq "Group"') == [group["id"]]
    assert await found(f'userName pr or members.value eq "{kim["id"]}"') == [
        kim["id"],
        group["id"],
    ]
    refused = await directory.send("POST", "/.search", {"filter": "fooBar pr"})
    assert (refused.status, refused.json["scimType"]) == (400, "invalidFilter")


@pytest.mark.usefixtures("seven")
async def test_a_filter_may_not_compute_for_long(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """400 tooMany after some seconds of comparing; by cursor everything is found all the same."""
    monkeypatch.setattr(comparing, "SECONDS", 1e-9)
    slow = "filter=" + quote('title eq "a"')
    answer = await directory.send("GET", "/Users", query=slow)
    assert (answer.status, answer.json["scimType"]) == (400, "tooMany")
    assert "compare users for more than" in answer.json["detail"]
    assert sum(len(page) for page in await walked(directory, f"{slow}&count=5")) == 2


async def test_a_filter_that_computes_lets_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long one call compares, others have their turn in between."""
    monkeypatch.setattr(comparing, "_TURN", 0)
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    call = asyncio.create_task(other())
    work = comparing.Comparing(lambda _: True)
    for _ in range(10):
        assert await work.matches({})
    call.cancel()
    assert turns >= 9


async def test_a_filter_keeps_its_page_alone(directory: Directory) -> None:
    """However many match, few more of them than the page asked for are held."""
    for _ in range(20):
        await directory.create_user()
    held: list[int] = []

    async def show(stored: StoredUser) -> Any:
        held.append(sum(isinstance(each, StoredUser) for each in gc.get_objects()))
        return stored.resource

    queries = directory.endpoint.services.user_queries
    query = Query(parse_filter("userName pr"))
    found = await queries.matching(directory.id, query, Paging(1, 1), show)
    assert (len(found.resources), found.total) == (1, 20)
    assert max(held) - min(held) < 10
