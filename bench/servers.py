"""The servers that are measured, each in a process of its own: the product, and a peer."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from local.host import listen
from local.setup import ROOT

PEER = "scim2_server"
PATIENCE = 20.0  # seconds until a server has to listen


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used so far: CPU seconds, and its peak of memory in bytes."""

    cpu: float
    peak: int | None


@dataclass(frozen=True, slots=True)
class Server:
    """The product behind the local host."""

    port: int
    _process: subprocess.Popen[str]

    def usage(self) -> Usage:
        """Ask what the process has used."""
        assert self._process.stdin is not None
        print("usage", file=self._process.stdin, flush=True)
        return Usage(**json.loads(_line(self._process.stdout)))


@contextmanager
def product(settings: Mapping[str, str]) -> Iterator[Server]:
    """Run the product with these app settings."""
    command = [sys.executable, "-m", "bench.served"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield Server(json.loads(_line(process.stdout))["port"], process)
        finally:
            process.communicate()  # the end of its input is the end of the host


def _line(stream: IO[str] | None) -> str:
    line = stream.readline() if stream else ""
    if not line:
        raise RuntimeError("the host has ended; its standard error says why")
    return line


def has_peer() -> bool:
    """Whether scim2-server is installed here."""
    return importlib.util.find_spec(PEER) is not None


@contextmanager
def peer(token: str) -> Iterator[int]:
    """Run scim2-server, which keeps its resources in memory, and return its port."""
    with listen(0) as free:
        port: int = free.getsockname()[1]
    program = Path(sys.executable).with_name("scim2-server")
    command = [str(program), "--port", str(port), "--bearer-token", token]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await_port(port)
            yield port
        finally:
            process.terminate()


def _await_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
