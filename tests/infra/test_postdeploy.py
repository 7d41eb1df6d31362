from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from local import greeting
from local.directories import Directory
from local.setup import ROOT
from tests.local.test_start import Started, started

WAIT = 60  # seconds, after which a script that hangs has failed
APP = "/subscriptions/0/resourceGroups/rg-x/providers/Microsoft.Web/sites/func-x"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    """Run the product once for all tests here."""
    with started(tmp_path_factory.mktemp("data")) as running:
        yield running


@pytest.fixture
def outputs(installation: Started) -> dict[str, str]:
    """Return the variables that azd would give the script, and the key."""
    return {
        "ROLLCALL_ORIGIN": installation.told["origin"],
        "FUNCTION_APP_NAME": "func-x",
        "FUNCTION_APP_ID": APP,
        "AZURE_RESOURCE_GROUP": "rg-x",
        "ROLLCALL_MANAGEMENT_KEY": installation.told["managementKey"],
    }


def run(environ: Mapping[str, str], path: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script as azd does, with nothing of this environment's Python."""
    return subprocess.run(
        [sys.executable, "-I", "infra/postdeploy.py"],
        env={**environ, "PATH": path or os.environ["PATH"], "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=WAIT,
        check=False,
    )


def test_a_first_run_connects_an_identity_provider(
    installation: Started, outputs: dict[str, str]
) -> None:
    """The directory is made, and what is printed for it works and reads as `start` says it."""
    ran = run({**outputs, "ROLLCALL_FIRST_DIRECTORY": "First"})
    assert ran.returncode == 0, ran.stderr
    values = dict(
        line.strip().split(maxsplit=2)[0:3:2]
        for line in ran.stdout.splitlines()
        if line.startswith(("  Tenant URL", "  Secret Token"))
    )
    base_url, token = values["Tenant"], values["Secret"]
    assert installation.get(f"{base_url}/Users", authorization=f"Bearer {token}") == 200
    ours = Directory(base_url.rpartition("/")[2], "First", base_url, token)
    key, origin = outputs["ROLLCALL_MANAGEMENT_KEY"], outputs["ROLLCALL_ORIGIN"]
    start = greeting.for_person(origin, key, [ours], "SQLite").splitlines()
    block = start[start.index("Directory First: paste into the identity provider") :][:6]
    assert "\n".join(block) in ran.stdout
    assert key not in ran.stdout + ran.stderr
    assert "func-x → App keys" in ran.stdout


def test_a_second_run_shows_the_directory_without_a_token(outputs: dict[str, str]) -> None:
    """A deployment that is repeated makes no second directory."""
    first = run({**outputs, "ROLLCALL_FIRST_DIRECTORY": "Again"})
    second = run({**outputs, "ROLLCALL_FIRST_DIRECTORY": "Again"})
    url = next(line for line in first.stdout.splitlines() if line.startswith("  Tenant URL"))
    assert url in second.stdout
    assert "Secret Token    shown once" in second.stdout


def test_a_pipeline_is_shown_no_token(outputs: dict[str, str]) -> None:
    """Where output is kept no directory is made, so its token is not lost either."""
    ran = run({**outputs, "ROLLCALL_FIRST_DIRECTORY": "Pipeline", "CI": "true"})
    assert ran.returncode == 0, ran.stderr
    assert "Directory Pipeline: not created" in ran.stdout
    assert "rc_" not in ran.stdout


def test_the_key_comes_from_azure_with_the_login_of_azd(
    outputs: dict[str, str], tmp_path: Path
) -> None:
    """Without a key of its own the script asks for the default host key as whoever is logged in."""
    azd = tmp_path / "azd"
    azd.write_text('#!/bin/sh\necho \'{"token": "of-azd"}\'\n', "utf-8")
    azd.chmod(0o755)
    key = outputs.pop("ROLLCALL_MANAGEMENT_KEY")
    with resource_manager(key) as (address, asked):
        ran = run(
            {**outputs, "AZURE_RESOURCE_MANAGER": f"{address}/"}, f"{tmp_path}{os.pathsep}/bin"
        )
    assert ran.returncode == 0, ran.stderr
    assert asked == [f"Bearer of-azd {APP}/host/default/listKeys?api-version=2025-03-01"]


def test_what_is_missing_is_named(outputs: dict[str, str]) -> None:
    """Without the address, or a login, the script says what to do and no trace is shown."""
    without = run({name: each for name, each in outputs.items() if name != "ROLLCALL_ORIGIN"})
    assert (without.returncode, without.stderr) == (
        1,
        "ROLLCALL_ORIGIN is not set; it is an output of infra/main.bicep.\n",
    )
    del outputs["ROLLCALL_MANAGEMENT_KEY"]
    login = run({**outputs, "AZURE_RESOURCE_MANAGER": "https://127.0.0.1"}, "/nowhere")
    assert (login.returncode, login.stderr) == (1, "Log in first: azd auth login, or az login.\n")


def test_a_key_is_not_sent_in_clear_text(outputs: dict[str, str]) -> None:
    """An address without https is refused before anything is sent to it."""
    ran = run({**outputs, "ROLLCALL_ORIGIN": "http://rollcall.example.com"})
    assert ran.returncode == 1
    assert "https alone" in ran.stderr


def test_a_wrong_key_is_told_at_once(outputs: dict[str, str]) -> None:
    """What waiting cannot mend is not waited for."""
    ran = run({**outputs, "ROLLCALL_MANAGEMENT_KEY": "wrong"})
    assert (ran.returncode, ran.stderr) == (
        1,
        "The app answers 401: the key is not one of its host keys.\n",
    )


@contextmanager
def resource_manager(key: str) -> Iterator[tuple[str, list[str]]]:
    """Answer the one call to Azure's management API on loopback, and keep what was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(f"{self.headers['authorization']} {self.path}")
            body = json.dumps({"masterKey": "m", "functionKeys": {"default": key}}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep the output of the tests clean."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()
