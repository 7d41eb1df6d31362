"""What all families of the management API have in common."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.scans import scan_rows
from tests.endpoint import Directory, Endpoint


async def paths(directory: Directory) -> list[str]:
    """Return the paths of one resource of each family."""
    endpoint = directory.endpoint
    tokens = await endpoint.manage("GET", f"/directories/{directory.id}/tokens")
    job = await endpoint.manage("POST", f"/directories/{directory.id}/check")
    return [
        f"/directories/{directory.id}",
        f"/directories/{directory.id}/tokens/{tokens.json['items'][0]['id']}",
        f"/jobs/{job.json['id']}",
    ]


async def stored(endpoint: Endpoint) -> list[str]:
    """Return every row of the installation as text."""
    found = scan_rows(endpoint.services.storage, rows.INSTALLATION, "", rows.END)
    return [str(row) async for row in found]


async def test_every_resource_has_an_entity_tag(directory: Directory) -> None:
    """If-None-Match with it is 304 without a body; with another one the resource is shown."""
    manage = directory.endpoint.manage
    for path in await paths(directory):
        tag = (await manage("GET", path)).headers["ETag"]
        again = await manage("GET", path, headers={"If-None-Match": f'"x", {tag}'})
        assert (again.status, again.raw, again.headers["ETag"]) == (304, b"", tag)
        assert (await manage("GET", path, headers={"If-None-Match": '"x"'})).status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"name": "other"}),
        ("DELETE", "", {}),
        ("DELETE", "/tokens/{token}", None),
        ("POST", "/tokens/{token}/rotate", {}),
    ],
)
async def test_a_change_can_demand_what_was_read(
    directory: Directory, method: str, path: str, body: Any
) -> None:
    """If-Match with another entity tag is 412 and changes nothing; with the right one it passes."""
    manage, base = directory.endpoint.manage, f"/directories/{directory.id}"
    token = (await manage("GET", f"{base}/tokens")).json["items"][0]["id"]
    target = base + path.format(token=token)
    read = await manage("GET", target.removesuffix("/rotate"))
    before = await stored(directory.endpoint)
    refused = await manage(method, target, body, {"If-Match": '"0"'})
    assert (refused.status, refused.json["status"]) == (412, 412)
    assert await stored(directory.endpoint) == before
    done = await manage(method, target, body, {"If-Match": read.headers["ETag"]})
    assert done.status in (200, 201), done.raw
    assert (await manage(method, target, body, {"If-Match": read.headers["ETag"]})).status == 412


async def test_a_new_resource_tells_its_tag_and_address(endpoint: Endpoint) -> None:
    """ETag and Location of a 201 are those of a GET."""
    made = await endpoint.manage("POST", "/directories", {"name": "Okta"})
    token = await endpoint.manage(
        "POST", f"/directories/{made.json['id']}/tokens", {"description": "second"}
    )
    for answer in (made, token):
        assert answer.status == 201
        path = answer.headers["Location"].removeprefix("https://scim.example.com/manage/v1")
        read = await endpoint.manage("GET", path)
        assert (read.status, read.headers["ETag"]) == (200, answer.headers["ETag"])


async def test_lists_come_in_pages(directory: Directory) -> None:
    """Followed by nextCursor, every item comes once, in the order of creation."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}/tokens"
    made = [(await manage("GET", path)).json["items"][0]["id"]]
    made += [(await manage("POST", path, {"description": "x"})).json["id"] for _ in range(6)]
    found: list[str] = []
    cursor = ""
    pages = 0
    while True:
        page = (await manage("GET", f"{path}?limit=3{cursor}")).json
        assert len(page["items"]) <= 3
        found += [each["id"] for each in page["items"]]
        pages += 1
        if page["nextCursor"] is None:
            break
        cursor = f"&cursor={page['nextCursor']}"
    assert (found, pages) == (made, 3)


@pytest.mark.parametrize("limit", ["0", "-1", "many", "", "1.5", "٣", "9" * 30])
async def test_a_limit_is_a_number(endpoint: Endpoint, limit: str) -> None:
    """Anything else is 400; a number that is too large is as much as there may be."""
    assert (await endpoint.manage("GET", f"/directories?limit={limit}")).status == 400
    assert (await endpoint.manage("GET", "/directories?limit=99999")).status == 200


async def test_a_cursor_is_bound_to_its_list(endpoint: Endpoint) -> None:
    """Made up, changed, or of another list or query, it is 400."""
    for name in ("one", "two"):
        await endpoint.directory(name)
    cursor = (await endpoint.manage("GET", "/directories?limit=1")).json["nextCursor"]
    for path in (
        "/directories?cursor=x",
        f"/directories?cursor={cursor}x",
        f"/directories?state=active&cursor={cursor}",
        f"/jobs?cursor={cursor}",
    ):
        assert (await endpoint.manage("GET", path)).status == 400, path
    assert (await endpoint.manage("GET", f"/directories?cursor={cursor}")).status == 200


async def test_a_repeated_post_is_answered_as_the_first(endpoint: Endpoint) -> None:
    """Status, Location, ETag and body are the same, but a secret is shown once and not kept."""
    key = {"Idempotency-Key": "6a5b"}
    first = await endpoint.manage("POST", "/directories", {"name": "Okta"}, key)
    again = await endpoint.manage("POST", "/directories", {"name": "Okta"}, key)
    assert (first.status, again.status) == (201, 201)
    for header in ("Location", "ETag"):
        assert first.headers[header] == again.headers[header]
    value = first.json["token"]["value"]
    assert again.json == {**first.json, "token": {**first.json["token"], "value": None}}
    assert not any(value.rpartition("_")[2] in row for row in await stored(endpoint))
    assert len((await endpoint.manage("GET", "/directories")).json["items"]) == 1
    other = await endpoint.manage(
        "POST", "/directories", {"name": "Okta"}, {"Idempotency-Key": "b"}
    )
    assert other.status == 409


async def test_repetitions_at_once_do_it_once(directory: Directory) -> None:
    """One is done; the others are told to come back, or answered alike."""
    path, key = f"/directories/{directory.id}/tokens", {"Idempotency-Key": "k"}
    sent = [directory.endpoint.manage("POST", path, {"description": "x"}, key) for _ in range(8)]
    answers = await asyncio.gather(*sent)
    assert {each.status for each in answers} <= {201, 409}
    assert sum(each.status == 201 and bool(each.json["value"]) for each in answers) == 1
    listed = (await directory.endpoint.manage("GET", path)).json["items"]
    assert [each["description"] for each in listed] == ["of a test", "x"]


async def test_a_key_belongs_to_one_request(directory: Directory) -> None:
    """With another body it is 422; on another path it is another key; a bad key is 400."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}/tokens"
    key = {"Idempotency-Key": "k"}
    assert (await manage("POST", path, {"description": "x"}, key)).status == 201
    assert (await manage("POST", path, {"description": "y"}, key)).status == 422
    assert (await manage("POST", "/directories", {"name": "Okta"}, key)).status == 201
    for bad in ("", "k" * 256):
        answer = await manage("POST", path, {"description": "x"}, {"Idempotency-Key": bad})
        assert answer.status == 400, answer.raw


async def test_a_refused_request_can_be_sent_again_with_its_key(directory: Directory) -> None:
    """Nothing was made, so the repetition is a first request."""
    manage, key = directory.endpoint.manage, {"Idempotency-Key": "k"}
    for body, status in (({"name": ""}, 422), ({"name": "demo"}, 409), ({"name": "Okta"}, 201)):
        assert (await manage("POST", "/directories", body, key)).status == status


async def test_keys_are_kept_for_a_day(endpoint: Endpoint) -> None:
    """Then upkeep clears them, and the key is new."""
    key = {"Idempotency-Key": "k"}
    body = {"name": "Okta"}
    assert (await endpoint.manage("POST", "/directories", body, key)).status == 201
    endpoint.clock.forward(hours=23)
    await endpoint.services.upkeep.run()
    assert (await endpoint.manage("POST", "/directories", body, key)).status == 201
    endpoint.clock.forward(hours=1)
    await endpoint.services.upkeep.run()
    assert (await endpoint.manage("POST", "/directories", body, key)).status == 409


async def test_a_wrong_body_names_each_place(endpoint: Endpoint) -> None:
    """A problem document with JSON pointers; the names are those that were sent."""
    body = {"nome": "x", "policy": {"strict": "yes", "a/b": 1, "requestsPerSecond": 0}}
    answer = await endpoint.manage("POST", "/directories", body)
    assert (answer.status, answer.json["title"]) == (422, "Unprocessable Content")
    assert {each["pointer"] for each in answer.json["errors"]} == {
        "/name",
        "/nome",
        "/policy/strict",
        "/policy/a~1b",
        "/policy/requestsPerSecond",
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[]", 400),
        (b'"x"', 400),
        (b"null", 400),
        (b"\xff\xfe", 400),
        (b'{"name": "a", "name": "b"}', 400),
        (b'{"name": "\\ud800"}', 400),
        (b'{"name": "' + b"x" * 1024 * 1024 + b'"}', 413),
        (b'{"name": ' + b"[" * 5000 + b"]" * 5000 + b"}", 400),
        (b'{"name": {"a": 1}}', 422),
        (b'{"name": 1}', 422),
        (b'{"name": "a", "policy": null}', 422),
        (b'{"name": "a", "policy": {"requestsPerSecond": 1e400}}', 400),
        (b'{"name": "\\u0000"}', 422),
    ],
)
async def test_bad_bodies_are_refused(endpoint: Endpoint, body: bytes, status: int) -> None:
    """With a problem document, never as a fault of the endpoint; nothing is made."""
    headers = {"x-functions-key": "host-key-of-a-test", "Content-Type": "application/json"}
    answer = await endpoint.send("POST", "/manage/v1/directories", body, headers)
    assert (answer.status, answer.json["status"]) == (status, status), answer.raw
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert (await endpoint.manage("GET", "/directories")).json["items"] == []


@pytest.mark.parametrize("name", ["from", "to"])
@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00%2B23:59", "9999-12-31T23:59:59-23:59"])
async def test_every_time_can_be_asked_for(directory: Directory, name: str, moment: str) -> None:
    """The first and the last time there is are answered, as any other."""
    for path in ("/log", f"/directories/{directory.id}/log"):
        asked = await directory.endpoint.manage("GET", f"{path}?{name}={moment}")
        assert asked.status == 200, asked.raw
