"""Fetching documents: what is not https is not even asked; the rest is tested with key sets."""

from __future__ import annotations

import asyncio

import pytest

from scim.provisioning.ports import Unavailable
from scim.storage.https import HttpsFetch


async def test_plain_http_is_not_asked() -> None:
    """Whoever listens on the way could put in keys of their own."""
    connections = 0

    def count(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()

    async with await asyncio.start_server(count, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Unavailable):
            await HttpsFetch()(f"http://127.0.0.1:{port}/keys")
    assert connections == 0
