from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from local.setup import ROOT

WAIT = 60  # seconds, after which a start that hangs has failed


@dataclass
class Started:
    """A running `start --json`: its one line, and what it left behind once it has ended."""

    process: subprocess.Popen[str]
    told: dict[str, Any]
    rest: str = ""
    log: str = ""

    def stop(self, sent: signal.Signals) -> int:
        """End it by a signal and return its exit status."""
        self.process.send_signal(sent)
        self.rest, self.log = self.process.communicate(timeout=WAIT)
        return self.process.returncode

    def get(self, address: str, **headers: str) -> int:
        """Return the status of a GET."""
        try:
            with urlopen(Request(address, headers=headers), timeout=WAIT) as response:  # noqa: S310 - loopback
                return int(response.status)
        except HTTPError as error:
            error.close()
            return error.code


def command(data: Path, *options: str) -> list[str]:
    """Return the command that the README names, in the environment of the tests."""
    return [sys.executable, "-m", "local", "start", "--json", "--data", str(data), *options]


@contextmanager
def started(data: Path, *options: str) -> Iterator[Started]:
    """Run `start` on a free port until it is ready; kill what did not stop."""
    process = subprocess.Popen(  # noqa: S603 - our own command
        command(data, "--port", "0", *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        line = process.stdout.readline() if process.stdout else ""
        assert line, process.communicate(timeout=WAIT)
        yield Started(process, json.loads(line))
    finally:
        process.kill()
        process.communicate(timeout=WAIT)


def test_start_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    """The line on standard output connects a client; SIGTERM and Ctrl-C end it without a trace."""
    with started(tmp_path) as first:
        told = first.told
        (demo,) = told["directories"]
        assert set(told) == {"origin", "managementKey", "directories"}
        assert (demo["name"], demo["baseUrl"].startswith(told["origin"])) == ("demo", True)
        users = f"{demo['baseUrl']}/Users"
        assert first.get(users, Authorization=f"Bearer {demo['token']}") == 200
        assert first.get(users, Authorization="Bearer other") == 401
        manage = f"{told['origin']}/manage/v1/directories"
        assert first.get(manage, **{"x-functions-key": told["managementKey"]}) == 200
        assert first.get(manage) == 401
        assert first.stop(signal.SIGTERM) == 0
    assert first.rest == ""
    assert first.log.endswith("Stopped.\n")
    assert demo["token"] not in first.log

    with started(tmp_path) as second:
        (again,) = second.told["directories"]
        assert again == {**again, "id": demo["id"], "token": None}
        assert second.told["managementKey"] == told["managementKey"]
        users = users.replace(told["origin"], second.told["origin"])
        assert second.get(users, Authorization=f"Bearer {demo['token']}") == 200
        assert second.stop(signal.SIGINT) == 0
    assert second.log.endswith("Stopped.\n")


def test_fresh_starts_with_an_empty_store(tmp_path: Path) -> None:
    """After --fresh the directories are new ones with new tokens; old tokens are worth nothing."""
    with started(tmp_path, "--directory", "one", "--directory", "two") as before:
        old = before.told["directories"]
        assert [each["name"] for each in old] == ["one", "two"]
        before.stop(signal.SIGTERM)
    with started(tmp_path, "--directory", "one", "--fresh") as after:
        (new,) = after.told["directories"]
        assert new["id"] != old[0]["id"]
        users = f"{new['baseUrl']}/Users"
        assert after.get(users, Authorization=f"Bearer {new['token']}") == 200
        assert after.get(users, Authorization=f"Bearer {old[0]['token']}") == 401


def test_start_runs_on_azurite(tmp_path: Path) -> None:
    """With --store azurite the directories are new at each start, and standard output is clean."""
    for _ in range(2):
        with started(tmp_path, "--store", "azurite") as running:
            (demo,) = running.told["directories"]
            users = f"{demo['baseUrl']}/Users"
            assert running.get(users, Authorization=f"Bearer {demo['token']}") == 200
            assert running.stop(signal.SIGTERM) == 0
        assert running.rest == ""
        assert running.log.endswith("Stopped.\n")


@pytest.mark.parametrize("broken", ["port", "data", "store"])
def test_what_prevents_a_start_is_said_in_words(tmp_path: Path, broken: str) -> None:
    """A taken port, an unusable folder and a broken store end it with status 1 and no trace."""
    data = tmp_path / "data"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1] if broken == "port" else 0
        if broken == "data":
            data.touch()
        if broken == "store":
            data.mkdir()
            (data / "rollcall.db").write_bytes(b"no database " * 1000)
        ended = subprocess.run(  # noqa: S603 - our own command
            command(data, "--port", str(port)),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=WAIT,
            check=False,
        )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert "Traceback" not in ended.stderr
    expected = {"port": f"port {port}", "data": "data folder", "store": "STORAGE_ENGINE"}
    assert expected[broken] in ended.stderr
