"""The published cases that any client of the RFCs may send."""

from __future__ import annotations

import time
from urllib.parse import quote

import pytest

from tests.conversations.client import (
    ENT,
    GROUP,
    USER,
    Client,
    Json,
    changed,
    connect,
    op,
    refused,
)
from tests.endpoint import Endpoint

BOUNDED = 5  # seconds for the worst filter; it is milliseconds in truth


async def test_rfc_001_configuration(idp: Client) -> None:
    """The configuration is one object, which says how to authenticate."""
    answer = await idp.send("GET", "/ServiceProviderConfig")
    assert answer.status == 200
    assert answer.json["schemas"] == ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"]
    (scheme,) = answer.json["authenticationSchemes"]
    assert scheme["type"] == "oauthbearertoken"
    assert answer.json["meta"]["resourceType"] == "ServiceProviderConfig"


async def test_rfc_002_discovery(idp: Client) -> None:
    """Resource types come as a list, one type or one schema as an object."""
    types = (await idp.page("/ResourceTypes"))["Resources"]
    assert {each["name"]: each["schema"] for each in types} == {"User": USER, "Group": GROUP}
    user = await idp.send("GET", "/ResourceTypes/User")
    assert user.json in types
    schema = await idp.send("GET", f"/Schemas/{USER}")
    assert (schema.status, schema.json["id"]) == (200, USER)


async def test_rfc_004_broken_json(idp: Client) -> None:
    """A body that is no JSON is a syntax error."""
    refused(await idp.send("POST", "/Users", raw=b'{"a":'), 400, "invalidSyntax")


async def test_rfc_007_a_byte_order_mark(idp: Client) -> None:
    """A UTF-8 byte-order mark before the body is passed over."""
    answer = await idp.send("POST", "/Users", raw=b'\xef\xbb\xbf{"userName": "kim@example.com"}')
    assert answer.status == 201, answer.raw
    assert (await idp.get(answer.json["id"]))["userName"] == "kim@example.com"


async def test_rfc_009_plain_text(idp: Client) -> None:
    """A body that is not called JSON is refused."""
    body = {"schemas": [USER], "userName": "kim@example.com"}
    refused(await idp.send("POST", "/Users", body, headers={"Content-Type": "text/plain"}), 415)
    assert (await idp.page())["totalResults"] == 0


async def test_rfc_010_no_schemas(idp: Client) -> None:
    """A user that names no schema is a user all the same."""
    answer = await idp.send("POST", "/Users", {"userName": "kim@example.com"})
    assert answer.status == 201, answer.raw
    assert answer.json["schemas"] == [USER]


async def test_rfc_011_schema_case(idp: Client) -> None:
    """Names in any spelling are stored and returned as the schema spells them."""
    body = {"USERNAME": "kim@example.com", "Emails": [{"Type": "work", "VALUE": "k@example.com"}]}
    answer = await idp.send("POST", "/Users", body)
    assert answer.status == 201, answer.raw
    assert changed(await idp.get(answer.json["id"]), {"id": None, "active": None}) == {
        "userName": "kim@example.com",
        "emails": [{"type": "work", "value": "k@example.com"}],
    }


async def test_rfc_012_one_attribute(idp: Client, kim: Json) -> None:
    """`attributes` is read without regard to case; id and schemas always come along."""
    answer = await idp.send("GET", f"/Users/{kim['id']}", query="attributes=USERNAME")
    assert answer.json == {name: kim[name] for name in ("schemas", "id", "userName")}


@pytest.mark.parametrize("path", ["/Users/{u1}", "/Users"])
async def test_rfc_014_both_lists_of_attributes(idp: Client, kim: Json, path: str) -> None:
    """`attributes` and `excludedAttributes` exclude each other."""
    query = "attributes=userName&excludedAttributes=title"
    refused(await idp.send("GET", path.format(u1=kim["id"]), query=query), 400, "invalidValue")


async def test_rfc_031_not(idp: Client, kim: Json, lee: Json) -> None:
    """A negated filter finds the inactive users alone."""
    await idp.patch(lee["id"], op("replace", "active", False))
    assert await idp.found("not (active eq true)") == [lee["id"]]
    assert await idp.found("active eq true") == [kim["id"]]


@pytest.mark.parametrize(
    ("condition", "hits"),
    [
        ('meta.lastModified gt "2026-01-01T00:00:00Z"', 1),
        ('meta.lastModified lt "2026-01-01T00:00:00Z"', 0),
        # It is noon UTC: as texts these would compare the other way round.
        ('meta.lastModified gt "2026-11-25T13:30:00+02:00"', 1),
        ('meta.lastModified gt "2026-11-25T11:30:00-02:00"', 0),
    ],
)
async def test_rfc_034_times(idp: Client, kim: Json, condition: str, hits: int) -> None:
    """Times are compared as times, whatever zone they are written in."""
    assert await idp.found(condition) == [kim["id"]][:hits]


@pytest.mark.parametrize(
    "condition",
    [
        'displayName eq "' + "x" * 9_984 + '"',
        "(" * 200 + "active eq true" + ")" * 200,
        "not (" * 200 + "active eq true" + ")" * 200,
    ],
    ids=["long", "nested", "negated"],
)
@pytest.mark.usefixtures("kim")
async def test_rfc_037_filters_without_measure(idp: Client, condition: str) -> None:
    """A filter that is too long or too deep is refused in bounded time."""
    message = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": condition,
    }
    started = time.perf_counter()
    for answer in (
        await idp.send("GET", "/Users", query=f"filter={quote(condition)}"),
        await idp.send("POST", "/Users/.search", message),
    ):
        assert answer.status == 400
        assert answer.json["scimType"] in ("invalidFilter", "tooMany")
    assert time.perf_counter() - started < BOUNDED


async def test_rfc_038_search(idp: Client) -> None:
    """A SearchRequest gives the same list as a GET with its values in the query."""
    for _ in range(3):
        await idp.create_user(title="Engineer")
    message = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
        "filter": 'title eq "engineer"',
        "startIndex": 2,
        "count": 1,
    }
    answer = await idp.send("POST", "/Users/.search", message)
    assert answer.status == 200, answer.raw
    assert (answer.json["totalResults"], answer.json["itemsPerPage"]) == (3, 1)
    query = "filter=title%20eq%20%22engineer%22&startIndex=2&count=1"
    assert answer.json == await idp.page(query=query)


async def test_rfc_040_what_is_not_supported(idp: Client) -> None:
    """What the standard has and this endpoint has not is 501."""
    refused(await idp.send("GET", "/Me"), 501)


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_rfc_041_methods_of_a_collection(idp: Client, method: str) -> None:
    """A wrong method is refused with those that are right."""
    answer = await idp.send(method, "/Users", {} if method == "PUT" else None)
    refused(answer, 405)
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))


async def test_rfc_043_a_slash_at_the_end(idp: Client, kim: Json, lee: Json) -> None:
    """A collection is the same with a slash behind it."""
    assert (await idp.page("/Users/"))["Resources"] == [kim, lee]
    query = "filter=userName%20eq%20%22lee.chan@example.com%22"
    assert (await idp.page("/Users/", query))["Resources"] == [lee]


async def test_rfc_044_an_unknown_path(idp: Client) -> None:
    """What is not served is 404 as a SCIM error."""
    refused(await idp.send("GET", "/Unknown"), 404)


async def test_rfc_047_an_alien_host(idp: Client) -> None:
    """Addresses carry the configured public base, whatever the Host header says."""
    alien = {"Host": "alien.example.net"}
    made = await idp.send("POST", "/Users", {"userName": "kim@example.com"}, headers=alien)
    read = await idp.send("GET", f"/Users/{made.json['id']}", headers=alien)
    for answer in (made, read):
        assert answer.json["meta"]["location"] == f"{idp.base}/Users/{made.json['id']}"


async def test_rfc_050_two_directories(endpoint: Endpoint) -> None:
    """The same names live in two directories, and each finds only its own."""
    body = {"userName": "kim@example.com", "externalId": "kim"}
    made = {}
    for name in ("one", "two"):
        client = await connect(endpoint, name)
        made[client.id] = (client, (await client.create_user(**body))["id"])
    (_, first), (_, second) = made.values()
    assert first != second
    for client, own in made.values():
        for condition in ('userName eq "kim@example.com"', 'externalId eq "kim"', "active eq true"):
            assert await client.found(condition) == [own]
        other = second if own == first else first
        refused(await client.send("GET", f"/Users/{other}"), 404)


async def test_rfc_053_deleting_a_member_and_manager(idp: Client, kim: Json, lee: Json) -> None:
    """Nothing refers to a user that is gone."""
    tunnels = await idp.create_group("Tunnels", [kim["id"], lee["id"]])
    await idp.patch(kim["id"], op("add", f"{ENT}:manager", lee["id"]))
    assert (await idp.send("DELETE", f"/Users/{lee['id']}")).status == 204
    assert await idp.members(tunnels["id"]) == {kim["id"]}
    for path in (f"/Users/{kim['id']}", "/Users", f"/Groups/{tunnels['id']}", "/Groups"):
        assert lee["id"].encode() not in (await idp.send("GET", path)).raw


async def test_pag_001_nothing_but_the_total(idp: Client, kim: Json, lee: Json) -> None:
    """`count=0` gives the true total and no resources, with and without a filter."""
    for query, total in (("count=0", 2), (f"count=0&filter=id%20eq%20%22{kim['id']}%22", 1)):
        found = await idp.page(query=query)
        assert (found["totalResults"], found["Resources"]) == (total, [])
    assert lee["id"] != kim["id"]


@pytest.mark.parametrize("query", ["startIndex=abc", "count=abc"])
async def test_pag_006_no_number(idp: Client, query: str) -> None:
    """Paging takes integers only."""
    refused(await idp.send("GET", "/Users", query=query), 400, "invalidValue")


async def test_pag_007_pages_by_cursor(idp: Client) -> None:
    """Each `nextCursor` leads to the next page, until the last page has none."""
    everybody = [(await idp.create_user())["id"] for _ in range(5)]
    ids: list[str] = []
    query = "cursor&count=2"
    for last in (False, False, True):
        page = await idp.page(query=query)
        ids += [each["id"] for each in page["Resources"]]
        assert ("nextCursor" not in page) is last
        query = f"cursor={page.get('nextCursor')}&count=2"
    assert ids == everybody


async def test_pag_008_cursors_that_nobody_gave_out(idp: Client, kim: Json, lee: Json) -> None:
    """A cursor with a changed character, and an invented one, are refused."""
    cursor = (await idp.page(query="cursor&count=1"))["nextCursor"]
    assert (await idp.page(query=f"cursor={cursor}&count=1"))["Resources"] == [lee]
    for at in (0, len(cursor) // 2, len(cursor) - 1):
        other = "A" if cursor[at] != "A" else "B"
        forged = f"{cursor[:at]}{other}{cursor[at + 1 :]}"
        refused(
            await idp.send("GET", "/Users", query=f"cursor={forged}&count=1"), 400, "invalidCursor"
        )
    invented = await idp.send("GET", "/Users", query=f"cursor={kim['id']}&count=1")
    refused(invented, 400, "invalidCursor")


async def test_pag_012_kinds_of_pagination(idp: Client) -> None:
    """The configuration says which kinds there are; by default it is the index."""
    pagination = (await idp.send("GET", "/ServiceProviderConfig")).json["pagination"]
    assert (pagination["cursor"], pagination["index"]) == (True, True)
    assert pagination["defaultPaginationMethod"] == "index"


@pytest.mark.usefixtures("kim")
async def test_auth_004_two_tokens(idp: Client) -> None:
    """An old and a new token serve side by side, so one is rotated without an outage."""
    new = await idp.endpoint.services.tokens.create(idp.id, "the next one")
    assert new.value != idp.token
    for token in (idp.token, new.value, idp.token):
        answer = await idp.send_bare("GET", "/Users", {"Authorization": f"bearer {token}"})
        assert answer.status == 200
