"""Each kind of failure of each call that changes something, read back from the log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning.log.causes import CAUSES
from scim.provisioning.log.entries import Did
from scim.provisioning.ports import Operation, Page, Row, Storage, Unavailable
from scim.provisioning.tokens.tokens import Scope
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Directory, patch_message, running
from tests.web.changing_calls import ANY_ID, changing_calls
from tests.web.test_failed_calls import CASES as SPECIAL
from tests.web.test_failed_questions import QUESTIONS

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"
SWITCHES = (
    "createUsers",
    "updateUsers",
    "deactivateUsers",
    "deleteUsers",
    "createGroups",
    "updateGroups",
    "deleteGroups",
    "changeMemberships",
)


@dataclass
class Call:
    """A call, what the log says it was to do, and the target it names."""

    method: str
    path: str
    body: Any
    operations: list[Did]
    type: str
    name: str  # of the target, if its body can be read


CALLS: dict[str, Call] = {
    "create a user": Call(
        "POST", "/Users", {"schemas": [USER], "userName": "lee"}, [Did.CREATE], "User", "lee"
    ),
    "replace a user": Call(
        "PUT",
        "/Users/{user}",
        {"schemas": [USER], "userName": "kim", "title": "Lead"},
        [Did.UPDATE],
        "User",
        "kim",
    ),
    "disable a user": Call(
        "PATCH",
        "/Users/{user}",
        patch_message([{"op": "replace", "path": "active", "value": False}]),
        [Did.DISABLE],
        "User",
        "kim",
    ),
    "delete a user": Call("DELETE", "/Users/{user}", None, [Did.DELETE], "User", "kim"),
    "create a group": Call(
        "POST", "/Groups", {"schemas": [GROUP], "displayName": "New"}, [Did.CREATE], "Group", "New"
    ),
    "replace a group": Call(
        "PUT",
        "/Groups/{group}",
        {"schemas": [GROUP], "displayName": "Old", "externalId": "x"},
        [Did.UPDATE],
        "Group",
        "Old",
    ),
    "remove members": Call(
        "PATCH",
        "/Groups/{group}",
        patch_message([{"op": "remove", "path": "members"}]),
        [Did.REMOVE_MEMBERS],
        "Group",
        "Old",
    ),
    "delete a group": Call("DELETE", "/Groups/{group}", None, [Did.DELETE], "Group", "Old"),
    "bulk": Call(
        "POST",
        "/Bulk",
        {"schemas": [BULK], "Operations": [{"method": "DELETE", "path": "/Users/{user}"}]},
        [],
        "Directory",
        "",
    ),
}


@dataclass
class Kind:
    """A kind of failure: how a call is sent so that it fails, and what is told of it.

    `of`: what a call must have for it, a `body`, an `id`, or to be of a `resource`.
    """

    status: int
    scim_type: str | None
    cause: str
    of: str = ""
    raw: bytes | None = None  # instead of the body
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    policy: dict[str, Any] = field(default_factory=dict)
    state: str = ""  # of the directory
    scope: Scope = Scope.SCIM
    refused: Exception | None = None  # what every storage call of the call raises

    def fits(self, call: Call) -> bool:
        """Whether the call can fail so."""
        return {
            "": True,
            "body": call.body is not None,
            "id": "{" in call.path,
            "resource": call.type != "Directory",
            "written": call.type != "Directory" and call.body is not None,
        }[self.of]


KINDS: dict[str, Kind] = {
    "body unreadable": Kind(400, "invalidSyntax", "unreadable", "body", raw=b"{"),
    "body too large": Kind(413, None, "tooLarge", "body", raw=b"x" * (10 * 1024 * 1024 + 1)),
    "media type": Kind(
        415, None, "mediaTypeUnknown", "body", headers={"Content-Type": "text/plain"}
    ),
    "query": Kind(400, "invalidSyntax", "queryUnreadable", query="count=1&Count=2"),
    "gone": Kind(404, None, "resourceGone", "id"),
    "other version": Kind(412, None, "changedMeanwhile", "id", headers={"If-Match": 'W/"99"'}),
    "switched off": Kind(
        501, None, "switchedOff", "resource", policy=dict.fromkeys(SWITCHES, False)
    ),
    "strict": Kind(400, None, "strict", "written", policy={"strict": True}),
    "paused": Kind(503, None, "paused", state="paused"),
    "token may only read": Kind(403, None, "scopeTooSmall", scope=Scope.SCIM_READ),
    "too fast": Kind(429, None, "tooFast", policy={"requestsPerSecond": 1}),
    "storage away": Kind(503, None, "unavailable", "resource", refused=Unavailable("away")),
    "defect": Kind(500, None, "defect", "resource", refused=ZeroDivisionError()),
}
PAIRS = [(call, kind) for call in CALLS for kind in KINDS if KINDS[kind].fits(CALLS[call])]


@dataclass
class Refusing:
    """A storage that raises an error at every call until as many have met it."""

    inner: Storage
    error: Exception | None = None
    times: int = 0

    def _look(self) -> None:
        if self.error is not None and self.times > 0:
            self.times -= 1
            raise self.error

    async def get(self, partition: str, key: str) -> Row | None:
        self._look()
        return await self.inner.get(partition, key)

    async def scan(
        self, partition: str, first: str, last: str, limit: int = 1000, after: str | None = None
    ) -> Page:
        self._look()
        return await self.inner.scan(partition, first, last, limit, after)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        self._look()
        await self.inner.commit(partition, operations)

    async def close(self) -> None:
        await self.inner.close()


async def test_every_call_is_among_them(directory: Directory) -> None:
    """Whoever adds a call that changes something says here how it fails."""
    calls = {f"{each.method} {each.path.partition('{')[0]}" for each in CALLS.values()}
    assert await changing_calls(directory) == calls | {"POST /Bulk/"}


def test_every_cause_is_met() -> None:
    """Whoever adds a cause shows a call that fails for it, here or among the special ones."""
    met = {each.cause for each in KINDS.values()}
    met |= {cause for _, (_, _, cause, *_) in SPECIAL.values()}
    met |= {cause for _, (_, cause, _) in QUESTIONS.values()}
    # Of calls that were not let in: test_status and test_failed_questions.
    met |= {"tokenExpired", "tokenRevoked", "tokenUnknown", "clientRefused", "versionUnknown"}
    # In bulk, and of what the platform passes on: test_failed_calls and test_bad_input.
    met |= {"bulkUnresolved", "lengthMissing"}
    assert set(CAUSES) - met == {"other"}  # whatever has no words yet


def sent(call: Call, kind: Kind, user: str) -> Any:
    """Return the body of the call."""
    if call.path == "/Bulk":
        return call.body | {"Operations": [{"method": "DELETE", "path": f"/Users/{user}"}]}
    if kind.cause == "strict":
        return call.body | {"schemas": []}
    return call.body


def told(call: Call, kind: Kind, path: str) -> tuple[list[Did], dict[str, str]]:
    """Return what the log says that the call was to do, and to what."""
    read = kind.raw is None and kind.cause != "mediaTypeUnknown"
    operations = call.operations if read or call.method != "PATCH" else [Did.UPDATE]
    target = path.rpartition("/")[2] if "{" in call.path else ""
    stored = target not in ("", ANY_ID)
    named = stored or (read and call.method in ("POST", "PUT"))
    return operations, {"type": call.type, "id": target, "identifier": call.name if named else ""}


async def prepared(directory: Directory, kind: Kind) -> Directory:
    """Return who sends the call, its token in the caches; the directory is as the kind demands."""
    endpoint = directory.endpoint
    token = await endpoint.services.tokens.create(directory.id, "x", kind.scope)
    sender = Directory(endpoint, directory.id, token.value)
    await sender.send("GET", "/Schemas")
    change = {"policy": kind.policy} | ({"state": kind.state} if kind.state else {})
    changed = await endpoint.manage("PATCH", f"/directories/{directory.id}", change)
    assert changed.status == 200, changed.raw
    if kind.cause == "tooFast":
        endpoint.clock.forward(minutes=1)
        await sender.send("GET", "/Schemas")
    return sender


@pytest.mark.parametrize(("call_name", "kind_name"), PAIRS)
async def test_it_is_told_field_by_field(tmp_path: Path, call_name: str, kind_name: str) -> None:
    """Who wanted what of whom, when, why not, and what to do: as an entry and as an event."""
    call, kind = CALLS[call_name], KINDS[kind_name]
    storage = Refusing(SqliteStorage(":memory:"))
    async with running(tmp_path, storage) as endpoint:
        directory = await endpoint.directory("demo")
        user = (await directory.create_user(userName="kim"))["id"]
        group = (await directory.create_group("Old", [user]))["id"]
        sender = await prepared(directory, kind)
        ids = {"user": user, "group": group}
        path = call.path.format(**dict.fromkeys(ids, ANY_ID) if kind_name == "gone" else ids)
        before = await directory.log()
        storage.error = kind.refused
        # A commit without an answer is looked for.
        storage.times = 2 if kind_name == "storage away" and call.method == "POST" else 1
        answer = await sender.send(
            call.method,
            path,
            None if kind.raw else sent(call, kind, user),
            raw=kind.raw,
            headers={"User-Agent": "idp/1.0", "traceparent": TRACE, **kind.headers},
            query=kind.query,
        )
        assert answer.status == kind.status, answer.raw
        assert await directory.log() == before
        message = answer.headers["x-message-id"]
        address = f"/directories/{directory.id}"
        (entry,) = (await endpoint.manage("GET", f"{address}/log?messageId={message}")).json[
            "items"
        ]
        operations, target = told(call, kind, path)
        cause = CAUSES[kind.cause]
        expected = {
            "messageId": message,
            "directory": directory.id,
            "actor": f"token {sender.token.split('_')[1]}",
            "operations": operations,
            "target": target,
            "outcome": "failed" if kind.status in (500, 503) else "refused",
            "changes": [],
            "accessGained": [],
            "accessLost": [],
            "accessCut": False,
            "ignored": [],
            "userAgent": "idp/1.0",
            "traceparent": TRACE,
            "job": None,
            "status": kind.status,
            "scimType": kind.scim_type or answer.json.get("scimType"),
            "detail": answer.json["detail"].removesuffix(f" (message {message})"),
            "causeName": kind.cause,
            "cause": cause.meaning,
            "advice": cause.advice,
        }
        apart = ("time", "durationMs", "quirks")
        assert {key: each for key, each in entry.items() if key not in apart} == expected
        assert entry["durationMs"] > 0
        assert bool(entry["quirks"]) == (kind_name == "strict")
        (event,) = (await endpoint.manage("GET", f"{address}/failed-events")).json["items"]
        assert {key: event[key] for key in entry} == entry
        assert (event["count"], event["state"], event["resolvedBy"]) == (1, "open", None)
        assert event["firstSeen"] == event["lastSeen"] == entry["time"]
        assert bool(event["body"]) == (call.body is not None)
