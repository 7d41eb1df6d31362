"""Between HTTP and the functions: what the host passes on of requests and of answers."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl, urlsplit

import azure.functions as func
from aiohttp import ClientError, web

from local.worker import Answer

BODY_LIMIT = 100 * 1024 * 1024  # bytes; the host's default


class Bare(Exception):
    """The host answers by itself: a status, and no body."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def path_and_query(request: web.BaseRequest) -> tuple[str, str]:
    """Return both as sent, not decoded."""
    path, _, query = request.raw_path.partition("?")
    if "%00" in path:  # Kestrel's rule
        raise Bare(400)
    if not path.startswith("/"):  # the absolute form of RFC 9112 §3.2.2
        path = urlsplit(path).path
    return path, query


def headers_of(request: web.BaseRequest) -> dict[str, str]:
    """Return the headers by lower-case name, repeated ones joined with a comma."""
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        key = name.lower()
        headers[key] = f"{headers[key]},{value}" if key in headers else value
    try:
        "".join(headers.values()).encode()
    except UnicodeEncodeError as error:  # bytes that are not UTF-8
        raise Bare(400) from error
    return headers


def parameters_of(query: str) -> dict[str, str]:
    """Return the query's values: empty ones are dropped, repeated ones joined with a comma."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(query):
        parameters[name] = f"{parameters[name]},{value}" if name in parameters else value
    return parameters


async def body_of(request: web.BaseRequest) -> bytes:
    """Return the body if its length was declared: a chunked one never reaches the worker."""
    length = request.content_length or 0
    if length > BODY_LIMIT:
        raise Bare(413)
    if length == 0:
        return b""
    if request.headers.get("expect", "").lower() == "100-continue" and request.transport:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    try:
        return await request.content.readexactly(length)
    except (asyncio.IncompleteReadError, ClientError, ConnectionError) as error:
        raise Bare(400) from error  # the client is gone


async def to_function(
    request: web.BaseRequest, path: str, query: str, route_params: dict[str, str]
) -> func.HttpRequest:
    """Return the request as the worker passes it to a function."""
    headers = headers_of(request)
    target = f"{path}?{query}" if query else path
    return func.HttpRequest(
        method=request.method,
        url=f"{request.scheme}://{request.host}{target}",
        headers=headers,
        params=parameters_of(query),
        route_params=route_params,
        body=await body_of(request),
    )


def to_client(answer: Answer, request: web.BaseRequest) -> web.Response:
    """Return the response; with a body it is chunked, as the host never tells the length."""
    headers = {name: value for name, value in answer.headers.items() if name != "content-length"}
    response = web.Response(status=answer.status, headers=headers, body=answer.body)
    if answer.body and request.version >= (1, 1):
        response.enable_chunked_encoding()
    return response
