"""Hostile paths, ids and headers: answered as any other unknown thing, and never a fault."""

from __future__ import annotations

import pytest

from tests.endpoint import Directory, patch_message
from tests.web.refusals import check_refusal, refused

SEGMENTS = [
    "..",
    ".",
    "%2e%2e",
    "%2F",
    "a%2Fb",
    "..%2F..%2FGroups",
    "%5C..%5C",
    "~",
    "u_",
    "%20",
    "*",
    "%25",
    "%",
    "%zz",
    "%ff%fe",
    "%ED%A0%80",
    "%F0%9F%98%80",
    "%C2%80",
    "%0D%0AX-Injected:%201",
    "<script>",
    "'%20or%201=1--",
    ";a=b",
    "null",
    "x" * 60_000,
    "00000000-0000-0000-0000-000000000000",
]


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda text: text[:20])
async def test_an_id_that_we_never_gave_is_not_there(directory: Directory, segment: str) -> None:
    """404 for every verb on a resource, with no more than the beginning of what was asked for."""
    body = {"userName": "kim", "displayName": "Tunnels"}
    patch = patch_message([{"op": "replace", "path": "displayName", "value": "x"}])
    for path in (f"/Users/{segment}", f"/Groups/{segment}"):
        for method, sent in (("GET", None), ("PUT", body), ("PATCH", patch), ("DELETE", None)):
            answer = await refused(directory, method, path, sent, status=404)
            assert "X-Injected" not in answer.headers


@pytest.mark.parametrize("segment", SEGMENTS, ids=lambda text: text[:20])
async def test_an_endpoint_that_there_is_not(directory: Directory, segment: str) -> None:
    """404 names those that there are."""
    await refused(directory, "GET", f"/{segment}", status=404, says=("Users, Groups",))
    await refused(directory, "GET", f"/{segment}/Users", status=404)
    await refused(directory, "GET", f"/Schemas/{segment}", status=404)


async def test_below_a_resource_nothing_is_served(directory: Directory) -> None:
    """404, also where a path leads back to something by dots."""
    kim = (await directory.create_user())["id"]
    for path in (
        f"/Users/{kim}/emails",
        f"/Users/{kim}/../{kim}",
        "/Users/../Groups",
        "/Users/x/.search",
        "/ServiceProviderConfig/x",
        "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User/x",
    ):
        await refused(directory, "GET", path, status=404)


async def test_the_host_itself_refuses_nul_in_a_path(directory: Directory) -> None:
    """400 without a body: the request never reaches the functions."""
    answer = await directory.send("GET", "/Users/a%00b")
    assert (answer.status, answer.raw) == (400, b"")


async def test_an_id_of_another_kind_or_directory_is_not_there(directory: Directory) -> None:
    """A group is no user, and what belongs to one directory does not exist in another."""
    kim = (await directory.create_user())["id"]
    group = (await directory.create_group("Tunnels"))["id"]
    other = await directory.endpoint.directory("other")
    for who, path in (
        (directory, f"/Users/{group}"),
        (directory, f"/Groups/{kim}"),
        (directory, f"/Users/{kim.upper()}"),
        (other, f"/Users/{kim}"),
        (other, f"/Groups/{group}"),
    ):
        for method in ("GET", "DELETE"):
            await refused(who, method, path, status=404)
    assert (await directory.get(kim))["id"] == kim


@pytest.mark.parametrize(
    "directory_id",
    [
        "nosuchdirectory00000",
        "..",
        "installation",
        "%2e%2e%2finstallation",
        "demo~",
        "DEMO",
        "*",
        "%F0%9F%98%80",
        "x" * 60_000,
    ],
    ids=lambda text: text[:20],
)
async def test_a_directory_that_there_is_not_is_no_secret(
    directory: Directory, directory_id: str
) -> None:
    """401 as for any directory that is not the token's: nobody learns which there are."""
    answer = await directory.endpoint.send(
        "GET",
        f"/scim/v2/{directory_id}/Users",
        None,
        {"Authorization": f"Bearer {directory.token}"},
    )
    check_refusal(answer, 401)


HEADERS = {
    "long": "x" * 60_000,
    "commas": "," * 5000,
    "quotes": '"' * 5000,
    "control": "a\tb",
    "unicode": "kjærsti 😀",
    "json": '{"a": [1]}',
    "percent": "%00%ff%0d%0a",
}


@pytest.mark.parametrize("value", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize(
    "name",
    ["Accept", "User-Agent", "If-None-Match", "X-Forwarded-Host", "Prefer", "Cookie", "Expect"],
)
async def test_hostile_headers_do_no_harm(directory: Directory, name: str, value: str) -> None:
    """A read is answered, a change is made, and the log keeps no more than it should."""
    if name == "Expect":
        value = "100-continue, " + value[:100]
    headers = {name: value}
    kim = (await directory.create_user())["id"]
    answer = await directory.send("GET", f"/Users/{kim}", headers=headers)
    assert answer.status == 200, answer.raw[:500]
    title = patch_message([{"op": "replace", "path": "title", "value": "Engineer"}])
    answer = await directory.send("PATCH", f"/Users/{kim}", title, headers=headers)
    assert answer.status == 200, answer.raw[:500]
    assert len((await directory.log())[0].user_agent) <= 120


@pytest.mark.parametrize("value", HEADERS.values(), ids=HEADERS)
async def test_a_hostile_if_match_is_a_version_that_never_was(
    directory: Directory, value: str
) -> None:
    """412 for every change; the detail repeats no more than its beginning."""
    kim = f"/Users/{(await directory.create_user())['id']}"
    group = f"/Groups/{(await directory.create_group('Tunnels'))['id']}"
    headers = {"If-Match": value}
    body = {"userName": "kim", "displayName": "Towers"}
    patch = patch_message([{"op": "replace", "path": "displayName", "value": "x"}])
    for path in (kim, group):
        for method, sent in (("GET", None), ("PUT", body), ("PATCH", patch), ("DELETE", None)):
            await refused(directory, method, path, sent, headers=headers, status=412)
