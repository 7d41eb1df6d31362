"""Waits for the deployed app, creates its first directory, and says what to paste where.

    python3 infra/postdeploy.py

`azd up` runs it; after a deployment by other means set the outputs of main.bicep as variables
first (infra/README.md). Standard library only. Variables of its own:

    ROLLCALL_FIRST_DIRECTORY   name of the directory, default "Entra ID"
    ROLLCALL_MANAGEMENT_KEY    the function key, where this login may not list keys
"""
# ruff: noqa: INP001, T201 - a script of its own, which talks to a person

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

READY_SECONDS = 600  # a new role of the identity takes some minutes to be known everywhere
PAUSE_SECONDS = 10
CALL_SECONDS = 60
KEYS_VERSION = "2025-03-01"  # of Microsoft.Web, as in modules/functions.bicep
REFUSED = {
    401: "the key is not one of its host keys.",
    403: "this address may not call it; add it to allowedAddresses and deploy again.",
}
CI = ("CI", "TF_BUILD", "GITHUB_ACTIONS")  # their output is kept and read by many


class Failed(Exception):
    """Something is missing or refused; the message says what to do."""


class Unreachable(Failed):
    """Nobody answers, perhaps not yet."""


def main(environ: Mapping[str, str]) -> int:
    """Do all of it; return the exit status."""
    try:
        origin = _output(environ, "ROLLCALL_ORIGIN").rstrip("/")
        key = environ.get("ROLLCALL_MANAGEMENT_KEY") or function_key(environ)
        wait_until_ready(origin, key)
        name = environ.get("ROLLCALL_FIRST_DIRECTORY") or "Entra ID"
        if any(environ.get(each) for each in CI):
            directory = found(origin, key, name)
        else:
            directory = found(origin, key, name) or created(origin, key, name)
    except Failed as error:
        print(error, file=sys.stderr)
        return 1
    print(greeting(origin, directory, name, environ))
    return 0


def function_key(environ: Mapping[str, str]) -> str:
    """Return the app's default host key, asked from Azure with the login of azd or az."""
    manager = _output(environ, "AZURE_RESOURCE_MANAGER").rstrip("/")
    app = _output(environ, "FUNCTION_APP_ID")
    url = f"{manager}{app}/host/default/listKeys?api-version={KEYS_VERSION}"
    bearer = {"authorization": f"Bearer {_access_token(manager)}"}
    status, body = call("POST", url, bearer)
    if status != 200:
        raise Failed(
            f"Azure answers {status} when asked for the app's keys. Whoever deploys needs the role "
            "Contributor on the app; or set ROLLCALL_MANAGEMENT_KEY."
        )
    return str(body["functionKeys"]["default"])


def _access_token(manager: str) -> str:
    for command, field in (
        (["azd", "auth", "token", "--output", "json", "--scope", f"{manager}/.default"], "token"),
        (["az", "account", "get-access-token", "--resource", manager], "accessToken"),
    ):
        tool = shutil.which(command[0])
        if not tool:
            continue
        # The arguments are ours; what is on PATH is the login that the person has chosen.
        asked = subprocess.run(  # noqa: S603 - see above
            [tool, *command[1:]], capture_output=True, text=True, check=False
        )
        if asked.returncode == 0:
            return str(json.loads(asked.stdout)[field])
    raise Failed("Log in first: azd auth login, or az login.")


def wait_until_ready(origin: str, key: str) -> None:
    """Return when the app reaches its storage and its vault. Raises Failed after ten minutes."""
    until = time.monotonic() + READY_SECONDS
    while True:
        try:
            status, body = call("GET", f"{origin}/health/ready", {"x-functions-key": key})
        except Unreachable as error:
            status, body = 0, {"problems": [str(error)]}
        if status == 200:
            return
        if status in REFUSED:
            raise Failed(f"The app answers {status}: {REFUSED[status]}")
        problems = body.get("problems") or [f"/health/ready was answered {status}"]
        if time.monotonic() >= until:
            raise Failed("\n".join(["The app is not ready:", *(f"  {each}" for each in problems)]))
        print(f"Not ready yet: {problems[0]}", file=sys.stderr, flush=True)
        time.sleep(PAUSE_SECONDS)


def found(origin: str, key: str, name: str) -> dict[str, Any] | None:
    """Return the directory of this name, if there is one."""
    listed = _managed("GET", origin, key, query={"name": name})
    return next(iter(listed["items"]), None)


def created(origin: str, key: str, name: str) -> dict[str, Any]:
    """Return a new directory, with its token."""
    return _managed("POST", origin, key, body={"name": name})


def _managed(
    method: str,
    origin: str,
    key: str,
    query: Mapping[str, str] | None = None,
    body: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    url = f"{origin}/manage/v1/directories" + (f"?{urlencode(query)}" if query else "")
    status, answer = call(method, url, {"x-functions-key": key}, body)
    if status not in (200, 201):
        raise Failed(f"{method} /manage/v1/directories was answered {status}: {answer}")
    return answer


def call(
    method: str, url: str, headers: Mapping[str, str], body: Mapping[str, str] | None = None
) -> tuple[int, dict[str, Any]]:
    """Return status and JSON of an answer. Raises Failed if there is none."""
    secure = urlsplit(url).scheme == "https" or urlsplit(url).hostname == "127.0.0.1"
    if not secure:
        raise Failed(f"A key is sent over https alone, not to {urlsplit(url).hostname}.")
    sent = json.dumps(body).encode() if body is not None else b""
    request = Request(  # noqa: S310 - the scheme was looked at above
        url,
        sent if method == "POST" else None,
        {**headers, "content-type": "application/json"},
        method=method,
    )
    try:
        with build_opener(NoRedirect).open(request, timeout=CALL_SECONDS) as response:
            return response.status, _json(response.read())
    except HTTPError as error:
        return error.code, _json(error.read())
    except OSError as error:
        raise Unreachable(f"{urlsplit(url).netloc} cannot be reached: {error}") from error


class NoRedirect(HTTPRedirectHandler):
    """Follows nothing: the headers carry keys."""

    def redirect_request(self, *_: object) -> None:
        """Return no request."""


def _json(text: bytes) -> dict[str, Any]:
    try:
        value = json.loads(text or b"{}")
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _output(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip().strip('"')
    if not value:
        raise Failed(f"{name} is not set; it is an output of infra/main.bicep.")
    return value


def greeting(
    origin: str, directory: Mapping[str, Any] | None, name: str, environ: Mapping[str, str]
) -> str:
    """Return what to paste where, in the words of `python3 -m local start`."""
    app, group = environ.get("FUNCTION_APP_NAME", ""), environ.get("AZURE_RESOURCE_GROUP", "")
    listing = (
        f"az functionapp keys list -g {group or 'GROUP'} -n {app or 'APP'}"
        " --query functionKeys.default -o tsv"
    )
    lines = ["", f"Rollcall is ready on {origin}.", ""]
    if directory is None:
        lines += [
            f"Directory {name}: not created, because this output is kept; run at your own desk",
            "  python3 infra/postdeploy.py",
            "",
        ]
    else:
        token = (directory.get("token") or {}).get("value")
        lines += [
            f"Directory {directory['name']}: paste into the identity provider",
            f"  Tenant URL      {directory['baseUrl']}",
            f"  Secret Token    {token or 'shown once, when the directory was made'}",
            "",
        ]
    lines += [
        "Management API: send the key as header x-functions-key",
        f"  Address         {origin}/manage/v1",
        f"  Management key  portal: {app or 'the function app'} → App keys → Host keys → default",
        f"                  {listing}",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(os.environ))
