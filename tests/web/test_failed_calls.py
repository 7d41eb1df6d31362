"""Refused and failed calls, as they are kept: an entry of the log each, and one event for alike."""

from __future__ import annotations

import logging
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scim.protocol.errors import ScimError
from scim.protocol.patch import MAX_OPERATIONS
from scim.provisioning import rows
from scim.provisioning.log import failures
from scim.provisioning.log.causes import CAUSES
from scim.provisioning.log.entries import Did, Outcome
from scim.provisioning.log.failed_events import FailedEvent, StoredEvent, load_event, stored_event
from scim.provisioning.log.signs import cause_of
from scim.provisioning.scans import scan_rows
from scim.provisioning.tokens.tokens import Scope
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Answer, Directory, Endpoint, patch_message, running
from tests.faults.engine import Fault, Faulty, Shared

GONE = "01a21293-b657-78c4-939f-61a62126ba7a"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
KIM = {"userName": "kim@example.com"}
SECRET = "Hunter2-Tunnel!"
MANY = [{"op": "add", "path": "title", "value": "x"}] * (MAX_OPERATIONS + 1)

# Name of a case: method, path, body, what the policy says otherwise, headers; status, scimType,
# cause, operations, and of the target type, id and name.
Case = tuple[str, str, Any, dict[str, Any], dict[str, str]]
Told = tuple[int, str | None, str, list[Did], tuple[str, str, str]]
CASES: dict[str, tuple[Case, Told]] = {
    "name taken": (
        ("POST", "/Users", {"userName": "KIM@example.com"}, {}, {}),
        (409, "uniqueness", "nameTaken", [Did.CREATE], ("User", "", "KIM@example.com")),
    ),
    "required missing": (
        ("POST", "/Users", {"userName": "lee"}, {"requiredAttributes": ["title"]}, {}),
        (400, "invalidValue", "requiredMissing", [Did.CREATE], ("User", "", "lee")),
    ),
    "strict": (
        ("POST", "/Users", {"userName": "lee"}, {"strict": True}, {}),
        (400, "invalidSyntax", "strict", [Did.CREATE], ("User", "", "lee")),
    ),
    "unreadable": (
        ("POST", "/Users", b"{", {}, {}),
        (400, "invalidSyntax", "unreadable", [Did.CREATE], ("User", "", "")),
    ),
    "value wrong": (
        ("PUT", "/Users/{kim}", {**KIM, "active": "perhaps"}, {}, {}),
        (400, "invalidValue", "valueWrong", [Did.UPDATE], ("User", "{kim}", "kim@example.com")),
    ),
    "switched off": (
        ("DELETE", "/Users/{kim}", None, {"deleteUsers": False}, {}),
        (501, None, "switchedOff", [Did.DELETE], ("User", "{kim}", "kim@example.com")),
    ),
    "gone": (
        ("DELETE", f"/Users/{GONE}", None, {}, {}),
        (404, None, "resourceGone", [Did.DELETE], ("User", GONE, "")),
    ),
    "path unreadable": (
        ("PATCH", "/Users/{kim}", [{"op": "add", "path": "title[", "value": "x"}], {}, {}),
        (400, "invalidPath", "pathUnreadable", [Did.UPDATE], ("User", "{kim}", "kim@example.com")),
    ),
    "nothing there": (
        ("PATCH", "/Users/{kim}", [{"op": "remove"}], {}, {}),
        (400, "noTarget", "nothingThere", [Did.UPDATE], ("User", "{kim}", "kim@example.com")),
    ),
    "read only": (
        ("PATCH", "/Users/{kim}", [{"op": "replace", "path": "id", "value": "7"}], {}, {}),
        (400, "mutability", "readOnly", [Did.UPDATE], ("User", "{kim}", "kim@example.com")),
    ),
    "changed meanwhile": (
        (
            "PATCH",
            "/Users/{kim}",
            [{"op": "replace", "path": "active", "value": False}],
            {},
            {"If-Match": 'W/"7"'},
        ),
        (412, None, "changedMeanwhile", [Did.DISABLE], ("User", "{kim}", "kim@example.com")),
    ),
    "member missing": (
        (
            "PATCH",
            "/Groups/{group}",
            [{"op": "add", "path": "members", "value": [{"value": GONE}]}],
            {},
            {},
        ),
        (
            400,
            "invalidValue",
            "memberMissing",
            [Did.ADD_MEMBERS],
            ("Group", "{group}", "Tunnels"),
        ),
    ),
    "group name taken": (
        ("POST", "/Groups", {"displayName": "tunnels"}, {}, {}),
        (409, "uniqueness", "nameTaken", [Did.CREATE], ("Group", "", "tunnels")),
    ),
    "query unreadable": (
        ("GET", "/Users?filter=%ff", None, {}, {}),
        (400, "invalidValue", "queryUnreadable", [], ("User", "", "")),
    ),
    "query twice": (
        ("DELETE", "/Users/{kim}?count=1&COUNT=2", None, {}, {}),
        (
            400,
            "invalidSyntax",
            "queryUnreadable",
            [Did.DELETE],
            ("User", "{kim}", "kim@example.com"),
        ),
    ),
    "filter unreadable": (
        ("GET", "/Users?filter=userName", None, {}, {}),
        (400, "invalidFilter", "filterUnreadable", [], ("User", "", "")),
    ),
    "cursor old": (
        ("GET", "/Users?cursor=x", None, {}, {}),
        (400, "invalidCursor", "cursorOld", [], ("User", "", "")),
    ),
    "address unknown": (
        ("POST", "/Nothing", KIM, {}, {}),
        (404, None, "addressUnknown", [], ("Directory", "", "")),
    ),
    "below a resource": (
        ("POST", "/Users/{kim}/x", KIM, {}, {}),
        (404, None, "addressUnknown", [Did.CREATE], ("User", "{kim}", "kim@example.com")),
    ),
    "too much": (
        ("PATCH", "/Users/{kim}", MANY, {}, {}),
        (400, "tooMany", "tooMuch", [Did.UPDATE], ("User", "{kim}", "kim@example.com")),
    ),
    "method unknown": (
        ("DELETE", "/Users", None, {}, {}),
        (405, None, "methodUnknown", [Did.DELETE], ("User", "", "")),
    ),
    "media type unknown": (
        ("POST", "/Users", KIM, {}, {"Content-Type": "text/plain"}),
        (415, None, "mediaTypeUnknown", [Did.CREATE], ("User", "", "")),
    ),
    "not served": (
        ("POST", "/Me", KIM, {}, {}),
        (501, None, "notServed", [], ("Directory", "", "")),
    ),
    "filter not allowed": (
        ("GET", "/Schemas?filter=id%20pr", None, {}, {}),
        (403, None, "filterNotAllowed", [], ("Directory", "", "")),
    ),
}


async def send(directory: Directory, case: Case, ids: dict[str, str]) -> Answer:
    """Send the request of a case."""
    method, path, body, _, headers = case
    path, _, query = path.format(**ids).partition("?")
    raw = body if isinstance(body, bytes) else None
    sent = patch_message(body) if isinstance(body, list) else body
    headers = {"User-Agent": "idp/1.0", "traceparent": TRACE, **headers}
    return await directory.send(
        method, path, None if raw else sent, raw=raw, headers=headers, query=query
    )


async def events(directory: Directory) -> list[StoredEvent]:
    """Return all failed events, by their place: the newest first."""
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    found = scan_rows(storage, partition, rows.EVENT_PLACES, rows.EVENT_PLACES + rows.END)
    loaded = [await load_event(storage, partition, rows.placed_event(e.key)) async for e in found]
    all_rows = scan_rows(storage, partition, rows.event(""), rows.event(rows.END))
    assert sorted([stored_event(row).id async for row in all_rows]) == sorted(
        each.id for each in loaded if each
    )
    return [each for each in loaded if each]


@pytest.fixture
async def ids(directory: Directory) -> dict[str, str]:
    """Make a user and a group."""
    kim = (await directory.create_user(**KIM))["id"]
    return {"kim": kim, "group": (await directory.create_group("Tunnels", [kim]))["id"]}


@pytest.mark.parametrize("name", CASES)
async def test_a_refused_call_says_everything(
    directory: Directory, ids: dict[str, str], name: str
) -> None:
    """Its entry and its event tell who wanted what of whom, when, and why it was refused."""
    case, (status, scim_type, cause, operations, (kind, target, named)) = CASES[name]
    policy = {"policy": case[3]}
    await directory.endpoint.manage("PATCH", f"/directories/{directory.id}", policy)
    before = await directory.state()
    answer = await send(directory, case, ids)
    assert answer.status == status, answer.raw
    assert (await directory.state()).keys() == before.keys()
    (entry,) = await directory.failures()
    message = answer.headers["x-message-id"]
    expected = {
        "messageId": message,
        "actor": f"token {directory.token.split('_')[1]}",
        "operations": [each.value for each in operations],
        "target": {"type": kind, "id": target.format(**ids), "identifier": named},
        "outcome": "refused",
        "userAgent": "idp/1.0",
        "traceparent": TRACE,
        "status": status,
        "detail": answer.json["detail"].removesuffix(f" (message {message})"),
        "cause": cause,
        "adds": {"failed": 1},
        **({"scimType": scim_type} if scim_type else {}),
    }
    shown = entry.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert shown.pop("durationMs") > 0
    assert shown.pop("time")
    shown.pop("quirks", None)
    assert shown == expected
    (stored,) = await events(directory)
    assert stored.event == FailedEvent(
        count=1, first_seen=entry.time, last=entry, body=stored.event.body
    )
    assert bool(stored.event.body) == (case[2] is not None)


def test_every_cause_has_words() -> None:
    """Each cause says what it means and what to do, in whole sentences."""
    for name, cause in CAUSES.items():
        assert name == cause.name
        for text in (cause.meaning, cause.advice):
            assert text.endswith(".")
            assert text[0].isupper()
    assert len({each.meaning for each in CAUSES.values()}) == len(CAUSES)


def test_every_error_has_a_cause_of_its_own() -> None:
    """No error of SCIM is grouped under `other`."""
    kinds = [each for each in ScimError.__subclasses__() if each.__module__.endswith("errors")]
    assert len(kinds) > 20
    for kind in kinds:
        if kind.status != 401:
            assert cause_of(kind.status, kind.scim_type, "The cursor").name != "other", kind
    assert cause_of(418, None, "").name == "other"


async def test_other_refusals_are_kept_too(endpoint: Endpoint) -> None:
    """A directory that is paused, a token that may only read."""
    directory = await endpoint.directory("demo")
    reader = await endpoint.services.tokens.create(directory.id, "reads", Scope.SCIM_READ)
    reading = Directory(endpoint, directory.id, reader.value)
    assert (await reading.send("POST", "/Users", KIM)).status == 403
    await endpoint.manage("PATCH", f"/directories/{directory.id}", {"state": "paused"})
    assert (await directory.send("GET", "/Users")).status == 503
    told = [(each.status, each.cause, each.outcome) for each in await directory.failures()]
    assert told == [
        (503, "paused", Outcome.FAILED),
        (403, "scopeTooSmall", Outcome.REFUSED),
    ]


async def test_reads_that_find_nothing_are_no_failures(directory: Directory) -> None:
    """404 of a GET, and 401, leave nothing behind."""
    assert (await directory.send("GET", f"/Users/{GONE}")).status == 404
    assert (await directory.send("GET", "/Nothing")).status == 404
    stranger = Directory(directory.endpoint, directory.id, "rc_nobody")
    assert (await stranger.send("POST", "/Users", KIM)).status == 401
    assert await directory.failures() == []


async def test_calls_that_fail_alike_are_one_event(
    directory: Directory, ids: dict[str, str]
) -> None:
    """The event counts them and shows the last; another target or cause is another event."""
    clock = directory.endpoint.clock
    for _ in range(3):
        await directory.send("POST", "/Users", {"userName": "Kim@example.com"})
        clock.forward(minutes=1)
    await directory.patch(ids["kim"], {"op": "replace", "path": "active", "value": "perhaps"})
    await directory.send("POST", "/Groups", {"displayName": "Tunnels"})
    found = await events(directory)
    assert [(each.event.count, each.event.last.target.type) for each in found] == [
        (1, "Group"),
        (1, "User"),
        (3, "User"),
    ]
    alike = found[-1].event
    assert alike.last.time - alike.first_seen > timedelta(minutes=2)
    assert alike.last == (await directory.failures())[2]
    assert len(await directory.failures()) == 5


async def test_the_name_of_who_is_gone_is_told(directory: Directory, ids: dict[str, str]) -> None:
    """A change of a deleted user names it as it was called last."""
    await directory.send("DELETE", f"/Users/{ids['kim']}")
    answer = await directory.patch(ids["kim"], {"op": "remove", "path": "title"})
    assert answer.status == 404
    (entry,) = await directory.failures()
    assert entry.target.identifier == "kim@example.com"
    assert entry.cause == "resourceGone"


async def test_bulk_operations_fail_alone(directory: Directory) -> None:
    """Each operation that fails is kept as the same call alone, under its own message id."""
    await directory.create_user(**KIM)
    await directory.send("POST", "/Users", KIM)
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": KIM},
        {"method": "DELETE", "path": f"/Users/{GONE}"},
        {"method": "POST", "path": "/Groups", "bulkId": "b", "data": {"displayName": "New"}},
        {"method": "PATCH", "path": "/Groups/bulkId:c", "data": patch_message([{"op": "add"}])},
        {"method": "DELETE", "path": "/Users/bulkId:a"},
    ]
    schemas = ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"]
    answer = await directory.send("POST", "/Bulk", {"schemas": schemas, "Operations": operations})
    statuses = [each["status"] for each in answer.json["Operations"]]
    assert statuses == ["409", "404", "201", "400", "409"]
    behind, unresolved, gone, together, alone = await directory.failures()
    assert (behind.cause, behind.operations) == ("bulkUnresolved", (Did.DELETE,))
    apart = {"time", "message_id", "duration_ms", "user_agent", "quirks"}
    assert together.model_dump(exclude=apart) == alone.model_dump(exclude=apart)
    assert gone.cause == "resourceGone"
    assert unresolved.target.identifier == "bulkId:c"
    for entry, operation in zip((alone, gone), (None, answer.json["Operations"][1]), strict=True):
        if operation:
            assert entry.message_id in operation["response"]["detail"]


async def test_no_secret_is_kept(
    directory: Directory, ids: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the body, nor the detail, nor the name, nor the address, nor in telemetry."""
    caplog.set_level(logging.DEBUG)
    bodies: list[Any] = [
        {**KIM, "password": SECRET},
        {**KIM, "password": {"a": SECRET}},
        {"userName": f"Bearer {SECRET}", "active": "perhaps"},
        {"userName": "lee", "active": "perhaps", "initialCode": SECRET},
    ]
    for body in bodies:
        assert (await directory.send("POST", "/Users", body)).status in (400, 409)
    change: list[dict[str, Any]] = [
        {"op": "replace", "path": "password", "value": {"deep": [SECRET]}},
        {"op": "nothing"},
    ]
    sent = {"User-Agent": f"Bearer {SECRET}"}
    await directory.send("PATCH", f"/Users/{ids['kim']}", patch_message(change), headers=sent)
    raw = f'{{"userName": "lee", "password": "{SECRET}"'.encode()
    await directory.send("POST", "/Users", raw=raw)
    assert len(await directory.failures()) == len(bodies) + 2
    storage = directory.endpoint.services.storage
    found = scan_rows(storage, rows.partition(directory.id), "", rows.END)
    text = "".join([str(row) async for row in found])
    told = "".join(str(each.__dict__) for each in caplog.records if each.name == "rollcall")
    assert "call_failed" in told
    assert "kim@example.com" not in told
    assert SECRET not in text + told


async def test_a_detail_that_quotes_a_secret_is_masked(directory: Directory) -> None:
    """What the client is told about its own value is not kept so."""
    name = {"userName": f"Bearer {SECRET}"}
    await directory.create_user(**name)
    answer = await directory.send("POST", "/Users", name)
    assert SECRET in answer.json["detail"]
    (kept,) = await directory.failures()
    assert kept.detail.startswith("The userName '***")
    assert SECRET not in kept.model_dump_json()


async def test_a_flood_fills_no_store(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a number failures are counted, not kept; the next that is kept adds them."""
    await directory.create_user(**KIM)
    monkeypatch.setattr(failures, "AT_ONCE", 3)
    directory.endpoint.clock.step = timedelta(0)
    for _ in range(8):
        assert (await directory.send("POST", "/Users", KIM)).status == 409
    assert len(await directory.failures()) == 3
    directory.endpoint.clock.forward(seconds=1)
    await directory.send("POST", "/Users", KIM)
    kept = await directory.failures()
    assert [each.adds for each in kept] == [{"failed": 6}, *([{"failed": 1}] * 3)]


@pytest.mark.parametrize("fault", [Fault.REFUSED, Fault.DIES_BEFORE, Fault.UNANSWERED])
@pytest.mark.parametrize("at", [1, 2, 3])
async def test_an_answer_stays_what_it_is(tmp_path: Path, fault: Fault, at: int) -> None:
    """A store that fails while a refusal is kept changes nothing of the refusal."""
    faulty = Faulty(SqliteStorage(":memory:"))
    async with running(tmp_path, faulty) as endpoint:
        directory = await endpoint.directory("demo")
        await directory.create_user(**KIM)
        good = await directory.send("POST", "/Users", {**KIM, "active": "perhaps"})
        faulty.calls, faulty.fault, faulty.at = 0, fault, at
        bad = await directory.send("POST", "/Users", {**KIM, "active": "perhaps"})
        assert (bad.status, bad.json["scimType"]) == (good.status, good.json["scimType"])
        assert faulty.happened == (at < 3)


async def test_two_processes_count_the_same_event(tmp_path: Path) -> None:
    """Whoever comes second counts on what the first has written."""
    faulty = Faulty(SqliteStorage(":memory:"))
    async with running(tmp_path, faulty) as endpoint:
        directory = await endpoint.directory("demo")
        await directory.send("POST", "/Users", {"userName": "kim", "active": "perhaps"})
        (entry,) = await directory.failures()
        later = entry.model_copy(
            update={"time": entry.time + timedelta(minutes=1), "message_id": GONE}
        )

        async def meanwhile(_: Fault) -> None:
            other = failures.Failures(Shared(faulty.inner), endpoint.services.now)
            await other._store(directory.id, later, 1, "")

        # The event is read, then written.
        faulty.calls, faulty.fault, faulty.at, faulty.meanwhile = 0, Fault.OVERTAKEN, 2, meanwhile
        await directory.send("POST", "/Users", {"userName": "kim", "active": "perhaps"})
        assert faulty.happened
        (stored,) = await events(directory)
        assert stored.event.count == 3
