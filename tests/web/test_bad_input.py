"""Bodies that are no JSON object, or come in no form that is taken."""

from __future__ import annotations

import gzip
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import orjson
import pytest

from tests.endpoint import SCIM_JSON, Answer, Directory, patch_message
from tests.web.refusals import check_refusal, refused

MIB = 1024 * 1024
KIM = b'{"userName": "kim@example.com"}'

JUNK = {
    "empty": (b"", ("empty", "send a JSON object")),
    "blank": (b" \r\n\t", ("empty",)),
    "junk": (b"userName=kim", ("line 1, column 1",)),
    "cut": (b'{"userName": "kim"', ("line 1, column 19",)),
    "on the second line": (b'{"userName": "kim",\n oops}', ("line 2, column 2",)),
    "followed by more": (b'{"userName": "kim"} {}', ("column 21",)),
    "list": (b'[{"userName": "kim"}]', ("no object", "send an object")),
    "string": (b'"kim"', ("no object",)),
    "number": (b"1", ("no object",)),
    "null": (b"null", ("no object",)),
    "Latin-1": ('{"userName": "kjær"}'.encode("latin-1"), ("not UTF-8 at byte 17",)),
    "UTF-16": ('{"userName": "kim"}'.encode("utf-16"), ("not UTF-8 at byte 1",)),
    "lone surrogate": (rb'{"userName": "k\ud800"}', ("column", "surrogate")),
    "lone surrogate of an unknown": (rb'{"userName": "k", "x": "\udc00"}', ("surrogate",)),
    "raw NUL": (b'{"userName": "k\0"}', ("column",)),
    "not a number": (b'{"userName": "kim", "x": NaN}', ("column 26",)),
    "infinity": (b'{"userName": "kim", "x": -Infinity}', ("column",)),
    "number beyond doubles": (b'{"userName": "kim", "x": 1e999}', ("column",)),
    "number of 5 000 digits": (b'{"userName": "kim", "x": ' + b"9" * 5000 + b"}", ("column",)),
    "name twice": (b'{"userName": "kim", "userName": "lee"}', ("'userName' twice", "once")),
    "name twice in any case": (b'{"userName": "kim", "USERNAME": "lee"}', ("'USERNAME' twice",)),
    "name twice by an escape": (rb'{"userName": "kim", "user\u004eame": "lee"}', ("twice",)),
    "name twice within": (b'{"userName": "k", "name": {"a": 1, "A": 2}}', ("'A' twice",)),
    "unknown nested deeply": (
        b'{"userName": "kim", "x": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        ("column", "depth"),
    ),
    "known nested deeply": (
        b'{"userName": "kim", "emails": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        ("column", "depth"),
    ),
    "objects nested deeply": (
        b'{"name": ' * 10_000 + b"1" + b"}" * 10_000,
        ("column", "depth"),
    ),
}


async def send(directory: Directory, data: Any, headers: dict[str, str], **options: Any) -> Answer:
    """POST a user with exactly these headers beside the token."""
    address = f"{directory.endpoint.origin}/scim/v2/{directory.id}/Users"
    headers = {"Authorization": f"Bearer {directory.token}", **headers}
    async with directory.endpoint.session.post(
        address, data=data, headers=headers, skip_auto_headers=["Content-Type"], **options
    ) as response:
        return Answer(response.status, response.headers, await response.read())


@pytest.mark.parametrize(("raw", "says"), JUNK.values(), ids=JUNK)
async def test_what_is_no_json_object_is_refused_everywhere(
    directory: Directory, raw: bytes, says: tuple[str, ...]
) -> None:
    """Whoever reads a body says at which place it is wrong, and changes nothing."""
    kim = (await directory.create_user())["id"]
    group = (await directory.create_group("Tunnels"))["id"]
    for method, path in (
        ("POST", "/Users"),
        ("PUT", f"/Users/{kim}"),
        ("PATCH", f"/Users/{kim}"),
        ("POST", "/Groups"),
        ("PUT", f"/Groups/{group}"),
        ("PATCH", f"/Groups/{group}"),
        ("POST", "/Users/.search"),
        ("POST", "/Groups/.search"),
        ("POST", "/.search"),
    ):
        await refused(directory, method, path, raw=raw, scim_type="invalidSyntax", says=says)


async def test_a_byte_order_mark_is_passed_over(directory: Directory) -> None:
    """Some editors and clients begin UTF-8 with it."""
    answer = await directory.send("POST", "/Users", raw=b"\xef\xbb\xbf" + KIM)
    assert (answer.status, answer.json["userName"]) == (201, "kim@example.com")


@pytest.mark.parametrize(
    "declared",
    [
        {},
        {"Content-Type": ""},
        {"Content-Type": "application/json"},
        {"Content-Type": "Application/SCIM+JSON"},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Content-Type": "application/json;CHARSET=UTF-8"},
        {"Content-Type": 'application/scim+json ; charset="Utf-8"'},
    ],
    ids=str,
)
async def test_media_types_that_are_taken(directory: Directory, declared: dict[str, str]) -> None:
    """JSON by either name, with or without a charset in any case, or by no name at all."""
    assert (await send(directory, KIM, declared)).status == 201


@pytest.mark.parametrize(
    "media_type",
    ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", "*/*", "x" * 5000],
)
async def test_other_media_types_are_refused(directory: Directory, media_type: str) -> None:
    """415 names what was sent and what to send."""
    says = (media_type[:50], "send application/scim+json")
    headers = {"Content-Type": media_type}
    await refused(directory, "POST", "/Users", raw=KIM, headers=headers, status=415, says=says)


async def test_a_chunked_body_is_refused(directory: Directory) -> None:
    """The platform passes nothing of it on: 411 says so, instead of "empty"."""

    async def chunks() -> AsyncIterator[bytes]:
        yield KIM[:5]
        yield KIM[5:]

    before = await directory.state()
    answer = await send(directory, chunks(), {"Content-Type": SCIM_JSON})
    check_refusal(answer, 411, says=("Content-Length", "chunked"))
    assert await directory.state() == before
    (kept,) = await directory.failures()
    assert (kept.status, kept.cause) == (411, "lengthMissing")


async def test_a_client_may_wait_for_the_go_ahead(directory: Directory) -> None:
    """`Expect: 100-continue` is answered, so that the body comes."""
    timeout = aiohttp.ClientTimeout(total=5)
    headers = {"Content-Type": SCIM_JSON}
    assert (await send(directory, KIM, headers, expect100=True, timeout=timeout)).status == 201


async def test_a_body_may_be_as_large_as_its_limit(directory: Directory) -> None:
    """1 MiB of a user is read; one byte more is 413 with both numbers."""
    start, end = b'{"userName": "kim", "unknown": "', b'"}'
    full = start + b"x" * (MIB - len(start + end)) + end
    assert (await directory.send("POST", "/Users", raw=full)).status == 201
    larger = full + b" "
    says = (str(MIB), str(len(larger)))
    await refused(directory, "POST", "/Users", raw=larger, status=413, says=says)
    await refused(directory, "POST", "/Users/.search", raw=larger, status=413, says=says)


async def test_a_group_may_be_larger_than_a_user(directory: Directory) -> None:
    """10 MiB hold the members of a large group; beyond is 413."""
    start, end = b'{"displayName": "Tunnels", "unknown": "', b'"}'
    fits = start + b"x" * (10 * MIB - len(start + end)) + end
    assert (await directory.send("POST", "/Groups", raw=fits)).status == 201
    await refused(directory, "POST", "/Groups", raw=fits + b" ", status=413, says=(str(10 * MIB),))


async def test_what_is_larger_than_a_row_is_refused(directory: Directory) -> None:
    """Values that fit a body, but not the store, are 413 on creation and on change."""
    kim = (await directory.create_user())["id"]
    half = "x" * 300_000  # of two bytes each, as the store counts
    body = {"userName": "lee", "title": half, "displayName": half}
    await refused(directory, "POST", "/Users", body, status=413, says=("shorter values",))
    await refused(directory, "PUT", f"/Users/{kim}", body, status=413)
    title = {"op": "replace", "path": "title", "value": half}
    assert (await directory.patch(kim, title)).status == 200
    more = patch_message([{"op": "add", "path": "displayName", "value": half}])
    await refused(directory, "PATCH", f"/Users/{kim}", more, status=413)


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "x-gzip"])
async def test_a_body_may_be_gzip(directory: Directory, coding: str) -> None:
    """Unpacked it is read like any other."""
    answer = await directory.send(
        "POST", "/Users", raw=gzip.compress(KIM), headers={"Content-Encoding": coding}
    )
    assert (answer.status, answer.json["userName"]) == (201, "kim@example.com")


@pytest.mark.parametrize(
    "packed",
    [
        KIM,
        gzip.compress(KIM)[:-4],
        gzip.compress(KIM)[:12],
        gzip.compress(KIM)[:-8] + bytes(8),
        gzip.compress(KIM) + b"more",
        gzip.compress(KIM) * 2,
    ],
    ids=["none", "without its end", "cut", "wrong checksum", "more behind", "two"],
)
async def test_broken_gzip_is_refused(directory: Directory, packed: bytes) -> None:
    """What cannot be unpacked as a whole is 400, never half of it read."""
    headers = {"Content-Encoding": "gzip"}
    await refused(
        directory,
        "POST",
        "/Users",
        raw=packed,
        headers=headers,
        scim_type="invalidSyntax",
        says=("gzip",),
    )


async def test_gzip_is_unpacked_up_to_the_limit(directory: Directory) -> None:
    """A small body that unpacks to a huge one is 413, unpacked no further than the limit."""
    headers = {"Content-Encoding": "gzip"}
    start, end = b'{"userName": "kim", "unknown": "', b'"}'
    fits = start + b"x" * (MIB - len(start + end)) + end
    answer = await directory.send("POST", "/Users", raw=gzip.compress(fits), headers=headers)
    assert answer.status == 201
    for bomb in (gzip.compress(fits + b" "), gzip.compress(bytes(50 * MIB))):
        await refused(
            directory, "POST", "/Users", raw=bomb, headers=headers, status=413, says=(str(MIB),)
        )


@pytest.mark.parametrize("coding", ["br", "deflate", "gzip, gzip", "zstd"])
async def test_other_codings_are_refused(directory: Directory, coding: str) -> None:
    """415 tells which coding is taken (RFC 7694 §3)."""
    headers = {"Content-Encoding": coding}
    answer = await refused(
        directory, "POST", "/Users", raw=KIM, headers=headers, status=415, says=(coding, "gzip")
    )
    assert answer.headers["Accept-Encoding"] == "gzip"


async def test_unknown_attributes_are_passed_over_and_noted(directory: Directory) -> None:
    """They are in no answer, and by their paths in the log entry of the call."""
    unknown = {"shoeSize": 46, "name": {"givenName": "Kim", "nick": "K"}, "urn:x:y": {"a": 1}}
    made = await directory.send("POST", "/Users", {"userName": "kim", **unknown})
    assert made.status == 201
    assert made.json["name"] == {"givenName": "Kim"}
    assert not {"shoeSize", "urn:x:y"} & made.json.keys()
    (entry,) = await directory.log()
    assert set(entry.ignored) == {"shoeSize", "name.nick", "urn:x:y"}

    body = {"userName": "kim", "title": "Engineer", "hatSize": 60}
    assert (await directory.send("PUT", f"/Users/{made.json['id']}", body)).status == 200
    assert (await directory.log())[0].ignored == ("hatSize",)

    operations: list[dict[str, Any]] = [
        {"op": "add", "path": "gloveSize", "value": 9},
        {"op": "add", "value": {"title": "Chief", "sockSize": 44}},
    ]
    assert (await directory.patch(made.json["id"], *operations)).json["title"] == "Chief"
    assert set((await directory.log())[0].ignored) == {"gloveSize", "sockSize"}


async def test_a_thousand_unknown_attributes_keep_the_entry_small(directory: Directory) -> None:
    """A log entry has a bound, whatever is sent."""
    unknown = {f"unknown{number}" * 20: number for number in range(1000)}
    answer = await directory.send("POST", "/Users", {"userName": "kim" * 1000, **unknown})
    assert answer.status == 201
    (entry,) = await directory.log()
    assert len(orjson.dumps(entry.model_dump(mode="json"))) < 10_000
