"""Compares the local host with Microsoft's worker library, where a Python 3.13 is found."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from local.conversation import Conversation, Exchange
from local.setup import ROOT, Environment

REQUIREMENTS = (ROOT / "requirements.txt", ROOT / "local" / "requirements-worker.txt")
START_SECONDS = 60
STOP_SECONDS = 20


class Different(Exception):
    """The two answered differently; the message lists the calls."""


def find_python() -> str | None:
    """Return the path of a Python 3.13: from PATH, pyenv, or the launcher of Windows."""
    candidates = [[name] for name in ("python3.13", "python3", "python")]
    if versions := _pyenv_versions():
        found = sorted(
            versions.glob("3.13.*/bin/python"), key=lambda path: path.parts, reverse=True
        )
        candidates += [[str(path)] for path in found]
    candidates.append(["py", "-3.13"])
    return next(filter(None, map(_executable_of_313, candidates)), None)


def _pyenv_versions() -> Path | None:
    root = os.environ.get("PYENV_ROOT")
    if not root and (pyenv := shutil.which("pyenv")):
        asked = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
        root = asked.stdout.strip()
    return Path(root) / "versions" if root else None


def _executable_of_313(command: list[str]) -> str | None:
    """Return the interpreter behind the command, if it runs and is a 3.13 of its own."""
    if not shutil.which(command[0]):
        return None
    ask = "import sys; print(*sys.version_info[:2], getattr(sys, '_base_executable', ''))"
    asked = subprocess.run([*command, "-c", ask], capture_output=True, text=True, check=False)
    version, _, executable = asked.stdout.strip().rpartition(" ")
    return executable if version == "3 13" else None


def compare(interpreter: str) -> int:
    """Return how many calls were answered alike; raise Different, or SetupFailed."""
    environment = Environment(ROOT / ".venv-3.13", REQUIREMENTS)
    environment.prepare(interpreter)
    ours = _converse([sys.executable, "-m", "local", "start"])
    theirs = _converse([str(environment.python), "-m", "local.runtime_worker"])
    differences = [
        f"{one.call}\n  local host: {one}\n  worker library: {other}"
        for one, other in zip(ours, theirs, strict=True)
        if one != other
    ]
    if differences:
        raise Different("\n".join(differences))
    return len(ours)


def _converse(command: list[str]) -> list[Exchange]:
    with tempfile.TemporaryDirectory() as folder, _running(command, folder) as installation:
        return asyncio.run(Conversation(installation).run())


@contextmanager
def _running(command: list[str], folder: str) -> Iterator[dict[str, Any]]:
    """Run an installation with its state in the folder, and give what `--json` says of it."""
    log = Path(folder, "log")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*command, "--port", "0", "--data", str(Path(folder, "data")), "--json"],
            stdout=subprocess.PIPE,
            stderr=stream,
            text=True,
            cwd=ROOT,
        )
    try:
        line = process.stdout.readline() if process.stdout else ""
        if not line:
            raise Different(f"{' '.join(command)} did not start:\n{log.read_text('utf-8')}")
        yield json.loads(line)
    finally:
        process.terminate()
        process.communicate(timeout=STOP_SECONDS)
