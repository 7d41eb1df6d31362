"""Workload identity federation through the management API, and then with assertions."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from scim.storage.https import HttpsFetch
from tests.endpoint import Answer, Directory, Endpoint, running
from tests.web.key_set_server import AUDIENCE, ISSUER, SUBJECT, KeySetServer
from tests.web.oauth_client import assert_identity, check_error, granted, scim_status


@pytest.fixture
async def idp() -> AsyncIterator[KeySetServer]:
    """Run an identity provider that publishes its keys."""
    async with KeySetServer() as idp:
        yield idp


@pytest.fixture
async def endpoint(tmp_path: Path, idp: KeySetServer) -> AsyncIterator[Endpoint]:
    """Run the product, which trusts the certificate of that identity provider."""
    async with running(tmp_path, fetch=HttpsFetch(idp.trusted)) as endpoint:
        yield endpoint


def trusted(idp: KeySetServer, **changed: Any) -> dict[str, Any]:
    """Return what an admin copies from Entra."""
    return {
        "issuer": ISSUER,
        "subject": SUBJECT,
        "audience": AUDIENCE,
        "jwksUrl": idp.jwks_url,
        **changed,
    }


async def manage(
    directory: Directory, method: str, body: Any = None, headers: dict[str, str] | None = None
) -> Answer:
    """Send a call about the federation of a directory."""
    path = f"/directories/{directory.id}/federation"
    return await directory.endpoint.manage(method, path, body, headers)


async def token(directory: Directory, idp: KeySetServer, client: str) -> Answer:
    """Ask for a token with an assertion that is made now."""
    assertion = idp.assertion(directory.endpoint.clock().timestamp())
    return await assert_identity(directory, assertion, client_id=client)


async def test_what_entra_shows_goes_in_and_what_it_asks_for_comes_out(
    directory: Directory, idp: KeySetServer
) -> None:
    """Issuer, subject, audience and JWKS give a client id and addresses that work in Entra."""
    assert (await manage(directory, "GET")).status == 404
    made = await manage(directory, "PUT", trusted(idp))
    assert made.status == 200, made.raw
    base = "https://scim.example.com"
    assert made.json["tokenUrl"] == f"{base}/oauth/{directory.id}/token"
    assert made.json["baseUrl"] == f"{base}/scim/v2/{directory.id}"
    assert made.json["audience"] == [AUDIENCE]
    read = await manage(directory, "GET")
    assert (read.json, read.headers["ETag"]) == (made.json, made.headers["ETag"])
    given = granted(await token(directory, idp, made.json["clientId"]))
    assert await scim_status(directory, given) == 200
    assert (await directory.log())[0].changes[0] == "federation.issuer"


async def test_the_client_id_stays_when_something_else_is_trusted(
    directory: Directory, idp: KeySetServer
) -> None:
    """Tokens given before end with the change; a PUT that changes nothing ends none."""
    made = (await manage(directory, "PUT", trusted(idp))).json
    given = granted(await token(directory, idp, made["clientId"]))
    assert (await manage(directory, "PUT", trusted(idp))).json == made
    directory.endpoint.clock.forward(seconds=60)
    assert await scim_status(directory, given) == 200
    changed = (await manage(directory, "PUT", trusted(idp, audience=["api://a", AUDIENCE]))).json
    assert changed == made | {"audience": ["api://a", AUDIENCE]}
    directory.endpoint.clock.forward(seconds=60)
    assert await scim_status(directory, given) == 401
    granted(await token(directory, idp, made["clientId"]))


async def test_a_federation_that_is_deleted_is_gone(
    directory: Directory, idp: KeySetServer
) -> None:
    """204, then 404, and within a minute no token; the next one has another client id."""
    made = (await manage(directory, "PUT", trusted(idp))).json
    given = granted(await token(directory, idp, made["clientId"]))
    assert (await manage(directory, "DELETE")).status == 204
    assert (await manage(directory, "DELETE")).status == 404
    directory.endpoint.clock.forward(seconds=60)
    assert await scim_status(directory, given) == 401
    check_error(await token(directory, idp, made["clientId"]), 401, "invalid_client")
    assert (await manage(directory, "PUT", trusted(idp))).json["clientId"] != made["clientId"]


async def test_a_deleted_directory_ends_its_federation(
    directory: Directory, idp: KeySetServer
) -> None:
    """It is gone, also when the directory is restored: an admin has to trust anew."""
    made = (await manage(directory, "PUT", trusted(idp))).json
    given = granted(await token(directory, idp, made["clientId"]))
    path = f"/directories/{directory.id}"
    assert (await directory.endpoint.manage("DELETE", path, {})).status == 200
    assert (await manage(directory, "PUT", trusted(idp))).status == 409
    assert await scim_status(directory, given) == 401
    check_error(await token(directory, idp, made["clientId"]), 401, "invalid_client")
    assert (await directory.endpoint.manage("POST", f"{path}/restore")).status == 200
    assert (await manage(directory, "GET")).status == 404
    assert await scim_status(directory, given) == 401


async def test_a_change_can_demand_what_was_read(directory: Directory, idp: KeySetServer) -> None:
    """If-Match with another entity tag is 412; with the right one it passes."""
    tag = (await manage(directory, "PUT", trusted(idp))).headers["ETag"]
    for method, body in (("PUT", trusted(idp, subject="x")), ("DELETE", None)):
        assert (await manage(directory, method, body, {"If-Match": '"0"'})).status == 412
    changed = await manage(directory, "PUT", trusted(idp, subject="x"), {"If-Match": tag})
    assert changed.status == 200
    assert (await manage(directory, "DELETE", None, {"If-Match": tag})).status == 412


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"issuer": ""}, "/issuer"),
        ({"subject": 7}, "/subject"),
        ({"audience": []}, "/audience"),
        ({"audience": [""]}, "/audience/0"),
        ({"audience": ["x"] * 11}, "/audience"),
        ({"audience": None}, "/audience"),
        ({"jwksUrl": "http://127.0.0.1/keys"}, "/jwksUrl"),
        ({"jwksUrl": "https:///keys"}, "/jwksUrl"),
        ({"jwksUrl": "https://kim@example.com/keys"}, "/jwksUrl"),
        ({"jwksUrl": "https://[/keys"}, "/jwksUrl"),
        ({"jwksUrl": "file:///etc/passwd"}, "/jwksUrl"),
        ({"clientId": "mine"}, "/clientId"),
    ],
)
async def test_a_body_that_does_not_fit(
    directory: Directory, idp: KeySetServer, changed: dict[str, Any], pointer: str
) -> None:
    """422 that points at what is wrong, and nothing is trusted."""
    refused = await manage(directory, "PUT", trusted(idp, **changed))
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)
    assert (await manage(directory, "GET")).status == 404
