"""The details of HTTP: methods, addresses, media types, entity tags (RFC 7644 §3, RFC 9110)."""

from __future__ import annotations

import re
from typing import Any

import pytest

from scim.protocol.schema import USER
from tests.endpoint import HOST_KEY, PUBLIC_BASE, SCIM_JSON, Directory, Endpoint, patch_message
from tests.web.refusals import check_refusal, refused

EVERY_METHOD = {"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}
READ = {"GET", "HEAD", "OPTIONS"}
NOBODY = "01a21293-b617-72ac-a830-115b56c70018"

ALLOWED = {
    "/Users": READ | {"POST"},
    "/Groups": READ | {"POST"},
    f"/Users/{NOBODY}": READ | {"PUT", "PATCH", "DELETE"},
    f"/Groups/{NOBODY}": READ | {"PUT", "PATCH", "DELETE"},
    "/Users/.search": {"POST", "OPTIONS"},
    "/Groups/.search": {"POST", "OPTIONS"},
    "/.search": {"POST", "OPTIONS"},
    "/ServiceProviderConfig": READ,
    "/ResourceTypes": READ,
    "/ResourceTypes/User": READ,
    "/Schemas": READ,
    f"/Schemas/{USER}": READ,
}


@pytest.mark.parametrize("path", ALLOWED)
async def test_every_method_is_answered_on_every_path(directory: Directory, path: str) -> None:
    """OPTIONS is 204 with Allow; a method that is not in it is 405 with the same Allow."""
    options = await directory.send("OPTIONS", path)
    assert (options.status, options.raw) == (204, b"")
    assert set(options.headers["Allow"].split(", ")) == ALLOWED[path]
    for method in EVERY_METHOD - ALLOWED[path]:
        answer = await directory.send(method, path, {} if method in ("POST", "PUT") else None)
        assert answer.headers["Allow"] == options.headers["Allow"]
        if method == "HEAD":
            assert (answer.status, answer.raw) == (405, b"")
        else:
            check_refusal(answer, 405, says=(method, "possible are"))


@pytest.mark.parametrize("method", sorted(EVERY_METHOD))
async def test_me_is_not_supported(directory: Directory, method: str) -> None:
    """501 for every method: no token here stands for a person."""
    answer = await directory.send(method, "/Me")
    assert answer.status == 501
    assert method == "HEAD" or answer.json["status"] == "501"


@pytest.mark.parametrize("path", [path for path in ALLOWED if "GET" in ALLOWED[path]])
async def test_head_is_get_without_a_body(directory: Directory, path: str) -> None:
    """Status and headers are those of GET, for what is there and for what is not."""
    kim = (await directory.create_user())["id"]
    for address in (path, path.replace(NOBODY, kim)):
        head, get = [await directory.send(method, address) for method in ("HEAD", "GET")]
        assert head.raw == b""
        assert (head.status, head.headers.get("ETag")) == (get.status, get.headers.get("ETag"))
        assert head.headers["Content-Type"] == get.headers["Content-Type"]


@pytest.mark.parametrize(
    "path",
    ["/Users/", "//Users", "/Users//", "///Users///", "/users", "/USERS/", "/%55sers", "/Users?"],
)
async def test_slashes_and_case_of_paths_do_not_matter(directory: Directory, path: str) -> None:
    """Clients join addresses in many ways."""
    kim = await directory.create_user()
    answer = await directory.send("GET", path)
    assert (answer.status, answer.json["Resources"]) == (200, [kim])


async def test_the_same_below_the_collection(directory: Directory) -> None:
    """A resource, a search and a schema are found with other slashes and case too."""
    kim = await directory.create_user()
    for path in (f"/Users/{kim['id']}/", f"/users//{kim['id']}", f"//USERS/{kim['id']}"):
        assert (await directory.send("GET", path)).json == kim
    for path in ("/Users/.search/", "/users/.SEARCH", "/.Search", "//.search"):
        answer = await directory.send("POST", path, {"filter": "userName pr"})
        assert [each["id"] for each in answer.json["Resources"]] == [kim["id"]]
    for path in (f"/schemas/{USER}", f"/Schemas/{USER.upper()}", f"/Schemas//{USER}/"):
        assert (await directory.send("GET", path)).json["id"] == USER
    assert (await directory.send("GET", "/resourcetypes/user/")).json["id"] == "User"


@pytest.mark.parametrize("prefix", ["/scim//v2", "/SCIM/V2", "/scim/v2/", "/Scim/v2//"])
async def test_the_base_url_may_be_written_otherwise(directory: Directory, prefix: str) -> None:
    """Slashes and case in front of the directory do not matter either."""
    headers = {"Authorization": f"Bearer {directory.token}"}
    address = f"{prefix}/{directory.id}/Users"
    assert (await directory.endpoint.send("GET", address, None, headers)).status == 200


@pytest.mark.parametrize("version", ["v1", "v1.1", "v3", "Users"])
@pytest.mark.parametrize("method", ["GET", "POST", "PATCH"])
async def test_another_version_is_refused(directory: Directory, version: str, method: str) -> None:
    """400 invalidVers names the version that is served."""
    headers = {"Authorization": f"Bearer {directory.token}"}
    address = f"/scim/{version}/{directory.id}/Users"
    answer = await directory.endpoint.send(method, address, None, headers)
    check_refusal(answer, 400, "invalidVers", says=("v2",))


@pytest.mark.parametrize("path", ["", "/", "/Unknown", "/Unknown/", "/User", "/.well-known/x"])
async def test_an_unknown_path_is_a_scim_error(directory: Directory, path: str) -> None:
    """404, for every method."""
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE"):
        await refused(directory, method, path, status=404)


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("application/json", "application/json"),
        ("application/json, text/plain;q=0.5", "application/json"),
        ("APPLICATION/JSON", "application/json"),
        ("application/json; charset=utf-8", "application/json"),
        ("application/scim+json", SCIM_JSON),
        ("application/json, application/scim+json", SCIM_JSON),
        ("application/scim+json;q=0.1, application/json", SCIM_JSON),
        ("*/*", SCIM_JSON),
        ("text/html", SCIM_JSON),
        ("", SCIM_JSON),
    ],
)
async def test_the_media_type_of_answers(directory: Directory, accept: str, expected: str) -> None:
    """application/json only for a client that names it and not the SCIM type; errors too."""
    headers = {"Accept": accept}
    kim = (await directory.create_user())["id"]
    for path, status in (("/Users", 200), (f"/Users/{kim}", 200), ("/Users/x", 404)):
        answer = await directory.send("GET", path, headers=headers)
        assert answer.status == status
        assert answer.headers["Content-Type"].partition(";")[0] == expected


@pytest.mark.parametrize(
    "forged",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"},
        {"Forwarded": "host=evil.example;proto=http"},
        {"X-Original-Host": "evil.example", "X-Original-URL": "/evil.example"},
        {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
    ],
    ids=str,
)
async def test_addresses_come_from_the_setting(
    directory: Directory, forged: dict[str, str]
) -> None:
    """Location, meta.location and $ref begin with the configured base, whatever headers say."""
    made = await directory.send("POST", "/Users", {"userName": "kim"}, headers=forged)
    kim = made.json["id"]
    base = f"{PUBLIC_BASE}/scim/v2/{directory.id}"
    assert made.headers["Location"] == made.json["meta"]["location"] == f"{base}/Users/{kim}"
    group = {"displayName": "Tunnels", "members": [{"value": kim}]}
    await directory.send("POST", "/Groups", group, headers=forged)
    manager = {"op": "add", "path": "manager", "value": kim}
    await directory.send("PATCH", f"/Users/{kim}", patch_message([manager]), headers=forged)
    for path in ("/Users", "/Groups", "/ServiceProviderConfig", "/ResourceTypes", "/Schemas"):
        answer = await directory.send("GET", path, headers=forged)
        assert b"evil" not in answer.raw
        addresses = re.findall(rb'"(?:location|\$ref)":"([^"]+)"', answer.raw)
        assert addresses
        assert all(each.startswith(base.encode()) for each in addresses)


async def test_every_answer_has_a_message_id_of_its_own(directory: Directory) -> None:
    """`x-message-id` is in every answer, in an error's detail, and in the log entry."""
    made = await directory.send("POST", "/Users", {"userName": "kim"})
    answers = [
        made,
        await directory.send("GET", f"/Users/{made.json['id']}"),
        await directory.send("GET", "/Users/x"),
        await directory.send("OPTIONS", "/Users"),
        await directory.endpoint.send("GET", f"/scim/v2/{directory.id}/Users", None, {}),
    ]
    ids = [each.headers["x-message-id"] for each in answers]
    assert len(set(ids)) == len(ids)
    assert ids[2] in answers[2].json["detail"]
    (entry,) = await directory.log()
    assert entry.message_id == ids[0]


async def test_health_knows_its_methods(endpoint: Endpoint) -> None:
    """Liveness is for everybody, readiness for the function key; other methods are 405."""
    key = {"x-functions-key": HOST_KEY}
    for path, headers, status in (("/health", {}, 200), ("/health/ready", key, 200)):
        assert (await endpoint.send("GET", path, None, headers)).status == status
        assert (await endpoint.send("HEAD", path, None, headers)).raw == b""
        answer = await endpoint.send("POST", path, b"", headers)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert (await endpoint.send("GET", "/health/ready", None, {})).status == 401


class Resource:
    """A user or a group under test, changed in each way that a client has."""

    def __init__(self, directory: Directory, address: str, tag: str) -> None:
        self.directory = directory
        self.address = address
        self.tag = tag

    async def status(self, method: str, **headers: str) -> int:
        """Return the status of a request with a real change and these headers."""
        body: Any = {"PUT": {"userName": "kim", "displayName": "Changed"}}.get(method)
        if method == "PATCH":
            body = patch_message([{"op": "replace", "path": "displayName", "value": "Changed"}])
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = await self.directory.send(method, self.address, body, headers=named)
        return answer.status

    async def is_unchanged(self) -> bool:
        """Whether the resource is there at its first version."""
        answer = await self.directory.send("GET", self.address)
        return answer.status == 200 and answer.headers["ETag"] == self.tag


@pytest.fixture(params=["Users", "Groups"])
async def resource(directory: Directory, request: pytest.FixtureRequest) -> Resource:
    """Make a user, then a group."""
    body = {"userName": "kim", "displayName": "Kim"}
    answer = await directory.send("POST", f"/{request.param}", body)
    tag = answer.headers["ETag"]
    assert tag == answer.json["meta"]["version"]
    assert tag.startswith('W/"')
    return Resource(directory, f"/{request.param}/{answer.json['id']}", tag)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_if_match_lets_the_right_version_through(resource: Resource, method: str) -> None:
    """The tag itself, its strong form, a list with it, and `*`."""
    tag = resource.tag
    for condition in ('W/"99"', '"x"', "1", f"{tag}x", 'W/"0", W/"2"', ","):
        assert await resource.status(method, If_Match=condition) == 412
        assert await resource.is_unchanged()
    done = {"PUT": 200, "PATCH": 200 if "Users" in resource.address else 204, "DELETE": 204}
    lists = f'W/"77", {tag} ,W/"78"'
    condition = {"PUT": lists, "PATCH": tag.removeprefix("W/"), "DELETE": "*"}[method]
    assert await resource.status(method, If_Match=condition) == done[method]
    assert not await resource.is_unchanged()


async def test_if_match_names_the_version_after_each_change(resource: Resource) -> None:
    """A tag serves for one change."""
    assert await resource.status("PATCH", If_Match=resource.tag) in (200, 204)
    assert await resource.status("PATCH", If_Match=resource.tag) == 412
    assert await resource.status("DELETE", If_Match=resource.tag) == 412
    answer = await resource.directory.send("GET", resource.address)
    assert await resource.status("DELETE", If_Match=answer.headers["ETag"]) == 204


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_if_none_match_keeps_a_version_from_change(resource: Resource, method: str) -> None:
    """412 where the condition names the version that is there, or any."""
    for condition in (resource.tag, "*", f'W/"77",{resource.tag}'):
        assert await resource.status(method, If_None_Match=condition) == 412
        assert await resource.is_unchanged()
    assert await resource.status(method, If_None_Match='W/"77"') in (200, 204)
    assert not await resource.is_unchanged()


async def test_reading_under_conditions(resource: Resource) -> None:
    """304 for a version that is known; 412 for one that is not there any more."""
    tag = resource.tag
    for condition in (tag, tag.removeprefix("W/"), f'"x", {tag}', "*"):
        for method in ("GET", "HEAD"):
            headers = {"If-None-Match": condition}
            answer = await resource.directory.send(method, resource.address, headers=headers)
            assert (answer.status, answer.raw) == (304, b"")
            assert answer.headers["ETag"] == tag
    for condition in ('W/"77"', '"x"', ","):
        assert await resource.status("GET", If_None_Match=condition) == 200
        assert await resource.status("GET", If_Match=condition) == 412
    assert await resource.status("GET", If_Match=tag) == 200


async def test_a_condition_on_what_is_not_there_is_not_found(directory: Directory) -> None:
    """404: a condition is weighed only where there is something (RFC 9110 §13.2.1)."""
    for method in ("GET", "PUT", "PATCH", "DELETE"):
        nobody = Resource(directory, f"/Users/{NOBODY}", "")
        assert await nobody.status(method, If_Match="*") == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "GET"])
async def test_every_verb_shows_what_was_asked_for(directory: Directory, method: str) -> None:
    """`attributes` and `excludedAttributes` shape the answer of each call that shows a user."""
    for query, shown, hidden in (
        ("attributes=title", {"title"}, {"userName", "displayName", "meta"}),
        ("excludedAttributes=title,meta", {"userName", "displayName"}, {"title", "meta"}),
    ):
        body = {"userName": f"kim{query}", "title": "Engineer", "displayName": "Kim"}
        kim = (await directory.create_user(**{**body, "userName": f"lee{query}"}))["id"]
        path = "/Users" if method == "POST" else f"/Users/{kim}"
        replace = {"op": "replace", "path": "nickName", "value": "K"}
        sent: Any = {"POST": body, "PUT": body, "PATCH": patch_message([replace])}.get(method)
        answer = await directory.send(method, path, sent, query=query)
        assert answer.status in (200, 201), answer.raw
        assert shown | {"id", "schemas"} <= answer.json.keys()
        assert not hidden & answer.json.keys()
        assert "ETag" in answer.headers
        if method != "GET":
            both = "attributes=title&excludedAttributes=title"
            says = ("not both",)
            await refused(
                directory, method, path, sent, query=both, scim_type="invalidValue", says=says
            )


async def test_a_group_patch_shows_the_group_when_attributes_are_asked(
    directory: Directory,
) -> None:
    """204 without a body by default; 200 with what `attributes` names (RFC 7644 §3.5.2)."""
    group = (await directory.create_group("Tunnels"))["id"]
    rename = [{"op": "replace", "path": "displayName", "value": "Towers"}]
    address, message = f"/Groups/{group}", patch_message(rename)
    answer = await directory.send("PATCH", address, message)
    assert (answer.status, answer.raw) == (204, b"")
    answer = await directory.send("PATCH", address, message, query="attributes=displayName")
    assert answer.status == 200
    assert answer.json.keys() == {"schemas", "id", "displayName"}
