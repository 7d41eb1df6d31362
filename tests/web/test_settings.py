"""App settings: all that is wrong at once, and an endpoint that says so until it is repaired."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from local.host import Host
from scim.app import provider
from scim.settings import Settings, SettingsError, read_settings
from scim.web.functions import function_app
from scim.web.services import Misconfigured
from tests.endpoint import HOST_KEY, Answer
from tests.web.refusals import check_refusal

AZURE = {
    "WEBSITE_INSTANCE_ID": "1",
    "WEBSITE_HOSTNAME": "rollcall.example.net",
    "TABLES_ENDPOINT": "https://store.example.net",
    "KEY_VAULT_URL": "https://vault.example.net",
}
LAPTOP = {
    "PUBLIC_BASE_URL": "http://127.0.0.1:7071",
    "STORAGE_ENGINE": "sqlite",
    "SQLITE_PATH": "store.db",
    "VAULT_ENGINE": "sqlite",
    "VAULT_PATH": "vault.db",
}


def problems(environ: dict[str, str]) -> list[str]:
    """Return the problems, of which there have to be some."""
    with pytest.raises(SettingsError) as caught:
        read_settings(environ)
    return caught.value.problems


@pytest.mark.parametrize("environ", [AZURE, LAPTOP], ids=["Azure", "laptop"])
def test_few_settings_are_enough(environ: dict[str, str]) -> None:
    """All others have defaults; blank ones count as not set."""
    settings = read_settings({**environ, "PAGE_SIZE": " ", "TABLE_NAME": ""})
    assert (settings.PAGE_SIZE, settings.TABLE_NAME) == (100, "rollcall")


def test_the_public_base_is_the_setting_or_the_host_name_of_the_platform() -> None:
    """Without a slash at its end."""
    assert read_settings(AZURE).public_base == "https://rollcall.example.net"
    own = {**AZURE, "PUBLIC_BASE_URL": "https://scim.example.com/"}
    assert read_settings(own).public_base == "https://scim.example.com"


def test_every_problem_is_reported_at_once() -> None:
    """Missing ones, wrong ones and those that do not fit each other, each by its name."""
    found = problems(
        {
            "PUBLIC_BASE_URL": "http://scim.example.com",
            "TABLE_NAME": "1",
            "PAGE_SIZE": "many",
            "PAGE_SIZE_MAX": "99",
            "SCAN_LIMIT": "-1",
            "TABLES_ENDPOINT": "store",
            "VAULT_ENGINE": "paper",
            "RULES": "[{}]",
            "REQUIRED_ATTRIBUTES": "nope",
        }
    )
    names = [problem.partition(" ")[0].rstrip(":") for problem in found]
    assert sorted(names) == [
        "KEY_VAULT_URL",
        "PAGE_SIZE",
        "PAGE_SIZE_MAX",
        "PUBLIC_BASE_URL",
        "REQUIRED_ATTRIBUTES",
        "RULES",
        "RULES",
        "SCAN_LIMIT",
        "TABLES_ENDPOINT",
        "TABLE_NAME",
        "VAULT_ENGINE",
    ]


DECLARED = '[{"name": "Night", "grants": [{"tenant": "t", "role": "r"}], "condition": "%s"}]'
SCHEMAS = '[{"id": "urn:example:shifts:User", "name": "S", "attributes": [%s]}]'
SHIFT = '{"name": "shift", "type": "string"}'


@pytest.mark.parametrize(
    ("rules", "schemas", "found"),
    [
        ("[", "[]", ["RULES: is not JSON: line 1, column 2"]),
        (f"[{' ' * 300_000}]", "[]", ["RULES: has 300002 characters; at most 300000 are taken"]),
        (DECLARED % "shift pr", "[]", ["RULES: [0].condition shift (column 1) is no attribute of"]),
        (DECLARED % "urn:example:shifts:User:shift pr", SCHEMAS % SHIFT, []),
        # Whether a rule may test it shows when the schema is right.
        (
            DECLARED % "urn:example:shifts:User:shift pr",
            SCHEMAS % '{"name": "shift", "type": "strong"}',
            ["EXTENSION_SCHEMAS"],
        ),
    ],
)
def test_declared_rules_are_checked_with_the_schemas(
    rules: str, schemas: str, found: list[str]
) -> None:
    """A mistake in RULES has its place and stands among all other problems."""
    environ = {**LAPTOP, "RULES": rules, "EXTENSION_SCHEMAS": schemas}
    told = problems(environ) if found else read_settings(environ).problems()
    assert [each[: len(start)] for each, start in zip(told, found, strict=True)] == found


def test_nothing_set_names_what_is_needed_and_what_for() -> None:
    """The meaning stands beside each name."""
    found = problems({})
    assert [problem.partition(" ")[0] for problem in found] == [
        "PUBLIC_BASE_URL",
        "TABLES_ENDPOINT",
        "KEY_VAULT_URL",
    ]
    for problem in found:
        name, _, meaning = problem.partition(" is not set: ")
        assert meaning == Settings.model_fields[name].description


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("STORAGE_ENGINE", "sqlite"),
        ("VAULT_ENGINE", "sqlite"),
        ("TABLES_CONNECTION_STRING", "UseDevelopmentStorage=true"),
    ],
)
def test_what_is_for_a_laptop_is_refused_in_azure(setting: str, value: str) -> None:
    """Also when all that it needs is set."""
    elsewhere = {**AZURE, **LAPTOP, "STORAGE_ENGINE": "tables", "VAULT_ENGINE": "keyvault"}
    assert read_settings({**AZURE, "TABLE_NAME": "rollcall"}).in_azure
    (problem,) = problems(
        {**elsewhere, "PUBLIC_BASE_URL": "https://scim.example.com", setting: value}
    )
    assert problem.startswith(setting)
    assert "only" in problem


@pytest.mark.parametrize(
    "address",
    [
        "scim.example.com",
        "http://scim.example.com",
        "ftp://scim.example.com",
        "https://",
        "https:///scim",
        "https://scim.example.com/scim",
        "https://scim.example.com?a=b",
        "https://scim.example.com/#top",
        "https://user:secret@scim.example.com",
        "https://scim.example .com",
        "https://[scim",
        "javascript:https://scim.example.com",
    ],
)
def test_a_public_base_is_an_https_origin(address: str) -> None:
    """Anything else would be written into every address that is given out."""
    (problem,) = problems({**AZURE, "PUBLIC_BASE_URL": address})
    assert problem.startswith("PUBLIC_BASE_URL has to be https://")
    assert "secret" not in problem


@pytest.mark.parametrize("setting", ["TABLES_ENDPOINT", "KEY_VAULT_URL"])
@pytest.mark.parametrize("address", ["store", "http://store.example.net", "https://", "https://["])
def test_services_are_reached_over_https(setting: str, address: str) -> None:
    """A token of the app's identity never goes over an open line."""
    (problem,) = problems({**AZURE, setting: address})
    assert problem.startswith(f"{setting} has to be an address")


def test_a_connection_string_is_in_no_problem_and_no_repr() -> None:
    """It holds an account key."""
    secret = "AccountName=dev;AccountKey=c2VjcmV0"
    environ = {**LAPTOP, "STORAGE_ENGINE": "tables", "TABLES_CONNECTION_STRING": secret}
    assert "c2VjcmV0" not in repr(read_settings(environ))
    assert "c2VjcmV0" not in str(problems({**AZURE, "TABLES_CONNECTION_STRING": secret}))


@asynccontextmanager
async def app_on(environ: dict[str, str]) -> AsyncIterator[aiohttp.ClientSession]:
    """Serve an app that reads these settings, as they are at the moment of a call."""
    provide = provider(environ)
    settings = {"UPKEEP_SCHEDULE": "0 0 0 1 1 *"}
    host = Host(function_app(provide), key=HOST_KEY, settings=settings)
    async with host.serving() as origin, aiohttp.ClientSession(origin) as session:
        yield session
    try:
        services = provide()
    except Misconfigured:
        return
    await services.vault.close()
    await services.storage.close()


async def send(session: aiohttp.ClientSession, method: str, path: str) -> Answer:
    """Send with the function key."""
    headers = {"x-functions-key": HOST_KEY, "Authorization": "Bearer x"}
    async with session.request(method, path, headers=headers) as response:
        return Answer(response.status, response.headers, await response.read())


async def test_with_wrong_settings_every_call_is_503() -> None:
    """Liveness stays, readiness lists all problems, and nobody else learns what they are."""
    async with app_on({"PAGE_SIZE": "many", "RULES": "[{}]"}) as session:
        for method, path in (
            ("GET", "/scim/v2/demo/Users"),
            ("POST", "/scim/v2/demo/Users"),
            ("GET", "/scim/v2/demo/Unknown"),
            ("GET", "/scim/v2/demo/ServiceProviderConfig"),
        ):
            answer = await send(session, method, path)
            assert (answer.status, answer.json["status"]) == (503, "503")
            assert int(answer.headers["Retry-After"]) > 0
            assert "/health/ready" in answer.json["detail"]
            assert b"PAGE_SIZE" not in answer.raw
        answer = await send(session, "GET", "/manage/v1/directories")
        assert (answer.status, answer.json["status"]) == (503, 503)
        assert (await send(session, "GET", "/health")).status == 200
        ready = await send(session, "GET", "/health/ready")
        assert (ready.status, ready.json["status"]) == (503, "misconfigured")
        assert len(ready.json["problems"]) == 6


async def test_repaired_settings_are_picked_up(tmp_path: Path) -> None:
    """The next call after the repair is served; no restart is needed."""
    files = {"SQLITE_PATH": str(tmp_path / "store.db"), "VAULT_PATH": str(tmp_path / "vault.db")}
    environ = {**LAPTOP, **files, "PAGE_SIZE": "many"}
    async with app_on(environ) as session:
        assert (await send(session, "GET", "/scim/v2/demo/Users")).status == 503
        del environ["PAGE_SIZE"]
        assert (await send(session, "GET", "/scim/v2/demo/Users")).status == 401
        assert (await send(session, "GET", "/health/ready")).json == {
            "status": "ready",
            "problems": [],
        }


@pytest.mark.parametrize(
    ("environ", "setting"),
    [
        ({"SQLITE_PATH": "{folder}/no/such/folder/store.db"}, "STORAGE_ENGINE"),
        ({"SQLITE_PATH": "{folder}"}, "STORAGE_ENGINE"),
        ({"VAULT_PATH": "{folder}/no/such/folder/vault.db"}, "VAULT_ENGINE"),
        (
            {"STORAGE_ENGINE": "tables", "TABLES_CONNECTION_STRING": "AccountKey=c2VjcmV0;junk"},
            "STORAGE_ENGINE",
        ),
    ],
)
async def test_an_engine_that_cannot_be_opened_is_a_problem(
    tmp_path: Path, environ: dict[str, str], setting: str
) -> None:
    """503 as for any other wrong setting, and readiness names the setting, not its value."""
    files = {"SQLITE_PATH": f"{tmp_path}/store.db", "VAULT_PATH": f"{tmp_path}/vault.db"}
    changed = {name: value.format(folder=tmp_path) for name, value in environ.items()}
    async with app_on({**LAPTOP, **files, **changed}) as session:
        check_refusal(await send(session, "GET", "/scim/v2/demo/Users"), 503)
        ready = await send(session, "GET", "/health/ready")
        assert ready.status == 503
        (problem,) = orjson.loads(ready.raw)["problems"]
        assert problem.startswith(setting)
        assert b"c2VjcmV0" not in ready.raw
