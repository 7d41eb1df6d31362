"""Compares the local host with Microsoft's worker library, where a Python 3.13 is found."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.conversation import Conversation, Exchange
from local.setup import ROOT, Environment

REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "local" / "requirements-worker.txt")
STOP_SECONDS = 20  # more than the host gives open requests


class Different(Exception):
    """The two answered differently; the message lists the calls."""


def find_python() -> str | None:
    """Return the path of a Python 3.13: from PATH, pyenv, or the launcher of Windows."""
    candidates = [[name] for name in ("python3.13", "python3", "python")]
    if versions := _pyenv_versions():
        candidates += [[str(path)] for path in versions.glob("3.13.*/bin/python")]
    candidates.append(["py", "-3.13"])
    found = (executable_of(command, "3.13") for command in candidates)
    return next(filter(None, found), None)


def _pyenv_versions() -> Path | None:
    root = os.environ.get("PYENV_ROOT")
    if not root and (pyenv := shutil.which("pyenv")):
        asked = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        root = asked.stdout.strip()
    return Path(root) / "versions" if root else None


def executable_of(command: list[str], version: str) -> str | None:
    """Return the interpreter behind the command, if it runs and has this version."""
    if not shutil.which(command[0]):
        return None
    # Of a virtual environment, the interpreter that it was made with.
    ask = "import sys; print('%d.%d' % sys.version_info[:2], sys._base_executable, sep='\\n')"
    asked = subprocess.run([*command, "-c", ask], capture_output=True, text=True, check=False)
    found, _, executable = asked.stdout.strip().partition("\n")
    return executable if found == version else None


def compare(interpreter: str) -> int:
    """Return how many calls were answered alike; raise Different, or SetupFailed."""
    environment = Environment(ROOT / ".venv-3.13", REQUIREMENTS)
    environment.prepare(interpreter)
    ours = converse([sys.executable, "-m", "local", "start"])
    theirs = converse([str(environment.python), "-m", "local.runtime_worker"])
    if found := differences(ours, theirs):
        raise Different("\n".join(found))
    return len(ours)


def differences(ours: Sequence[Exchange], theirs: Sequence[Exchange]) -> list[str]:
    """Return one line for each status, header map or body that is not the same."""
    return [
        f"{one.call}: {name} is {getattr(one, name)!r} behind the local host and "
        f"{getattr(other, name)!r} under the worker library"
        for one, other in zip(ours, theirs, strict=True)
        for name in ("call", "status", "headers", "body")
        if getattr(one, name) != getattr(other, name)
    ]


def converse(
    command: list[str], cwd: Path = ROOT, environ: Mapping[str, str] | None = None
) -> list[Exchange]:
    """Return how an installation answers, which this command starts; raise Different."""
    with (
        tempfile.TemporaryDirectory() as folder,
        _running(command, folder, cwd, environ) as installation,
    ):
        return asyncio.run(Conversation(installation).run())


@contextmanager
def _running(
    command: list[str], folder: str, cwd: Path, environ: Mapping[str, str] | None
) -> Iterator[dict[str, Any]]:
    """Run an installation with its state in the folder, and give what `--json` says of it."""
    log = Path(folder, "log")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--port", "0", "--data", str(Path(folder, "data")), "--json"],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            cwd=cwd,
            env=environ,
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise Different(f"{' '.join(command)} did not start:\n{log.read_text('utf-8')}")
        yield json.loads(line)
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)
