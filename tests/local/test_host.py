# ruff: noqa: ARG001 - a function takes what its trigger passes
from __future__ import annotations

import asyncio
import json
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import azure.functions as func
import pytest
from yarl import URL

from local.functions import Refused
from local.host import Host
from tests.local.client import KEY, WAIT, Client, serving


def echo(req: func.HttpRequest) -> func.HttpResponse:
    """Answer with everything that reached the function."""
    seen = {
        "method": req.method,
        "url": req.url,
        "headers": dict(req.headers),
        "params": dict(req.params),
        "route": dict(req.route_params),
        "body": req.get_body().decode("latin-1"),
    }
    return func.HttpResponse(json.dumps(seen), mimetype="application/json")


def an_app(route: str = "echo/{*rest}", **options: Any) -> func.FunctionApp:
    """Return an app with the one function `echo`."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    app.route(route, **options)(echo)
    return app


async def raw(client: Client, request: bytes, until: bytes = b"") -> bytes:
    """Send bytes and return what comes back, until the server closes or `until` has come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", URL(client.origin).port)
    try:
        writer.write(request)
        answer = reader.readuntil(until) if until else reader.read()
        return await asyncio.wait_for(answer, WAIT)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_functions_get_what_the_host_passes_on() -> None:
    """Headers arrive lower-case and joined, the URL whole, the body as sent."""
    async with serving(an_app()) as client:
        headers = [("X-One", "1"), ("X-One", "2"), ("Content-Encoding", "gzip")]
        seen = await client.seen("PATCH", "/echo/a%2Fb?q=%2B+x", data=b"\xffbody", headers=headers)
    assert seen["method"] == "PATCH"
    assert seen["url"] == f"{client.origin}/echo/a%2Fb?q=%2B+x"
    assert seen["headers"]["x-one"] == "1,2"
    assert seen["route"] == {"rest": "a%2Fb"}
    assert seen["body"] == "ÿbody"


async def test_empty_query_values_are_dropped_and_repeated_ones_joined() -> None:
    """`req.params` is not the query; that is whole in `req.url` alone."""
    async with serving(an_app()) as client:
        seen = await client.seen("GET", "/echo?cursor=&a=1&a=2%2C&b=x+y")
    assert seen["params"] == {"a": "1,2,", "b": "x y"}
    assert seen["url"].endswith("?cursor=&a=1&a=2%2C&b=x+y")


async def test_a_chunked_body_arrives_empty() -> None:
    """A body without Content-Length never reaches the function."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b"body"

    async with serving(an_app()) as client:
        assert (await client.seen("POST", "/echo", data=chunks()))["body"] == ""


async def test_a_body_beyond_the_limit_is_refused_unread() -> None:
    """A Content-Length over 100 MiB is answered 413 before the body is sent."""
    async with serving(an_app()) as client:
        head = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
        answer = await raw(client, head % (100 * 1024 * 1024 + 1), until=b"\r\n")
    assert answer.startswith(b"HTTP/1.1 413")


async def test_a_client_may_wait_for_100_continue() -> None:
    """`Expect: 100-continue` is answered, so that curl does not wait for it."""
    async with serving(an_app()) as client:
        async with asyncio.timeout(WAIT):
            seen = await client.seen("POST", "/echo", data=b"x", expect100=True)
    assert seen["body"] == "x"


@pytest.mark.parametrize("target", [b"/echo/\xff", b"/echo/%00", b"/echo\r\nX-A: \xff"])
async def test_what_the_server_in_front_refuses_never_arrives(target: bytes) -> None:
    """Bytes that are not text, and NUL in a path, are answered 400 by the host."""
    async with serving(an_app()) as client:
        line, _, header = target.partition(b"\r\n")
        lines = [b"GET " + line + b" HTTP/1.1", b"Host: x", b"Connection: close", header]
        answer = await raw(client, b"\r\n".join(filter(None, lines)) + b"\r\n\r\n")
    assert answer.split()[1] == b"400"


async def test_an_absolute_request_target_is_understood() -> None:
    """The absolute form of RFC 9112 §3.2.2 reaches the same function."""
    async with serving(an_app()) as client:
        request = b"GET http://x/echo/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await raw(client, request)).startswith(b"HTTP/1.1 200")


async def test_unknown_routes_and_methods_get_a_bare_404() -> None:
    """The host answers 404 without a body where no function matches, never 405."""
    async with serving(an_app("only", methods=["GET"])) as client:
        for method, path in (("POST", "/only"), ("HEAD", "/only"), ("GET", "/other")):
            status, body, _ = await client.send(method, path)
            assert (status, body) == (404, b"")


async def test_responses_pass_through_without_their_length() -> None:
    """Status and headers are the function's; the body is chunked, and left out for HEAD."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("x")
    async def answer(req: func.HttpRequest) -> func.HttpResponse:
        headers = {"ETag": 'W/"1"', "Content-Length": "99"}
        return func.HttpResponse(b"{}", status_code=201, headers=headers, mimetype="a/json")

    async with serving(app) as client:
        status, body, headers = await client.send("GET", "/x")
        assert (status, body) == (201, b"{}")
        assert headers["etag"] == 'W/"1"'
        assert headers["content-type"] == "a/json"
        assert headers["transfer-encoding"] == "chunked"
        assert "content-length" not in headers
        status, body, headers = await client.send("HEAD", "/x")
        assert (status, body, headers["etag"]) == (201, b"", 'W/"1"')


async def test_a_connection_is_kept() -> None:
    """Two requests go over one connection."""
    async with serving(an_app()) as client:
        one = b"GET /echo HTTP/1.1\r\nHost: x\r\n\r\n"
        last = b"GET /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert (await raw(client, one + last)).count(b"HTTP/1.1 200") == 2


@pytest.mark.parametrize("result", [None, {"a": 1}, b"x"])
async def test_a_failing_function_is_a_bare_500(
    result: object, caplog: pytest.LogCaptureFixture
) -> None:
    """What a function raises, or returns beside a response, is logged and answered 500."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)

    @app.route("fail")
    def fail(req: func.HttpRequest) -> Any:
        return result

    @app.route("throw")
    async def throw(req: func.HttpRequest) -> func.HttpResponse:
        raise ValueError("of the function")

    async with serving(app) as client:
        for path in ("/fail", "/throw"):
            status, body, _ = await client.send("GET", path)
            assert (status, body) == (500, b"")
    assert "The function throw failed" in caplog.text
    assert f"fail returned a {type(result).__name__}, no response" in caplog.text


async def test_function_keys_are_checked_by_the_host() -> None:
    """Without the host key in header or query, the function is not called: a bare 401."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
    app.route("echo")(echo)
    async with serving(app) as client:
        right = {"x-functions-key": KEY}
        for path, headers, expected in (
            ("/echo", {}, 401),
            ("/echo", {"X-Functions-Key": "wrong"}, 401),
            (f"/echo?code={KEY}", {"x-functions-key": "wrong"}, 401),
            ("/echo?code=%C3%B8", {}, 401),
            ("/echo", right, 200),
            (f"/echo?code={KEY}", {}, 200),
            ("/other", {}, 404),
        ):
            status, body, _ = await client.send("GET", path, headers=headers)
            assert status == expected
            assert status == 200 or body == b""


async def test_the_log_has_a_line_per_request_and_no_query(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Method, path, status and time are logged; query and headers, which hold secrets, are not."""
    caplog.set_level(logging.INFO, "local.host")
    async with serving(an_app()) as client:
        await client.send("GET", "/echo/1?code=secret", headers={"authorization": "secret"})
    (line,) = (record.getMessage() for record in caplog.records if record.name == "local.host")
    assert line.startswith("GET     /echo/1 200 ")
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("name", "route"), [("administer", "x"), ("x", "admin/x"), ("x", "Runtime/x"), ("x y", "x")]
)
async def test_names_and_routes_of_the_host_are_refused(name: str, route: str) -> None:
    """A function that takes a name or route of the host itself stops the start."""
    app = func.FunctionApp()
    app.function_name(name)(app.route(route)(echo))
    with pytest.raises(Refused):
        Host(app, key=KEY)


async def test_parameters_that_the_worker_does_not_pass_are_refused() -> None:
    """A function with another parameter than its trigger's would fail all others in Azure."""
    app = func.FunctionApp()

    @app.route("x")
    def more(req: func.HttpRequest, more: int = 0) -> func.HttpResponse:
        raise NotImplementedError

    with pytest.raises(Refused, match="more"):
        Host(app, key=KEY)


async def test_an_app_can_be_served_twice() -> None:
    """A second host finds the functions of the same app, which reports them only once."""
    app = an_app()
    for _ in range(2):
        async with serving(app) as client:
            await client.seen("GET", "/echo")


async def test_the_prefix_is_that_of_host_json(tmp_path: Path) -> None:
    """Routes stand behind the prefix of host.json, which is `api` unless it says otherwise."""
    for settings, path in (("{}", "/api/x"), ('{"extensions":{"http":{"routePrefix":""}}}', "/x")):
        (tmp_path / "host.json").write_text(settings)
        async with serving(an_app("x"), host_json=tmp_path / "host.json") as client:
            await client.seen("GET", path)


async def test_synchronous_functions_do_not_hold_up_others() -> None:
    """A `def` function waits in a thread of its own."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    loop = asyncio.get_running_loop()
    released = asyncio.Event()

    @app.route("release")
    async def release(req: func.HttpRequest) -> func.HttpResponse:
        released.set()
        return func.HttpResponse("")

    @app.route("wait")
    def wait(req: func.HttpRequest) -> func.HttpResponse:
        asyncio.run_coroutine_threadsafe(released.wait(), loop).result(WAIT)
        return func.HttpResponse("")

    async with serving(app) as client:
        answers = await asyncio.gather(client.send("GET", "/wait"), client.send("GET", "/release"))
    assert [status for status, _, _ in answers] == [200, 200]


async def test_an_open_request_is_answered_before_the_host_stops() -> None:
    """Stopping waits for the request that is being worked on."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
    entered, may_answer = asyncio.Event(), asyncio.Event()

    @app.route("x")
    async def slow(req: func.HttpRequest) -> func.HttpResponse:
        entered.set()
        await may_answer.wait()
        return func.HttpResponse("done")

    async with aiohttp.ClientSession() as session:
        async with Host(app, key=KEY).serving() as origin:
            answer = asyncio.create_task(Client(origin, session).send("GET", "/x"))
            await asyncio.wait_for(entered.wait(), WAIT)
            asyncio.get_running_loop().call_soon(may_answer.set)
        assert (await answer)[:2] == (200, b"done")


async def test_a_bound_socket_can_be_served() -> None:
    """A caller may bind before the app is imported, and learn the port from the socket."""
    listener = socket.create_server(("127.0.0.1", 0))
    async with Host(an_app(), key=KEY).serving(listener=listener) as origin:
        assert origin == f"http://127.0.0.1:{listener.getsockname()[1]}"
