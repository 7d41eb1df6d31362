"""Who the app is: by App Service's documented identity endpoint in Azure, by a login elsewhere."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import pytest
from aiohttp import web

from scim.provisioning.ports import Unavailable
from scim.storage.credentials import azure_credential
from scim.storage.key_vault import KeyVault
from tests.storage.loopback_vault import LoopbackVault

Asked = list[tuple[str | None, ...]]


@pytest.fixture
async def asked(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    """Run the identity endpoint; only the identity `known` has a token. Tells what was asked."""
    asked: Asked = []

    async def answer(request: web.Request) -> web.Response:
        query = request.query
        asked.append((query.get("resource"), query.get("client_id")))
        if request.headers.get("X-IDENTITY-HEADER") != "of-this-app":
            return web.json_response({"message": "who is it?"}, status=401)
        if query.get("client_id") not in {None, "known"}:
            return web.json_response({"statusCode": 400, "message": "no such"}, status=400)
        return web.json_response(
            {
                "access_token": "loopback-access-token",
                "expires_on": str(int(time.time()) + 3600),
                "resource": query.get("resource"),
                "token_type": "Bearer",
            }
        )

    app = web.Application()
    app.router.add_get("/token", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{runner.addresses[0][1]}/token")
    monkeypatch.setenv("IDENTITY_HEADER", "of-this-app")
    yield asked
    await runner.cleanup()


@pytest.mark.parametrize("client_id", [None, "known"])
async def test_in_azure_the_managed_identity_opens_the_vault(
    asked: Asked, client_id: str | None
) -> None:
    """The identity with the given client id, or else the app's own, gets the vault's token."""
    async with (
        LoopbackVault() as loopback,
        azure_credential(client_id, in_azure=True) as credential,
    ):
        vault = KeyVault(
            loopback.url,
            credential,
            verify_challenge_resource=False,
            connection_verify=str(loopback.certificate),
        )
        assert await vault.get("token-1") is None
        assert await vault.get("token-2") is None
        await vault.close()
    assert asked == [("https://vault.azure.net", client_id)]


async def test_a_missing_identity_is_unavailable(asked: Asked) -> None:
    """An app without its identity cannot read the vault, and is told what to check."""
    async with (
        LoopbackVault() as loopback,
        azure_credential("unknown", in_azure=True) as credential,
    ):
        vault = KeyVault(
            loopback.url,
            credential,
            verify_challenge_resource=False,
            connection_verify=str(loopback.certificate),
        )
        with pytest.raises(Unavailable, match="managed identity, its client id"):
            await vault.get("token-1")
        await vault.close()
    assert asked[0] == ("https://vault.azure.net", "unknown")


async def test_elsewhere_nobody_is_asked_for_a_managed_identity(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a laptop the login of azd or az counts, and neither being there is said at once."""
    monkeypatch.setenv("PATH", "")
    async with azure_credential("known", in_azure=False) as credential:
        with pytest.raises(Exception, match="Azure CLI not found"):
            await credential.get_token("https://vault.azure.net/.default")
    assert asked == []
