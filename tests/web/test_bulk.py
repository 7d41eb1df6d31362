"""Bulk over HTTP: every operation as the same call alone, in any order, within limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from scim.protocol.bulk import MAX_OPERATIONS, MAX_PAYLOAD_SIZE
from scim.provisioning.log.entries import LogEntry
from scim.provisioning.ports import Operation, Page, Row, Storage
from scim.provisioning.tokens.tokens import Scope
from tests.endpoint import PUBLIC_BASE, Answer, Clock, Directory, patch_message, running

BULK_REQUEST = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


async def sent(directory: Directory, *operations: Any, **members: Any) -> Answer:
    """Send a BulkRequest."""
    body = {"schemas": [BULK_REQUEST], "Operations": list(operations), **members}
    return await directory.send("POST", "/Bulk", body)


async def bulk(directory: Directory, *operations: Any, **members: Any) -> list[Any]:
    """Send a BulkRequest and return the outcomes of its operations."""
    answer = await sent(directory, *operations, **members)
    assert answer.status == 200, answer.raw
    assert answer.json["schemas"] == [BULK_RESPONSE]
    outcomes: list[Any] = answer.json["Operations"]
    return outcomes


def user(name: str, manager: str | None = None, **attributes: Any) -> dict[str, Any]:
    """Return the creation of a user whose userName is its bulkId."""
    data = {"userName": name, **attributes}
    if manager:
        data[ENTERPRISE] = {"manager": {"value": f"bulkId:{manager}"}}
    return {"method": "POST", "path": "/Users", "bulkId": name, "data": data}


def group(name: str, *members: str) -> dict[str, Any]:
    """Return the creation of a group with members that the request creates."""
    data = {"displayName": name, "members": [{"value": f"bulkId:{each}"} for each in members]}
    return {"method": "POST", "path": "/Groups", "bulkId": name, "data": data}


def change(path: str, *operations: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a PATCH operation."""
    return {"method": "PATCH", "path": path, "data": patch_message(operations), **members}


def statuses(outcomes: Sequence[Any]) -> list[str]:
    """Return the statuses, which are texts."""
    return [each["status"] for each in outcomes]


def ids(outcomes: Sequence[Any]) -> list[str]:
    """Return the ids in the locations."""
    return [each["location"].rpartition("/")[2] for each in outcomes]


def manager_of(shown: Any) -> str | None:
    """Return the id of a user's manager."""
    found: str | None = shown.get(ENTERPRISE, {}).get("manager", {}).get("value")
    return found


async def users(directory: Directory) -> set[str]:
    """Return the userNames of all users."""
    answer = await directory.send("GET", "/Users")
    return {each["userName"] for each in answer.json["Resources"]}


async def test_each_operation_has_its_own_outcome(directory: Directory) -> None:
    """Method, bulkId, location, version and status come in the order of the request."""
    kim, lee = await directory.create_user(), await directory.create_user()
    base = f"{PUBLIC_BASE}/scim/v2/{directory.id}/Users"
    outcomes = await bulk(
        directory,
        user("new"),
        {"method": "PUT", "path": f"/Users/{kim['id']}", "bulkId": "x", "data": {"userName": "k"}},
        change(f"/Users/{kim['id']}", {"op": "replace", "path": "active", "value": False}),
        {"method": "DELETE", "path": f"/Users/{lee['id']}"},
    )
    location = outcomes[0]["location"]
    kim_at, lee_at = f"{base}/{kim['id']}", f"{base}/{lee['id']}"
    versions = ['W/"1"', 'W/"2"', 'W/"3"']
    assert outcomes == [
        {"method": "POST", "bulkId": "new", "status": "201", "version": versions[0],
         "location": location},
        {"method": "PUT", "bulkId": "x", "status": "200", "version": versions[1],
         "location": kim_at},
        {"method": "PATCH", "status": "200", "version": versions[2], "location": kim_at},
        {"method": "DELETE", "status": "204", "location": lee_at},
    ]  # fmt: skip
    made = await directory.get(location.rpartition("/")[2])
    assert (made["userName"], made["meta"]["location"]) == ("new", location)
    shown = await directory.get(kim["id"])
    assert (shown["userName"], shown["active"]) == ("k", False)
    assert shown["meta"]["version"] == versions[2]
    assert await users(directory) == {"new", "k"}


async def test_references_resolve_in_any_order(directory: Directory) -> None:
    """A group, a manager and a path may refer to what stands behind them."""
    outcomes = await bulk(
        directory,
        change("/Groups/bulkId:team", {"op": "add", "path": "members", "value": ["bulkId:lee"]}),
        group("team", "kim"),
        user("kim", manager="lee"),
        user("lee"),
    )
    assert statuses(outcomes) == ["204", "201", "201", "201"]
    team, of_team, kim, lee = ids(outcomes)
    assert team == of_team
    assert await directory.members(team) == {kim, lee}
    assert manager_of(await directory.get(kim)) == lee


async def test_a_cycle_of_managers_is_closed(directory: Directory) -> None:
    """Users who manage each other, or themselves, end as the request says."""
    outcomes = await bulk(
        directory,
        user("kim", manager="lee", title="Engineer"),
        user("lee", manager="max"),
        user("max", manager="kim"),
        user("own", manager="own"),
    )
    assert statuses(outcomes) == ["201"] * 4
    kim, lee, most, own = [await directory.get(each) for each in ids(outcomes)]
    assert [manager_of(each) for each in (kim, lee, most, own)] == [
        lee["id"],
        most["id"],
        kim["id"],
        own["id"],
    ]
    assert kim["title"] == "Engineer"
    assert [each["version"] for each in outcomes] == [
        each["meta"]["version"] for each in (kim, lee, most, own)
    ]


async def test_a_cycle_of_groups_is_closed(directory: Directory) -> None:
    """Groups with each other as members end as the request says, with all other members."""
    outcomes = await bulk(directory, group("A", "B", "kim"), group("B", "kim", "A"), user("kim"))
    assert statuses(outcomes) == ["201"] * 3
    a, b, kim = ids(outcomes)
    assert await directory.members(a) == {b, kim}
    assert await directory.members(b) == {a, kim}


async def test_what_needs_a_failed_operation_fails_with_it(directory: Directory) -> None:
    """Who refers to what was not created is 409 and named; the others go on."""
    await directory.create_user(userName="KIM")
    outcomes = await bulk(
        directory, group("team", "kim", "lee"), user("lee"), user("kim"), group("other", "team")
    )
    assert statuses(outcomes) == ["409", "201", "409", "409"]
    details = [each.get("response", {}).get("detail", "") for each in outcomes]
    assert details[0].startswith("bulkId:kim was not created")
    assert details[3].startswith("bulkId:team was not created")
    assert outcomes[2]["response"]["scimType"] == "uniqueness"
    assert (await directory.send("GET", "/Groups")).json["totalResults"] == 0
    assert "location" not in outcomes[0]


async def test_a_reference_to_nothing_is_an_error_of_its_operation(directory: Directory) -> None:
    """A bulkId that no POST of the request has is 400 and named."""
    outcomes = await bulk(
        directory,
        group("team", "nobody"),
        {"method": "DELETE", "path": "/Users/bulkId:nobody", "bulkId": "nobody"},
        user("kim"),
    )
    assert statuses(outcomes) == ["400", "400", "201"]
    for each in outcomes[:2]:
        assert each["response"]["scimType"] == "invalidValue"
        assert "bulkId:nobody" in each["response"]["detail"]


async def test_a_cycle_that_cannot_be_closed_tells_what_stands(directory: Directory) -> None:
    """When the other side fails, the side created first is an error that names its location.

    What needs it fails with it.
    """
    await directory.create_user(userName="kim")
    kim, lee, team = await bulk(
        directory, user("kim", manager="lee"), user("lee", manager="kim"), group("team", "lee")
    )
    assert statuses([kim, lee, team]) == ["409", "409", "409"]
    assert "bulkId:kim was not created" in lee["response"]["detail"]
    shown = await directory.get(ids([lee])[0])
    assert (shown["userName"], manager_of(shown)) == ("lee", None)


@pytest.mark.parametrize(("limit", "expected"), [(None, ["409", "409"]), (1, ["409"])])
async def test_a_cycle_may_fail_at_its_beginning(
    directory: Directory, limit: int | None, expected: list[str]
) -> None:
    """When the side created first fails, the other fails with it, and nothing is to complete."""
    await directory.create_user(userName="lee")
    cycle = [user("kim", manager="lee"), user("lee", manager="kim")]
    outcomes = await bulk(directory, *cycle, failOnErrors=limit)
    assert statuses(outcomes) == expected
    assert outcomes[-1]["response"]["scimType"] == "uniqueness"
    assert await users(directory) == {"lee"}


@pytest.mark.parametrize(("limit", "carried_out"), [(1, 2), (2, 4), (3, 5), (None, 5)])
async def test_fail_on_errors_stops_after_so_many(
    directory: Directory, limit: int | None, carried_out: int
) -> None:
    """After so many failures nothing is begun, and the answer holds what was carried out."""
    lost = {"method": "DELETE", "path": "/Users/nobody"}
    operations = [user("a"), lost, user("b"), lost, user("c")]
    outcomes = await bulk(directory, *operations, failOnErrors=limit)
    expected = ["201", "404", "201", "404", "201"]
    assert statuses(outcomes) == expected[:carried_out]
    assert len(await users(directory)) == statuses(outcomes).count("201")


async def test_the_version_is_a_precondition(directory: Directory) -> None:
    """`version` counts as If-Match: another version is 412, and nothing is changed."""
    kim = await directory.create_user(title="A")
    rename = {"op": "replace", "path": "title", "value": "B"}
    path, version = f"/Users/{kim['id']}", kim["meta"]["version"]
    old, right = await bulk(
        directory,
        change(path, rename, version='W/"77"'),
        change(path, {**rename, "value": "C"}, version=version),
    )
    assert statuses([old, right]) == ["412", "200"]
    assert (await directory.get(kim["id"]))["title"] == "C"


async def test_a_precondition_of_the_request_is_none_of_its_operations(
    directory: Directory,
) -> None:
    """If-Match and If-None-Match of the bulk request itself concern no operation."""
    kim = await directory.create_user()
    body = {
        "schemas": [BULK_REQUEST],
        "Operations": [{"method": "DELETE", "path": f"/Users/{kim['id']}"}],
    }
    headers = {"If-Match": 'W/"77"', "If-None-Match": "*"}
    answer = await directory.send("POST", "/Bulk", body, headers=headers)
    assert statuses(answer.json["Operations"]) == ["204"]


def logged(entries: Sequence[LogEntry]) -> list[dict[str, Any]]:
    """Return what entries say besides time, message id and which resource it was."""
    apart = {"time", "message_id", "duration_ms"}
    shown = [each.model_dump(exclude=apart) for each in entries]
    for each in shown:
        each["target"].pop("id")
    return shown


async def test_operations_are_logged_as_calls_alone(directory: Directory) -> None:
    """Quirks, ignored names, changes and operations stand in an entry each, as if alone."""
    body = {"userName": "kim", "Active": "False", "shoeSize": 43}
    disable = {"op": "Replace", "path": "active", "value": "True"}
    await directory.send("POST", "/Users", body)
    kim = (await directory.send("GET", "/Users")).json["Resources"][0]["id"]
    await directory.patch(kim, disable)
    await directory.send("DELETE", f"/Users/{kim}")
    alone = await directory.log()
    await bulk(
        directory,
        {"method": "POST", "path": "/Users", "bulkId": "kim", "data": body},
        change("/Users/bulkId:kim", disable),
        {"method": "DELETE", "path": "/Users/bulkId:kim"},
    )
    together = (await directory.log())[: -len(alone)]
    assert logged(together) == logged(alone)
    assert len(alone) == 3
    assert alone[1].quirks
    assert alone[2].ignored == ("shoeSize",)
    assert len({each.message_id for each in together}) == len(together)


async def test_an_error_inside_is_the_error_alone(directory: Directory) -> None:
    """The response of a failed operation is the error of the call alone, with its message id."""
    data = {"userName": "kim", "active": "perhaps"}
    alone = (await directory.send("POST", "/Users", data)).json
    (outcome,) = await bulk(
        directory, {"method": "POST", "path": "/Users", "bulkId": "kim", "data": data}
    )
    inside = outcome["response"]
    text, _, message_id = inside["detail"].rstrip(")").rpartition(" (message ")
    assert text == alone["detail"].rpartition(" (message ")[0]
    assert message_id
    assert message_id not in alone["detail"]
    assert {**inside, "detail": ""} == {**alone, "detail": ""}
    assert (outcome["status"], outcome["method"]) == ("400", "POST")


@pytest.mark.parametrize(
    ("operation", "status"),
    [
        ({"method": "POST", "path": "/Users", "bulkId": "x"}, "400"),
        ({"method": "POST", "path": "/Users", "bulkId": "x", "data": ["kim"]}, "400"),
        ({"method": "PUT", "path": "/Users/nobody", "data": {"userName": "x"}}, "404"),
        ({"method": "DELETE", "path": "/Users/nobody"}, "404"),
        ({"method": "DELETE", "path": "/Users"}, "405"),
        ({"method": "POST", "path": "/Users/1", "bulkId": "x", "data": {}}, "405"),
        ({"method": "PUT", "path": "/Users/1/2", "data": {}}, "404"),
        ({"method": "POST", "path": "/Users/.search", "bulkId": "x", "data": {}}, "400"),
        ({"method": "POST", "path": "/.search", "bulkId": "x", "data": {}}, "400"),
        ({"method": "POST", "path": "/Bulk", "bulkId": "x", "data": {}}, "400"),
        ({"method": "PATCH", "path": "/Me", "data": {}}, "400"),
        ({"method": "DELETE", "path": "/Schemas"}, "400"),
        ({"method": "DELETE", "path": "/"}, "400"),
        ({"method": "DELETE", "path": "https://elsewhere.example.com/Users/1"}, "400"),
        ({"method": "DELETE", "path": "/../other/Users/1"}, "400"),
        ({"method": "DELETE", "path": "/Users/%FF?a=%FF"}, "400"),
    ],
)
async def test_a_wrong_operation_fails_alone(
    directory: Directory, operation: Any, status: str
) -> None:
    """An operation that leads nowhere fails with its reason, and the others go on."""
    wrong, right = await bulk(directory, operation, user("kim"))
    assert statuses([wrong, right]) == [status, "201"]
    assert wrong["response"]["status"] == status
    assert wrong["response"]["detail"]


async def test_paths_are_read_as_those_of_calls(directory: Directory) -> None:
    """Slashes, letter case and a query in a path mean what they mean in an address."""
    await bulk(directory, {**user("kim"), "path": "users/"}, {**group("A"), "path": "//GROUPS"})
    shown = (await directory.send("GET", "/Groups")).json["Resources"][0]
    path = f"Groups/{shown['id']}?attributes=displayName"
    rename = {"op": "replace", "path": "displayName", "value": "B"}
    (outcome,) = await bulk(directory, change(path, rename))
    assert (outcome["status"], outcome["location"]) == ("200", shown["meta"]["location"])
    assert await users(directory) == {"kim"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"schemas": [BULK_REQUEST]},
        {"schemas": [BULK_REQUEST], "Operations": {}},
        {"schemas": [BULK_REQUEST], "Operations": [user("kim"), {"method": "GET"}]},
        {"schemas": [BULK_REQUEST], "Operations": [user("kim"), {"method": "POST"}]},
    ],
)
async def test_a_wrong_request_does_nothing(directory: Directory, body: Any) -> None:
    """A request that is built wrongly is 400 invalidSyntax, and none of it is carried out."""
    answer = await directory.send("POST", "/Bulk", body)
    assert (answer.status, answer.json["scimType"]) == (400, "invalidSyntax")
    assert await users(directory) == set()


async def test_limits_are_announced_and_hold(directory: Directory) -> None:
    """Too many operations and too many bytes are 413 and name what is announced."""
    config = (await directory.send("GET", "/ServiceProviderConfig")).json["bulk"]
    assert config == {
        "supported": True,
        "maxOperations": MAX_OPERATIONS,
        "maxPayloadSize": MAX_PAYLOAD_SIZE,
    }
    many = await sent(directory, *[user(f"{each}") for each in range(MAX_OPERATIONS + 1)])
    assert many.status == 413
    assert str(MAX_OPERATIONS) in many.json["detail"]
    start = orjson.dumps({"schemas": [BULK_REQUEST], "Operations": [user("kim")]})
    fits = await directory.send("POST", "/Bulk", raw=start.ljust(MAX_PAYLOAD_SIZE))
    assert statuses(fits.json["Operations"]) == ["201"]
    large = await directory.send("POST", "/Bulk", raw=start.ljust(MAX_PAYLOAD_SIZE + 1))
    assert large.status == 413
    assert str(MAX_PAYLOAD_SIZE) in large.json["detail"]
    assert await users(directory) == {"kim"}


async def test_an_operation_has_the_limits_of_its_call(directory: Directory) -> None:
    """One operation holds no more than its call alone may."""
    large = user("kim", title="x" * 1024 * 1024)
    alone = await directory.send("POST", "/Users", large["data"])
    outcomes = await bulk(directory, large)
    assert statuses(outcomes) == [str(alone.status)] == ["413"]


@dataclass
class Slow:
    """A storage on which every commit takes half a minute, by the clock of the test."""

    inner: Storage
    clock: Clock

    async def get(self, partition: str, key: str) -> Row | None:
        return await self.inner.get(partition, key)

    async def scan(
        self, partition: str, first: str, last: str, limit: int = 1000, after: str | None = None
    ) -> Page:
        return await self.inner.scan(partition, first, last, limit, after)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        await self.inner.commit(partition, operations)
        self.clock.forward(seconds=30)

    async def close(self) -> None:
        await self.inner.close()


async def test_a_request_ends_before_the_platform_cuts_it(directory: Directory) -> None:
    """After 100 s nothing is begun: 503 with what to do; what was begun is completed."""
    await directory.endpoint.services.rules.in_force()  # the first use stores them
    storage = directory.endpoint.storage
    storage.inner = Slow(storage.inner, directory.endpoint.clock)
    chain = [user("d", manager="a"), user("c", manager="d"), user("b", manager="c")]
    outcomes = await bulk(directory, user("a", manager="b"), *chain, user("e"))
    assert statuses(outcomes) == ["201", "201", "201", "201", "503"]
    assert "Send it again" in outcomes[-1]["response"]["detail"]
    a, d, *_ = ids(outcomes[:4])
    assert manager_of(await directory.get(d)) == a
    assert await users(directory) == {"a", "b", "c", "d"}


async def test_a_policy_holds_for_each_operation(tmp_path: Path) -> None:
    """A switch that is off refuses the operation as it refuses the call."""
    async with running(tmp_path, ALLOW_DELETE_USERS="false") as endpoint:
        directory = await endpoint.directory("demo")
        delete = {"method": "DELETE", "path": "/Users/bulkId:kim"}
        assert statuses(await bulk(directory, user("kim"), delete)) == ["201", "501"]


async def test_bulk_needs_the_right_to_write(directory: Directory) -> None:
    """A token that may only read is 403, another method 405, and a path below 404."""
    services = directory.endpoint.services
    token = await services.tokens.create(directory.id, "reader", scope=Scope.SCIM_READ)
    reader = Directory(directory.endpoint, directory.id, token.value)
    assert (await sent(reader, user("kim"))).status == 403
    assert await users(directory) == set()
    other = await directory.send("GET", "/Bulk")
    assert (other.status, other.headers["Allow"]) == (405, "OPTIONS, POST")
    assert (await directory.send("POST", "/Bulk/1", {})).status == 404
