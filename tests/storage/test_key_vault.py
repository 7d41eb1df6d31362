"""How the Key Vault engine meets challenge, paging, soft delete, throttling and outage."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
import traceback
from collections.abc import AsyncIterator

import pytest

from scim.provisioning.ports import Unavailable
from scim.storage import key_vault
from scim.storage.key_vault import KeyVault
from tests.storage.loopback_vault import LoopbackVault, Outage

SECRET = "digest-of-a-token"


@pytest.fixture
async def loopback() -> AsyncIterator[LoopbackVault]:
    """Run the vault that the engine talks to."""
    async with LoopbackVault() as running:
        yield running


@pytest.fixture
async def vault(loopback: LoopbackVault) -> AsyncIterator[KeyVault]:
    """Connect the engine to it."""
    remote = connect(loopback)
    yield remote
    await remote.close()


def connect(loopback: LoopbackVault, *, call_seconds: float = key_vault.CALL_SECONDS) -> KeyVault:
    """Make an engine that trusts the loopback vault."""
    return KeyVault(
        loopback.url,
        loopback.credential,
        verify_challenge_resource=False,
        connection_verify=str(loopback.certificate),
        call_seconds=call_seconds,
    )


async def put(vault: KeyVault, name: str, value: str = "digest") -> None:
    """Put a secret of which only name and value matter."""
    await vault.put(name, value, expires_at=None, tags={})


async def test_one_challenge_opens_the_vault(vault: KeyVault, loopback: LoopbackVault) -> None:
    """The vault is asked once how to authenticate, for the scope that it names."""
    await put(vault, "token-1")
    await vault.get("token-1")
    assert loopback.requests == {"challenge": 1, "put": 1, "get": 1}
    assert loopback.credential.scopes == ["https://vault.azure.net/.default"]


async def test_no_token_goes_to_a_host_that_is_not_a_vault(loopback: LoopbackVault) -> None:
    """A challenge for another domain is refused before a token is asked for."""
    vault = KeyVault(loopback.url, loopback.credential, connection_verify=str(loopback.certificate))
    with pytest.raises(Unavailable, match="not Key Vault: check the vault's URL"):
        await vault.get("token-1")
    await vault.close()
    assert loopback.credential.scopes == []


async def test_an_unknown_certificate_is_unavailable(loopback: LoopbackVault) -> None:
    """Nothing is asked of a host whose certificate nobody vouches for."""
    vault = KeyVault(loopback.url, loopback.credential, verify_challenge_resource=False)
    with pytest.raises(Unavailable, match="cannot be reached"):
        await vault.get("token-1")
    await vault.close()
    assert not loopback.requests


async def test_listing_follows_every_page(vault: KeyVault, loopback: LoopbackVault) -> None:
    """Secrets beyond the first page of 25 are listed too, each once."""
    expected = [f"token-{number:02}" for number in range(63)]
    for name in expected:
        await put(vault, name)
    assert sorted([each.name async for each in vault.list()]) == expected
    assert loopback.requests["list"] == 3


async def test_a_name_being_deleted_and_recovered_is_waited_for(
    vault: KeyVault, loopback: LoopbackVault
) -> None:
    """Put on a soft-deleted name waits for the deletion, recovers, waits again, then sets."""
    loopback.settling = 1
    await put(vault, "token-1", "old")
    await vault.delete("token-1")
    await put(vault, "token-1", "new")
    found = await vault.get("token-1")
    assert found
    assert found.value == "new"
    assert loopback.requests["recover"] == 1


async def test_waiting_for_a_name_ends(
    vault: KeyVault, loopback: LoopbackVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that stays busy is Unavailable after a bounded number of attempts."""
    monkeypatch.setattr(key_vault, "NAME_PAUSE_SECONDS", 0)
    loopback.settling = 1000
    await put(vault, "token-1")
    await vault.delete("token-1")
    with pytest.raises(Unavailable, match="409 ObjectIsBeingDeleted"):
        await put(vault, "token-1")
    assert loopback.requests["put"] == 1 + key_vault.NAME_ATTEMPTS


@pytest.mark.parametrize(
    ("outage", "says"),
    [
        (Outage.DROPPED, "cannot be reached: check the vault's URL, firewall"),
        (Outage.UNAVAILABLE, "503 ServiceUnavailable"),
        (Outage.THROTTLED, "429 Throttled"),
        (Outage.NO_ROLE, "403 ForbiddenByRbac: give .* the role Key Vault Secrets Officer"),
        (Outage.FIREWALL, "403 ForbiddenByFirewall: check the vault's URL, firewall"),
        (Outage.PROXY, "404"),
    ],
)
async def test_a_vault_in_trouble_is_unavailable(
    vault: KeyVault, loopback: LoopbackVault, outage: Outage, says: str
) -> None:
    """No outage looks like a missing secret, in any method, and its text says what to check."""
    await put(vault, "token-1")
    loopback.outage = outage
    with pytest.raises(Unavailable, match=says):
        await vault.get("token-1")
    with pytest.raises(Unavailable, match=says):
        await put(vault, "token-1")
    with pytest.raises(Unavailable, match=says):
        await vault.update("token-1", enabled=False)
    with pytest.raises(Unavailable, match=says):
        await vault.delete("token-1")
    with pytest.raises(Unavailable, match=says):
        [each async for each in vault.list()]
    loopback.outage = None
    assert await vault.get("token-1")


async def test_an_identity_that_is_refused_is_unavailable(
    vault: KeyVault, loopback: LoopbackVault
) -> None:
    """A vault that does not accept the app's own token is in trouble, not empty."""
    loopback.accepts = "another access token"
    with pytest.raises(Unavailable, match="does not know this app: check the app's managed"):
        await vault.get("token-1")


async def test_throttling_is_passed_on_and_not_repeated(
    vault: KeyVault, loopback: LoopbackVault
) -> None:
    """Whoever is throttled learns for how long, at once, and the vault is left alone."""
    await put(vault, "token-1")
    loopback.outage, loopback.retry_after = Outage.THROTTLED, 42
    with pytest.raises(Unavailable) as caught:
        await vault.get("token-1")
    assert caught.value.retry_after == 42
    assert loopback.requests["get"] == 1


async def test_lost_connections_are_tried_again(vault: KeyVault, loopback: LoopbackVault) -> None:
    """Two broken connections in a row go unnoticed: transport and SDK each try once more."""
    await put(vault, "token-1")
    loopback.hiccups += [Outage.DROPPED, Outage.DROPPED]
    assert await vault.get("token-1")
    assert loopback.requests["get"] == 3


async def test_an_outage_in_the_middle_of_a_list_is_an_error(
    vault: KeyVault, loopback: LoopbackVault
) -> None:
    """A list that cannot be read to its end never ends as if it could."""
    for number in range(26):
        await put(vault, f"token-{number}")
    listing = vault.list()
    for _ in range(25):
        await anext(listing)
    loopback.outage = Outage.UNAVAILABLE
    with pytest.raises(Unavailable):
        await anext(listing)


async def test_a_silent_vault_costs_a_bounded_time(loopback: LoopbackVault) -> None:
    """A call ends with its deadline, retries and all, and by default well under 15 s."""
    assert key_vault.CALL_SECONDS < 15
    assert key_vault.NAME_ATTEMPTS * key_vault.NAME_PAUSE_SECONDS < key_vault.CALL_SECONDS
    vault = connect(loopback, call_seconds=0.2)
    loopback.outage = Outage.SILENT
    start = time.monotonic()
    with pytest.raises(Unavailable, match="in time"):
        await vault.get("token-1")
    await vault.close()
    assert time.monotonic() - start < 2


async def test_neither_value_nor_access_token_is_told(
    vault: KeyVault, loopback: LoopbackVault, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs at DEBUG and errors with their causes hold names and statuses, never a secret."""
    caplog.set_level(logging.DEBUG)
    await put(vault, "token-1", SECRET)
    await vault.get("token-1")
    told = []
    for outage in Outage:
        if outage is Outage.SILENT:
            continue
        loopback.outage = outage
        with pytest.raises(Unavailable) as caught:
            await put(vault, "token-1", SECRET)
        told += traceback.format_exception(caught.value)
    text = "".join(told) + caplog.text
    assert "token-1" in caplog.text
    assert SECRET not in text
    assert loopback.credential.token not in text


def test_the_sdk_is_loaded_when_first_needed() -> None:
    """Importing the engines costs a cold start neither Key Vault's SDK nor azure-identity."""
    code = (
        "import sys, scim.storage.key_vault, scim.storage.credentials;"
        "sys.exit(bool({'azure.keyvault.secrets', 'azure.identity'} & set(sys.modules)))"
    )
    subprocess.run([sys.executable, "-c", code], check=True)  # noqa: S603 - our own interpreter
