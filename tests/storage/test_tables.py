"""Table Storage when it is slow, throttled, broken or brief, as told by a loopback server.

The server speaks just enough of the Table service's protocol; its answers follow
https://learn.microsoft.com/rest/api/storageservices/table-service-error-codes
"""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from aiohttp import web

from scim.provisioning.ports import Conflict, Delete, Insert, LimitExceeded, Storage, Unavailable
from scim.storage.tables import TablesStorage
from tests.storage.test_storage_contract import P

KEY = base64.b64encode(b"the key of an account that does not exist").decode()
PATIENCE = 0.3  # seconds

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Service:
    """A Table service that answers every request with the same handler, and counts them."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[web.Request] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request once its body is read."""
        self.requests.append(request)
        await request.read()
        return await self.handler(request)


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[tuple[Service, TablesStorage]]:
    """Serve on a free loopback port, with a storage that has little patience."""
    service = Service(handler)
    app = web.Application(client_max_size=2**22)
    app.router.add_route("*", "/{path:.*}", service.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    storage = connect(runner.addresses[0][1])
    try:
        yield service, storage
    finally:
        await storage.close()
        await runner.cleanup()


def connect(port: int) -> TablesStorage:
    """Return a storage at a loopback port."""
    return TablesStorage.from_connection_string(
        f"AccountName=local;AccountKey={KEY};TableEndpoint=http://127.0.0.1:{port}/local",
        "rollcall",
        timeout=PATIENCE,
    )


def answering(status: int, code: str, **headers: str) -> Handler:
    """Return a handler that refuses every request."""

    async def answer(_: web.Request) -> web.StreamResponse:
        error = {"odata.error": {"code": code, "message": {"lang": "en-US", "value": code}}}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.json_response(error, status=status, headers={"x-ms-error-code": code, **named})

    return answer


def batch_answer(*parts: str, status: int = 202) -> Handler:
    """Return a handler that answers a batch with these parts."""

    async def answer(_: web.Request) -> web.StreamResponse:
        body = "".join(
            "--changesetresponse_1\r\nContent-Type: application/http\r\n"
            f"Content-Transfer-Encoding: binary\r\n\r\n{part}\r\n"
            for part in parts
        )
        return web.Response(
            status=status,
            body=f"--batchresponse_1\r\nContent-Type: multipart/mixed; "
            f"boundary=changesetresponse_1\r\n\r\n{body}--changesetresponse_1--\r\n"
            f"--batchresponse_1--\r\n".encode(),
            headers={"Content-Type": "multipart/mixed; boundary=batchresponse_1"},
        )

    return answer


def refusing(status: int, code: str, message: str) -> Handler:
    """Return a handler that refuses one operation of a batch."""
    return batch_answer(
        f"HTTP/1.1 {status} Refused\r\nContent-Type: application/json\r\n\r\n"
        f'{{"odata.error":{{"code":"{code}","message":{{"lang":"en-US","value":"{message}"}}}}}}'
    )


async def never(_: web.Request) -> web.StreamResponse:
    """Take a request and never answer it."""
    await asyncio.Event().wait()
    raise AssertionError


async def garbage(_: web.Request) -> web.StreamResponse:
    """Answer with what is neither JSON nor a batch, as a proxy does."""
    return web.Response(status=200, text="<html>", content_type="text/html")


async def cut(request: web.Request) -> web.StreamResponse:
    """Begin an answer and hang up."""
    response = web.StreamResponse(headers={"Content-Length": "1000"})
    await response.prepare(request)
    await response.write(b'{"value":[')
    assert request.transport is not None
    request.transport.close()
    return response


async def get(storage: Storage) -> object:
    """Read a row."""
    return await storage.get(P, "a")


async def scan(storage: Storage) -> object:
    """Read a page."""
    return await storage.scan(P, "a", "b")


async def commit(storage: Storage) -> None:
    """Write two rows."""
    await storage.commit(P, [Insert("a", {}), Delete("b", None)])


CALLS = pytest.mark.parametrize("call", [get, scan, commit], ids=lambda call: call.__name__)
Call = Callable[[Storage], Awaitable[object]]


@CALLS
@pytest.mark.parametrize(
    ("handler", "seconds"),
    [
        (answering(503, "ServerBusy", Retry_After="17"), 17),
        (answering(429, "TooManyRequests", Retry_After="40"), 40),
        (answering(503, "ServerBusy", Retry_After="Wed, 25 Nov 2026 12:00:00 GMT"), 5),
        (answering(503, "ServerBusy"), 5),
        (answering(500, "InternalError"), 5),
        (answering(500, "OperationTimedOut"), 5),
        (answering(502, "BadGateway"), 5),
        (answering(403, "AuthorizationFailure"), 5),
        (answering(404, "TableNotFound"), 5),
        (answering(400, "InvalidInput"), 5),
        (garbage, 5),
        (cut, 5),
    ],
    ids=[
        *("503 with seconds", "429", "503 with a date", "503", "500", "500 timeout", "502"),
        *("403", "no table", "400", "garbage", "cut"),
    ],
)
async def test_a_failing_service_is_unavailable(call: Call, handler: Handler, seconds: int) -> None:
    """Whatever goes wrong at the service is Unavailable, at once, for as long as it says."""
    async with serving(handler) as (_, storage):
        with pytest.raises(Unavailable) as caught:
            await call(storage)
    assert caught.value.retry_after == seconds
    assert KEY not in f"{caught.value!r} {caught.value.__cause__!r} {storage!r}"


@CALLS
async def test_a_silent_service_is_unavailable_in_time(call: Call) -> None:
    """No call waits longer than it may for an answer."""
    async with serving(never) as (service, storage):
        started = time.monotonic()
        with pytest.raises(Unavailable, match="no answer"):
            await call(storage)
        assert PATIENCE * 0.9 <= time.monotonic() - started < PATIENCE + 1
        assert len(service.requests) == 1


@CALLS
async def test_an_unreachable_service_is_unavailable(call: Call) -> None:
    """A port where nobody listens is Unavailable."""
    async with serving(never) as (_, storage):
        pass  # its port is closed now
    port = int(storage._client.url.rpartition(":")[2].partition("/")[0])
    nobody = connect(port)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await call(nobody)
    await nobody.close()


async def test_a_throttled_service_is_asked_once() -> None:
    """Retrying is for whoever has time: neither reads nor commits are repeated on an answer."""
    async with serving(answering(503, "ServerBusy", Retry_After="1")) as (service, storage):
        for call in (get, scan, commit):
            with pytest.raises(Unavailable):
                await call(storage)
    assert len(service.requests) == 3


async def test_a_lost_connection_is_tried_again_for_reads_only() -> None:
    """A connection that breaks is a reason to read again, and never one to commit again."""

    async def hang_up(request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async with serving(hang_up) as (service, storage):
        with pytest.raises(Unavailable):
            await commit(storage)
        assert len(service.requests) == 1
        with pytest.raises(Unavailable):
            await get(storage)
        assert len(service.requests) > 2


async def test_an_empty_page_may_have_a_continuation() -> None:
    """A page that the service cut before its first row is passed on, and the next one asked for."""
    page_of = {
        None: ([], "1!8!cGFydA--"),
        "1!8!cGFydA--": ([], "1!4!b"),
        "1!4!b": (
            [
                {
                    "odata.etag": 'W/"1"',
                    "PartitionKey": P,
                    "RowKey": "b",
                    "n@odata.type": "Edm.Int64",
                }
            ],
            None,
        ),
    }

    async def answer(request: web.Request) -> web.StreamResponse:
        rows, more = page_of[request.query.get("NextRowKey")]
        headers = {
            "x-ms-continuation-NextPartitionKey": "1!12!ZGlyZWN0b3J5",
            "x-ms-continuation-NextRowKey": more or "",
        }
        body = {"value": [{**row, "n": "7"} for row in rows]}
        return web.json_response(body, headers=headers if more else {})

    async with serving(answer) as (service, storage):
        first = await storage.scan(P, "a", "c")
        second = await storage.scan(P, "a", "c", after=first.after)
        third = await storage.scan(P, "a", "c", after=second.after)
    assert [len(page.rows) for page in (first, second, third)] == [0, 0, 1]
    assert first.after is not None
    assert second.after is not None
    assert third.after is None
    assert (third.rows[0].key, third.rows[0].values) == ("b", {"n": 7})
    assert service.requests[1].query["NextPartitionKey"] == "1!12!ZGlyZWN0b3J5"


async def test_a_continuation_of_something_else_is_refused() -> None:
    """Only what a page gave continues a scan."""
    async with serving(answering(500, "InternalError")) as (service, storage):
        for after in ("", "b", "[1]", "{"):
            with pytest.raises(ValueError, match="continuation"):
                await storage.scan(P, "a", "c", after=after)
    assert service.requests == []


@pytest.mark.parametrize("code", ["EntityNotFound", "ResourceNotFound"])
async def test_a_missing_row_is_none(code: str) -> None:
    """A 404 for the row, under either name that the service has for it, is None."""
    async with serving(answering(404, code)) as (_, storage):
        assert await storage.get(P, "a") is None


@pytest.mark.parametrize(
    ("status", "code", "message", "key"),
    [
        (409, "EntityAlreadyExists", "0:The specified entity already exists.", "a"),
        (404, "ResourceNotFound", "1:The specified resource does not exist.", "b"),
        (412, "UpdateConditionNotSatisfied", "1:The condition is not satisfied.", "b"),
        (412, "ConditionNotMet", "1:The condition is not met.", "b"),
    ],
)
async def test_a_refused_operation_is_a_conflict(
    status: int, code: str, message: str, key: str
) -> None:
    """The service's index tells which row was not as expected."""
    async with serving(refusing(status, code, message)) as (_, storage):
        with pytest.raises(Conflict) as caught:
            await commit(storage)
    assert caught.value.key == key


@pytest.mark.parametrize(
    "handler",
    [
        refusing(400, "EntityTooLarge", "1:The entity is larger than the maximum size."),
        refusing(400, "PropertyValueTooLarge", "0:The property value is too large."),
        refusing(413, "RequestBodyTooLarge", "0:The request body is too large."),
        answering(413, "RequestBodyTooLarge"),
    ],
)
async def test_a_commit_that_the_service_finds_too_large_is_a_limit(handler: Handler) -> None:
    """Where the service counts otherwise than we do, its word is told as the limit that it is."""
    async with serving(handler) as (_, storage):
        with pytest.raises(LimitExceeded):
            await commit(storage)


@pytest.mark.parametrize(
    "handler",
    [
        batch_answer("HTTP/1.1 204 No Content\r\n\r\n"),
        batch_answer(),
        refusing(404, "TableNotFound", "0:The table specified does not exist."),
        refusing(409, "TableBeingDeleted", "0:The specified table is being deleted."),
        refusing(500, "InternalError", "0:The server encountered an internal error."),
        refusing(503, "ServerBusy", "0:The server is currently unable to receive requests."),
        refusing(400, "InvalidInput", "1:One of the request inputs is not valid."),
    ],
    ids=["half", "none", "no table", "table going", "500", "503", "400"],
)
async def test_a_batch_without_a_clear_outcome_is_unavailable(handler: Handler) -> None:
    """Only a whole answer is success, and only a refused row is a conflict."""
    async with serving(handler) as (_, storage):
        with pytest.raises(Unavailable):
            await commit(storage)


def test_a_connection_string_without_its_parts_is_refused() -> None:
    """What is missing is named, and the key is not told."""
    with pytest.raises(ValueError, match="TableEndpoint") as caught:
        TablesStorage.from_connection_string(f"AccountName=local;AccountKey={KEY}", "rollcall")
    assert KEY not in str(caught.value)
