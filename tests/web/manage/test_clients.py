"""OAuth clients and their secrets through the management API."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.ports import Delete
from scim.provisioning.tokens.tokens import CLIENT_SECRET
from scim.storage.local_vault import LocalVault
from tests.endpoint import Answer, Directory, running
from tests.web.oauth_client import Client, check_error, granted, scim_status
from tests.web.wavering_vault import WaveringVault


async def manage(directory: Directory, method: str, path: str = "", body: Any = None) -> Answer:
    """Send a call about the clients of a directory."""
    target = f"/directories/{directory.id}/clients{path}"
    return await directory.endpoint.manage(method, target, body)


async def new_client(directory: Directory, **changed: Any) -> Any:
    """Make a client and return it."""
    made = await manage(directory, "POST", body={"description": "Entra", **changed})
    assert made.status == 201, made.raw
    return made.json


async def test_a_client_is_all_that_entra_asks_for(directory: Directory) -> None:
    """201 with client id, secret and the two addresses; with them a token is given."""
    made = await new_client(directory)
    base = "https://scim.example.com"
    assert made["tokenUrl"] == f"{base}/oauth/{directory.id}/token"
    assert made["baseUrl"] == f"{base}/scim/v2/{directory.id}"
    assert made["scope"] == made["secret"]["scope"] == "scim"
    assert [each["id"] for each in made["secrets"]] == [made["secret"]["id"]]
    client = Client(directory, made["id"], made["secret"]["value"])
    assert await scim_status(directory, await client.token()) == 200


async def test_a_value_is_shown_once(directory: Directory) -> None:
    """Neither a client, nor a list, nor a secret read later tells a value, nor does any token."""
    made = await new_client(directory)
    path = f"/{made['id']}/secrets/{made['secret']['id']}"
    shown = [
        await manage(directory, "GET"),
        await manage(directory, "GET", f"/{made['id']}"),
        await manage(directory, "GET", path),
        await directory.endpoint.manage("GET", f"/directories/{directory.id}/tokens"),
    ]
    for answer in shown:
        assert answer.status == 200
        assert made["secret"]["value"].rpartition("_")[2] not in answer.raw.decode()
    assert shown[1].json == {name: each for name, each in made.items() if name != "secret"}
    assert [each["id"] for each in shown[0].json["items"]] == [made["id"]]
    assert made["secret"]["id"] not in shown[3].raw.decode()


async def test_a_repeated_post_makes_one_client(directory: Directory) -> None:
    """With the same Idempotency-Key the first client is answered, without its secret."""
    key = {"Idempotency-Key": "of a script"}
    path, body = f"/directories/{directory.id}/clients", {"description": "Entra"}
    first, second = [await directory.endpoint.manage("POST", path, body, key) for _ in range(2)]
    assert first.json["id"] == second.json["id"]
    assert first.json["secret"]["value"]
    assert second.json["secret"]["value"] is None


async def test_secrets_rotate_without_an_outage(directory: Directory) -> None:
    """A second secret works beside the first; revoking one ends it and leaves the other."""
    made = await new_client(directory)
    added = await manage(directory, "POST", f"/{made['id']}/secrets", {})
    assert added.status == 201
    read = await directory.endpoint.manage(
        "GET", added.headers["Location"].partition("/manage/v1")[2]
    )
    assert read.headers["ETag"] == added.headers["ETag"]
    old = Client(directory, made["id"], made["secret"]["value"])
    new = Client(directory, made["id"], added.json["value"])
    token = await old.token()
    granted(await new.ask())
    revoked = await manage(directory, "DELETE", f"/{made['id']}/secrets/{old.secret_id}")
    assert (revoked.status, revoked.json["state"]) == (200, "revoked")
    directory.endpoint.clock.forward(seconds=60)
    check_error(await old.ask(), 401, "invalid_client")
    assert await scim_status(directory, token) == 401
    granted(await new.ask())


async def test_a_deleted_client_is_gone(directory: Directory) -> None:
    """204, then 404; its secrets are gone from vault and listings, those of others are not."""
    made, other = await new_client(directory), await new_client(directory)
    services = directory.endpoint.services
    read = await manage(directory, "GET", f"/{made['id']}")
    assert [each["id"] for each in read.json["secrets"]] == [made["secret"]["id"]]
    path = f"/directories/{directory.id}/clients/{made['id']}"
    for tag, status in (('"0"', 412), (read.headers["ETag"], 204)):
        deleted = await directory.endpoint.manage("DELETE", path, None, {"If-Match": tag})
        assert deleted.status == status
    for method, path, body in (
        ("DELETE", "", None),
        ("GET", "", None),
        ("POST", "/secrets", {}),
        ("GET", f"/secrets/{made['secret']['id']}", None),
        ("DELETE", f"/secrets/{made['secret']['id']}", None),
    ):
        assert (await manage(directory, method, f"/{made['id']}{path}", body)).status == 404
    assert [each["id"] for each in (await manage(directory, "GET")).json["items"]] == [other["id"]]
    names = [each.name async for each in services.vault.list()]
    assert [name for name in names if name.startswith("client-secret-")] == [
        CLIENT_SECRET.secret_name(other["secret"]["id"])
    ]
    assert [each.token.id for each in await services.tokens.secrets(directory.id)] == [
        other["secret"]["id"]
    ]
    granted(await Client(directory, other["id"], other["secret"]["value"]).ask())


async def test_a_secret_of_a_client_that_is_deleted_meanwhile(tmp_path: Path) -> None:
    """Its maker is told 404, and the secret is worth nothing, whoever was first."""
    vault = WaveringVault(LocalVault(tmp_path / "vault.db"))
    async with running(tmp_path, vault=vault) as endpoint:
        directory = await endpoint.directory("demo")
        made = await new_client(directory)
        vault.asked.clear()
        vault.silent = True
        adding = asyncio.create_task(manage(directory, "POST", f"/{made['id']}/secrets", {}))
        async with asyncio.timeout(5):
            while not vault.asked["put"]:
                await endpoint.send("GET", "/health", None, {})
        row = Delete(rows.client(directory.id, made["id"]), None)
        await endpoint.storage.commit(rows.INSTALLATION, [row])
        vault.silent = False
        assert (await adding).status == 404
        secrets = await endpoint.services.tokens.secrets(directory.id)
        states = {each.token.id: each.token.state for each in secrets}
        del states[made["secret"]["id"]]
        ((late, state),) = states.items()
        assert state == "revoked"
        assert await vault.get(CLIENT_SECRET.secret_name(late)) is None


async def test_deleting_finishes_what_a_kill_has_left(directory: Directory) -> None:
    """A client whose row is gone, but not its secrets, can be deleted once more."""
    made = await new_client(directory)
    row = Delete(rows.client(directory.id, made["id"]), None)
    await directory.endpoint.storage.commit(rows.INSTALLATION, [row])
    assert (await manage(directory, "DELETE", f"/{made['id']}")).status == 204
    check_error(
        await Client(directory, made["id"], made["secret"]["value"]).ask(), 401, "invalid_client"
    )
    assert (await manage(directory, "DELETE", f"/{made['id']}")).status == 404


async def test_a_secret_of_one_client_is_not_reached_by_another(directory: Directory) -> None:
    """404 by way of another client, of the tokens, and of another directory."""
    one, two = await new_client(directory), await new_client(directory)
    secret = one["secret"]["id"]
    other = await directory.endpoint.directory("other")
    assert (await manage(directory, "DELETE", f"/{two['id']}/secrets/{secret}")).status == 404
    assert (await manage(other, "DELETE", f"/{one['id']}/secrets/{secret}")).status == 404
    assert (await manage(other, "DELETE", f"/{one['id']}")).status == 404
    tokens = f"/directories/{directory.id}/tokens/{secret}"
    for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/rotate")):
        assert (await directory.endpoint.manage(method, tokens + path)).status == 404
    granted(await Client(directory, one["id"], one["secret"]["value"]).ask())


async def test_a_secret_lives_a_year_unless_somebody_says_otherwise(directory: Directory) -> None:
    """From one day to 1095; a secret that is about to expire is shown so, and told of."""
    made = await new_client(directory)
    assert made["secret"]["createdAt"][:10] == "2026-11-25"
    assert made["secret"]["expiresAt"][:10] == "2027-11-25"
    longest = await new_client(directory, expiresInDays=1095)
    assert longest["secret"]["expiresAt"][:10] == "2029-11-24"
    directory.endpoint.clock.forward(days=340)
    await directory.endpoint.services.upkeep.run()
    shown = (await manage(directory, "GET", f"/{made['id']}")).json
    assert shown["secrets"][0]["state"] == "expiring"
    told = [entry for entry in await directory.log() if entry.actor == "upkeep"]
    assert [entry.target.id for entry in told if entry.target.type == "ClientSecret"] == [
        made["secret"]["id"]
    ]


async def test_a_secret_shows_its_last_use(directory: Directory) -> None:
    """The SCIM calls with its access tokens count, so a forgotten one is found."""
    made = await new_client(directory)
    client = Client(directory, made["id"], made["secret"]["value"])
    assert await scim_status(directory, await client.token()) == 200
    await directory.endpoint.services.usage.write()
    shown = (await manage(directory, "GET", f"/{made['id']}")).json
    assert shown["secrets"][0]["lastUsed"]["time"][:10] == "2026-11-25"


async def test_changes_of_clients_are_in_the_log(directory: Directory) -> None:
    """Each with its target and the management key as actor."""
    made = await new_client(directory)
    await manage(directory, "DELETE", f"/{made['id']}/secrets/{made['secret']['id']}")
    await manage(directory, "DELETE", f"/{made['id']}")
    seen = [(entry.operations[0], entry.target.type) for entry in await directory.log()]
    assert sorted(seen) == [
        ("create", "Client"),
        ("create", "ClientSecret"),
        ("delete", "Client"),
        ("revoke", "ClientSecret"),
    ]


async def test_a_deleted_directory_revokes_the_secrets(directory: Directory) -> None:
    """They stay revoked when it is restored; the client gets a new one then."""
    made = await new_client(directory)
    path = f"/directories/{directory.id}"
    client = Client(directory, made["id"], made["secret"]["value"])
    token = await client.token()
    assert (await directory.endpoint.manage("DELETE", path, {})).status == 200
    check_error(await client.ask(), 401, "invalid_client")
    assert (await manage(directory, "POST", body={"description": "x"})).status == 409
    assert (await directory.endpoint.manage("POST", f"{path}/restore")).status == 200
    directory.endpoint.clock.forward(seconds=60)
    check_error(await client.ask(), 401, "invalid_client")
    assert await scim_status(directory, token) == 401
    added = await manage(directory, "POST", f"/{made['id']}/secrets", {})
    granted(await Client(directory, made["id"], added.json["value"]).ask())


async def test_a_purged_directory_leaves_no_client(directory: Directory) -> None:
    """Neither rows nor secrets are left once its time has come."""
    await new_client(directory)
    await directory.endpoint.manage("DELETE", f"/directories/{directory.id}", {})
    directory.endpoint.clock.forward(days=31)
    services = directory.endpoint.services
    await services.upkeep.run()
    assert not await services.clients.all(directory.id)
    page = await services.storage.scan(rows.INSTALLATION, "k_", "k_~")
    assert not page.rows
    names = [each.name async for each in services.vault.list()]
    assert not [name for name in names if name.startswith("client-secret-")]


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/description"),
        ({"description": ""}, "/description"),
        ({"description": "x" * 201}, "/description"),
        ({"description": "x", "scope": "all"}, "/scope"),
        ({"description": "x", "expiresInDays": 0}, "/expiresInDays"),
        ({"description": "x", "expiresInDays": 1096}, "/expiresInDays"),
        ({"description": "x", "expiresInDays": "365"}, "/expiresInDays"),
        ({"description": "x", "secret": "my own"}, "/secret"),
    ],
)
async def test_a_body_that_does_not_fit(directory: Directory, body: Any, pointer: str) -> None:
    """422 that points at what is wrong, and no client."""
    refused = await manage(directory, "POST", body=body)
    assert (refused.status, refused.json["errors"][0]["pointer"]) == (422, pointer)
    assert (await manage(directory, "GET")).json["items"] == []
