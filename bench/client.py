"""A lean HTTP/1.1 client: its own cost must not hide what the product costs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_LAST_CHUNK = b"\r\n0\r\n\r\n"  # JSON as both sides write it holds no line ends


@dataclass(frozen=True, slots=True)
class Load:
    """What came of some requests: the time of each and of all, in seconds."""

    each: Sequence[float]
    whole: float


class Refused(Exception):
    """The server did not do what is measured."""


class Connection(asyncio.Protocol):
    """One connection that is kept, or opened anew when the server has closed it."""

    def __init__(self, host: str, port: int) -> None:
        self._address = (host, port)
        self._transport: asyncio.Transport | None = None
        self._answer: asyncio.Future[tuple[int, bytes]] | None = None
        self._start()

    async def send(self, raw: bytes) -> tuple[int, bytes]:
        """Return the status and the body, chunks and all."""
        loop = asyncio.get_running_loop()
        if self._transport is None:
            await loop.create_connection(lambda: self, *self._address)
        assert self._transport is not None
        self._answer = loop.create_future()
        self._transport.write(raw)
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See asyncio.Protocol."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See asyncio.Protocol."""
        self._received += data
        if self._body_at < 0:
            self._read_head()
        if self._body_at >= 0 and self._is_complete():
            self._settle()

    def connection_lost(self, exc: Exception | None) -> None:
        """See asyncio.Protocol."""
        self._transport = None
        if self._body_at >= 0 and self._ends_with_connection:
            self._settle()
        elif self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionError("closed before the answer's end"))

    def _start(self) -> None:
        self._received = bytearray()
        self._body_at = -1
        self._length: int | None = None  # None: chunked
        self._ends_with_connection = False

    def _read_head(self) -> None:
        end = self._received.find(_HEAD_END)
        if end < 0:
            return
        self._body_at = end + len(_HEAD_END)
        head = bytes(self._received[:end]).lower()
        self._ends_with_connection = head.startswith(b"http/1.0") or b"\nconnection: close" in head
        if b"transfer-encoding: chunked" not in head:
            _, found, rest = head.partition(b"content-length:")
            self._length = int(rest.split(b"\r\n", 1)[0]) if found else 0

    def _is_complete(self) -> bool:
        if self._ends_with_connection:
            return False
        if self._length is None:
            return self._received.endswith(_LAST_CHUNK)
        return len(self._received) - self._body_at >= self._length

    def _settle(self) -> None:
        status, body = int(self._received[9:12]), bytes(self._received[self._body_at :])
        self._start()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result((status, body))


async def load(port: int, requests: Sequence[bytes], connections: int) -> Load:
    """Send the requests over so many connections at once. Raises Refused."""
    waiting = iter(requests)
    each: list[float] = []
    open_ones = [Connection("127.0.0.1", port) for _ in range(connections)]
    begun = time.perf_counter()
    try:
        async with asyncio.TaskGroup() as group:
            for connection in open_ones:
                group.create_task(_send_all(connection, waiting, each))
        return Load(each, time.perf_counter() - begun)
    except* Refused as unexpected:
        raise unexpected.exceptions[0] from None
    finally:
        for connection in open_ones:
            connection.close()


async def bodies(port: int, requests: Sequence[bytes]) -> list[bytes]:
    """Send one request after the other and return what came back."""
    connection = Connection("127.0.0.1", port)
    found = [(await connection.send(request))[1] for request in requests]
    connection.close()
    return found


async def _send_all(connection: Connection, waiting: Iterator[bytes], each: list[float]) -> None:
    for request in waiting:
        begun = time.perf_counter()
        status, body = await connection.send(request)
        each.append(time.perf_counter() - begun)
        if not 200 <= status < 300:
            raise Refused(f"{status}: {body[:300]!r}")
