"""Management calls that are cut off, overlap or meet a dependency that is down."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from scim.provisioning import rows
from scim.provisioning.ports import Operation, Unavailable
from scim.provisioning.tokens.tokens import TOKEN
from scim.storage.local_vault import LocalVault
from tests.endpoint import Counted, Directory, Endpoint, running
from tests.web.wavering_vault import WaveringVault


@pytest.fixture
async def vault(tmp_path: Path) -> WaveringVault:
    """Make an empty vault that can be told to waver."""
    return WaveringVault(LocalVault(tmp_path / "vault.db"))


@pytest.fixture
async def endpoint(tmp_path: Path, vault: WaveringVault) -> AsyncIterator[Endpoint]:
    """Run the product on that vault."""
    async with running(tmp_path, vault=vault) as endpoint:
        yield endpoint


@dataclass
class Halting(Counted):
    """A storage that takes `left` more commits and then none, as for a process that is killed."""

    left: int = 0

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        if self.left == 0:
            raise Unavailable(f"{partition} takes none of {len(operations)}")
        self.left -= 1
        await super().commit(partition, operations)


class Yielding(Counted):
    """A storage before whose commits others have their turn."""

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        await asyncio.sleep(0)
        await super().commit(partition, operations)


async def states(directory: Directory) -> list[str]:
    """Return the states of the directory's tokens."""
    path = f"/directories/{directory.id}/tokens"
    return [each["state"] for each in (await directory.endpoint.manage("GET", path)).json["items"]]


async def test_a_deletion_is_finished_when_the_vault_is_back(
    directory: Directory, vault: WaveringVault
) -> None:
    """The call is 503, the connection has ended nevertheless, and upkeep revokes the tokens."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    assert (await directory.send("GET", "/Users")).status == 200
    vault.down = True
    assert (await endpoint.manage("DELETE", path)).status == 503
    assert (await directory.send("GET", "/Users")).status == 401
    assert await states(directory) == ["active"]
    vault.down = False
    await endpoint.services.upkeep.run()
    assert await states(directory) == ["revoked"]
    assert await vault.get(TOKEN.secret_name(TOKEN.id_of(directory.token) or "")) is None


async def test_restoring_revokes_first_what_was_left(
    directory: Directory, vault: WaveringVault
) -> None:
    """No token comes back to life, however early the directory is restored."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    vault.down = True
    assert (await endpoint.manage("DELETE", path)).status == 503
    assert (await endpoint.manage("POST", f"{path}/restore")).status == 503
    vault.down = False
    assert (await endpoint.manage("POST", f"{path}/restore")).status == 200
    assert await states(directory) == ["revoked"]


async def test_a_token_that_the_vault_did_not_revoke_is_not_listed_as_revoked(
    directory: Directory, vault: WaveringVault
) -> None:
    """503, and the listing tells the truth; the repeated call does it."""
    path = f"/directories/{directory.id}/tokens/{TOKEN.id_of(directory.token)}"
    vault.down = True
    assert (await directory.endpoint.manage("DELETE", path)).status == 503
    assert await states(directory) == ["active"]
    vault.down = False
    assert (await directory.endpoint.manage("DELETE", path)).status == 200


@pytest.mark.parametrize("commits", [1, 2])
async def test_an_entry_of_the_log_outlives_a_kill(directory: Directory, commits: int) -> None:
    """It was stored with the change, and upkeep brings it into the log, once."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    storage = endpoint.storage.inner
    endpoint.storage.inner = Halting(storage, left=commits)
    answer = await endpoint.manage("PATCH", path, {"name": "Okta"})
    assert (answer.status, answer.json["name"]) == (200, "Okta")
    endpoint.storage.inner = storage
    for _ in range(2):
        await endpoint.services.upkeep.run()
    assert [each.message_id for each in await directory.log()] == [answer.headers["x-message-id"]]
    outbox = rows.outbox(directory.id)
    page = await storage.scan(rows.INSTALLATION, outbox, outbox + rows.END)
    assert not page.rows


@pytest.mark.parametrize("commits", range(7))
async def test_a_creation_that_is_cut_off_leaves_nothing_half(
    endpoint: Endpoint, commits: int
) -> None:
    """Repeated with its key it makes the directory, or 409 names the one that was made."""
    storage = endpoint.storage.inner
    endpoint.storage.inner = Halting(storage, left=commits)
    key = {"Idempotency-Key": "k"}
    first = await endpoint.manage("POST", "/directories", {"name": "Okta"}, key)
    assert first.status == (503 if commits < 6 else 201)
    endpoint.storage.inner = storage
    endpoint.clock.forward(minutes=6)
    again = await endpoint.manage("POST", "/directories", {"name": "Okta"}, key)
    assert again.status in (201, 409)
    for item in (await endpoint.manage("GET", "/directories")).json["items"]:
        path = f"/directories/{item['id']}/tokens"
        made = await endpoint.manage("POST", path, {"description": "x"})
        idp = Directory(endpoint, item["id"], made.json["value"])
        assert (await idp.send("GET", "/Users")).status == 200


async def test_a_name_is_given_once(endpoint: Endpoint) -> None:
    """Of ten that want it at once one gets it; the others are told who."""
    sent = [endpoint.manage("POST", "/directories", {"name": "Okta"}) for _ in range(10)]
    answers = await asyncio.gather(*sent)
    assert sorted(each.status for each in answers) == [201] + [409] * 9
    (made,) = [each.json["id"] for each in answers if each.status == 201]
    assert all(made in each.json["detail"] for each in answers if each.status == 409)


async def test_changes_at_once_are_all_made(directory: Directory) -> None:
    """Each of them changes what it names, on what the others left, and each is in the log."""
    path = f"/directories/{directory.id}"
    fields = ["strict", "createUsers", "deleteUsers", "updateGroups", "deleteGroups"]
    sent = [directory.endpoint.manage("PATCH", path, {"policy": {each: False}}) for each in fields]
    assert {each.status for each in await asyncio.gather(*sent)} == {200}
    policy = (await directory.endpoint.manage("GET", path)).json["policy"]
    assert policy == dict.fromkeys(fields, False)
    assert len(await directory.log()) == len(fields)


async def test_overlapping_runs_purge_without_harm(directory: Directory) -> None:
    """All is gone afterwards, and neither run fails."""
    endpoint = directory.endpoint
    for _ in range(30):
        await directory.create_user()
    await endpoint.manage("DELETE", f"/directories/{directory.id}")
    endpoint.clock.forward(days=30)
    assert len(await endpoint.services.directories.purging()) == 1  # a run has begun
    endpoint.storage.inner = Yielding(endpoint.storage.inner)
    await asyncio.gather(*(endpoint.services.upkeep.run() for _ in range(3)))
    page = await endpoint.services.storage.scan(rows.partition(directory.id), "", rows.END)
    assert not page.rows
    assert await endpoint.services.directories.purging() == []


async def test_a_purge_that_is_cut_off_goes_on(directory: Directory) -> None:
    """The directory is gone for everybody from its beginning on, and empty at last."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    for _ in range(60):
        await directory.create_user()
    await endpoint.manage("DELETE", path)
    endpoint.clock.forward(days=30)
    storage = endpoint.storage.inner
    endpoint.storage.inner = Halting(storage, left=5)
    await endpoint.services.upkeep.run()
    endpoint.storage.inner = storage
    assert (await endpoint.manage("GET", path)).status == 404
    assert (await endpoint.manage("POST", f"{path}/restore")).status == 404
    assert (await storage.scan(rows.partition(directory.id), "", rows.END)).rows
    await endpoint.services.upkeep.run()
    assert not (await storage.scan(rows.partition(directory.id), "", rows.END)).rows
