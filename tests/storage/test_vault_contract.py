"""What the vault port promises, held by both engines."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from scim.provisioning.ports import Unavailable, Vault
from scim.storage.key_vault import KeyVault
from scim.storage.local_vault import LocalVault
from tests.storage.loopback_vault import LoopbackVault

EXPIRY = datetime(2031, 5, 17, 8, 30, 15, tzinfo=UTC)
TAGS = {"kind": "token", "directory": "hr"}


@pytest.fixture(params=["local", "key vault"])
async def vault(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Vault]:
    """Give each engine in turn, empty."""
    if request.param == "local":
        local = LocalVault(tmp_path / "vault.sqlite")
        yield local
        await local.close()
        return
    async with LoopbackVault() as loopback:
        remote = KeyVault(
            loopback.url,
            loopback.credential,
            verify_challenge_resource=False,
            connection_verify=str(loopback.certificate),
        )
        yield remote
        await remote.close()


async def names(vault: Vault) -> set[str]:
    """List the names."""
    return {each.name async for each in vault.list()}


async def test_a_secret_comes_back_as_it_was_put(vault: Vault) -> None:
    """The value, the expiry, the tags and `enabled` survive the vault."""
    await vault.put("token-1", 'dïgest "1"', expires_at=EXPIRY, tags=TAGS)
    found = await vault.get("token-1")
    assert found
    assert found.value == 'dïgest "1"'
    assert found.properties.name == "token-1"
    assert found.properties.enabled
    assert found.properties.expires_at == EXPIRY
    assert found.properties.tags == TAGS


async def test_an_expiry_is_an_instant_in_whole_seconds(vault: Vault) -> None:
    """Another time zone is the same instant, and what is below a second is cut off."""
    there = timezone(timedelta(hours=-7))
    moment = EXPIRY.astimezone(there) + timedelta(microseconds=999_999)
    await vault.put("token-1", "digest", expires_at=moment, tags={})
    found = await vault.get("token-1")
    assert found
    assert found.properties.expires_at == EXPIRY
    assert found.properties.expires_at.utcoffset() == timedelta(0)


async def test_a_secret_needs_neither_expiry_nor_tags(vault: Vault) -> None:
    """Without an expiry there is None, without tags an empty mapping."""
    await vault.put("token-1", "digest", expires_at=None, tags={})
    found = await vault.get("token-1")
    assert found
    assert found.properties.expires_at is None
    assert found.properties.tags == {}


async def test_an_expired_secret_is_still_returned(vault: Vault) -> None:
    """The vault does not judge an expiry: whoever asks compares it."""
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    await vault.put("token-1", "digest", expires_at=long_ago, tags={})
    found = await vault.get("token-1")
    assert found
    assert found.properties.expires_at == long_ago


async def test_a_missing_secret_is_none(vault: Vault) -> None:
    """Nothing is found under a name that was never put."""
    assert await vault.get("token-1") is None
    assert await vault.update("token-1", enabled=False) is False
    assert await vault.delete("token-1") is False


async def test_the_latest_version_is_the_current_one(vault: Vault) -> None:
    """A second put replaces value, expiry and tags as a whole."""
    await vault.put("token-1", "old", expires_at=EXPIRY, tags=TAGS)
    await vault.put("token-1", "new", expires_at=None, tags={"kind": "key"})
    found = await vault.get("token-1")
    assert found
    assert found.value == "new"
    assert found.properties.expires_at is None
    assert found.properties.tags == {"kind": "key"}
    assert [each.name async for each in vault.list()] == ["token-1"]


async def test_a_disabled_secret_is_none_until_it_is_enabled(vault: Vault) -> None:
    """Disabling hides the secret from get, not from list; enabling brings all of it back."""
    await vault.put("token-1", "digest", expires_at=EXPIRY, tags=TAGS)
    assert await vault.update("token-1", enabled=False)
    assert await vault.get("token-1") is None
    assert [each.enabled async for each in vault.list()] == [False]
    assert await vault.update("token-1", enabled=True)
    found = await vault.get("token-1")
    assert found
    assert (found.value, found.properties.expires_at) == ("digest", EXPIRY)


async def test_put_enables_a_disabled_secret(vault: Vault) -> None:
    """A new version is enabled whatever the version before was."""
    await vault.put("token-1", "old", expires_at=None, tags={})
    await vault.update("token-1", enabled=False)
    await vault.put("token-1", "new", expires_at=None, tags={})
    found = await vault.get("token-1")
    assert found
    assert found.value == "new"


@pytest.mark.parametrize("enabled", [True, False])
async def test_update_leaves_what_it_is_not_told(vault: Vault, *, enabled: bool) -> None:
    """A new expiry changes neither `enabled`, nor the tags, nor the value."""
    await vault.put("token-1", "digest", expires_at=EXPIRY, tags=TAGS)
    await vault.update("token-1", enabled=enabled)
    assert await vault.update("token-1", expires_at=EXPIRY + timedelta(days=1))
    [listed] = [each async for each in vault.list()]
    assert listed.enabled is enabled
    assert listed.tags == TAGS
    await vault.update("token-1", enabled=True)
    found = await vault.get("token-1")
    assert found
    assert found.value == "digest"
    assert found.properties.expires_at == EXPIRY + timedelta(days=1)


async def test_a_deleted_secret_is_gone(vault: Vault) -> None:
    """After delete the secret is in no answer, and a second delete finds none."""
    await vault.put("token-1", "digest", expires_at=None, tags={})
    await vault.put("token-2", "digest", expires_at=None, tags={})
    assert await vault.delete("token-1")
    assert await vault.get("token-1") is None
    assert await vault.update("token-1", enabled=True) is False
    assert await vault.delete("token-1") is False
    assert await names(vault) == {"token-2"}


async def test_a_deleted_name_can_be_put_again(vault: Vault) -> None:
    """The new secret has nothing of the deleted one."""
    await vault.put("token-1", "old", expires_at=EXPIRY, tags=TAGS)
    await vault.delete("token-1")
    await vault.put("token-1", "new", expires_at=None, tags={})
    found = await vault.get("token-1")
    assert found
    assert found.value == "new"
    assert found.properties.expires_at is None
    assert found.properties.tags == {}


async def test_list_tells_all_but_the_values(vault: Vault) -> None:
    """Every secret is listed once with its properties; the list has no end in a full page."""
    for number in range(3):
        await vault.put(f"token-{number}", f"digest-{number}", expires_at=EXPIRY, tags=TAGS)
    listed = sorted([each async for each in vault.list()], key=lambda each: each.name)
    assert [each.name for each in listed] == ["token-0", "token-1", "token-2"]
    assert all(
        (each.enabled, each.expires_at, each.tags) == (True, EXPIRY, TAGS) for each in listed
    )
    assert "digest" not in repr(listed)


async def test_an_empty_vault_lists_nothing(vault: Vault) -> None:
    """Listing an empty vault ends at once."""
    assert await names(vault) == set()


async def test_a_malformed_name_is_an_error(vault: Vault) -> None:
    """A name outside the vault's alphabet is ValueError, not "no such secret"."""
    with pytest.raises(ValueError, match=r"name|BadParameter"):
        await vault.get("token_1")
    with pytest.raises(ValueError, match=r"name|BadParameter"):
        await vault.put("token_1", "digest", expires_at=None, tags={})


async def test_a_value_is_in_no_representation(vault: Vault) -> None:
    """Neither the vault nor what it returns shows a value when printed."""
    await vault.put("token-1", "digest-of-a-token", expires_at=None, tags={})
    assert "digest-of-a-token" not in f"{vault!r} {await vault.get('token-1')!r}"


async def test_the_local_file_is_for_its_owner_only(tmp_path: Path) -> None:
    """The file has mode 0600, also when it was there with another."""
    path = tmp_path / "vault.sqlite"
    path.touch(mode=0o644)
    path.chmod(0o644)
    local = LocalVault(path)
    await local.put("token-1", "digest", expires_at=None, tags={})
    await local.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_the_local_file_outlives_the_process(tmp_path: Path) -> None:
    """What one vault has put, another finds in the same file."""
    first, second = LocalVault(tmp_path / "vault"), LocalVault(tmp_path / "vault")
    await first.put("token-1", "digest", expires_at=EXPIRY, tags=TAGS)
    await first.close()
    found = await second.get("token-1")
    await second.close()
    assert found
    assert found.value == "digest"


async def test_the_local_vault_may_be_made_in_another_thread(tmp_path: Path) -> None:
    """The thread that builds the app need not be the one of its event loop."""
    local = await asyncio.to_thread(LocalVault, tmp_path / "vault")
    await local.put("token-1", "digest", expires_at=None, tags={})
    assert await names(local) == {"token-1"}
    await local.close()


async def test_a_broken_local_file_is_unavailable(tmp_path: Path) -> None:
    """A local file that cannot be used is Unavailable, as with any vault."""
    path = tmp_path / "vault"
    path.write_bytes(b"not a database " * 100)
    with pytest.raises(Unavailable, match="local vault"):
        LocalVault(path)


async def test_the_local_vault_refuses_names_that_differ_in_case_only(tmp_path: Path) -> None:
    """Key Vault ignores case, so no upper case may work on a laptop."""
    local = LocalVault(tmp_path / "vault")
    with pytest.raises(ValueError, match="'Token-1'"):
        await local.put("Token-1", "digest", expires_at=None, tags={})
    await local.close()
