"""Each thing that should not be is seen."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from scim.protocol.errors import ERROR_SCHEMA
from scim.protocol.schema import GROUP, USER
from scim.provisioning import rows
from scim.provisioning.ports import Delete, Put
from tests.endpoint import Answer, Directory
from tests.fuzz.judging import SLOW, judge, judge_state
from tests.fuzz.mutations import PASSWORD
from tests.fuzz.requests import Sent

GET, HEAD = Sent("GET", "/Users"), Sent("HEAD", "/Users")
ERROR = {"schemas": [ERROR_SCHEMA], "status": "400", "detail": "No."}
KIM = {"schemas": [USER], "userName": "kim"}
PAGE = {"schemas": ["list"], "totalResults": 1, "itemsPerPage": 1, "Resources": [KIM]}


def answer(status: int, body: Any = None, **headers: str) -> Answer:
    """Return an answer with a JSON body."""
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return Answer(status, CIMultiDictProxy(CIMultiDict(headers)), raw)


@pytest.mark.parametrize(
    ("sent", "what", "seconds", "kind"),
    [
        (GET, answer(200, KIM), 0.1, None),
        (GET, answer(200, PAGE), 0.1, None),
        (GET, answer(400, ERROR), 0.1, None),
        (GET, answer(501, {**ERROR, "status": "501"}), 0.1, None),
        (HEAD, answer(400, b""), 0.1, None),
        (Sent("GET", "/%00"), answer(400, b""), 0.1, None),
        (GET, answer(400, b""), 0.1, "no SCIM error"),
        (GET, answer(500, {**ERROR, "status": "500"}), 0.1, "status 500"),
        (GET, answer(503, {**ERROR, "status": "503"}), 0.1, "status 503"),
        (GET, answer(200, KIM), SLOW + 1, "slow"),
        (HEAD, answer(200, KIM), 0.1, "body where none may be"),
        (GET, answer(204, KIM), 0.1, "body where none may be"),
        (GET, answer(404, ERROR), 0.1, "no SCIM error"),
        (GET, answer(400, {**ERROR, "detail": "x" * 5000}), 0.1, "no SCIM error"),
        (GET, answer(400, {**ERROR, "schemas": []}), 0.1, "no SCIM error"),
        (GET, answer(404, b"<html>"), 0.1, "no SCIM error"),
        (GET, answer(200, b"{"), 0.1, "no SCIM message"),
        (GET, answer(200, [KIM]), 0.1, "no SCIM message"),
        (GET, answer(200, {**KIM, "password": "x"}), 0.1, "no SCIM message"),
        (GET, answer(200, {**PAGE, "itemsPerPage": 2}), 0.1, "no SCIM message"),
        (GET, answer(200, {**KIM, "title": "a secret"}), 0.1, "secret in an answer"),
        (GET, answer(200, KIM, ETag="a secret"), 0.1, "secret in an answer"),
    ],
)
def test_answers_are_judged(sent: Sent, what: Answer, seconds: float, kind: str | None) -> None:
    """Right answers pass, and each wrong one is named."""
    finding = judge(sent, what, seconds, ["secret"])
    assert (finding.kind if finding else None) == kind


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({}, None),
        ({"title": 5}, "stored state"),
        ({"title": ""}, "stored state"),
        ({"shoe": "x"}, "stored state"),
        ({"userName": None}, "stored state"),
        ({"schemas": [GROUP]}, "stored state"),
        ({"title": PASSWORD}, "password stored"),
        ({"userName": "lee"}, "check"),
    ],
)
async def test_what_is_stored_is_judged(
    directory: Directory, change: dict[str, Any], kind: str | None
) -> None:
    """A user that fits the schema and its rows passes, and each fault is named."""
    kim = await directory.create_user(userName="kim")
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    row = await storage.get(partition, rows.user(kim["id"]))
    assert row
    stored = {**rows.unpack(row.values), **change}
    await storage.commit(partition, [Put(row.key, {**row.values, **rows.pack(stored)})])
    finding = await judge_state(directory)
    assert (finding.kind if finding else None) == kind


async def test_a_missing_row_is_seen(directory: Directory) -> None:
    """The checker of the product looks too."""
    await directory.create_user(userName="kim")
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    [row] = (await storage.scan(partition, "n_", "n_~")).rows
    await storage.commit(partition, [Delete(row.key, row.etag)])
    finding = await judge_state(directory)
    assert finding
    assert finding.kind == "check"
