"""The life of a connection, from its first day to its second life, a year and more in one test."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.scans import scan_rows
from tests.endpoint import Directory, Endpoint
from tests.web.wavering_vault import WaveringVault

NOBODY = "filter=userName%20eq%20%22nobody%22"  # what Entra's connection test asks


class Admin:
    """Whoever has the function key."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def does(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        """Send a call to the management API and return the body of its answer."""
        answer = await self._endpoint.manage(method, f"/directories{path}", body)
        assert answer.status == status, answer.raw
        return answer.json


async def connected(endpoint: Endpoint, directory: str, token: str) -> int:
    """Return the status of Entra's connection test."""
    idp = Directory(endpoint, directory, token)
    return (await idp.send("GET", "/Users", query=NOBODY)).status


async def test_a_connection_from_creation_to_recreation(installation: Endpoint) -> None:
    """Create, connect, rotate with both tokens live, lapse, revoke, delete, restore, recreate."""
    endpoint, clock = installation, installation.clock
    admin = Admin(endpoint)

    async def works(*tokens: str) -> list[bool]:
        answers = [await connected(endpoint, entra["id"], token) for token in tokens]
        assert set(answers) <= {200, 401}
        return [answer == 200 for answer in answers]

    entra = await admin.does("POST", "", {"name": "Entra"}, 201)
    first = entra["token"]["value"]
    assert await works(first) == [True]
    kim = await Directory(endpoint, entra["id"], first).create_user()

    # A year is nearly over: a new token, and two weeks to change over.
    clock.forward(days=340)
    await endpoint.services.upkeep.run()
    tokens = f"/{entra['id']}/tokens"
    assert (await admin.does("GET", tokens))["items"][0]["state"] == "expiring"
    until = clock.moment + timedelta(days=14)
    old = entra["token"]["id"]
    rotated = await admin.does(
        "POST", f"{tokens}/{old}/rotate", {"oldExpiresAt": until.isoformat()}, 201
    )
    second = rotated["value"]
    assert await works(first, second) == [True, True]
    clock.forward(days=13)
    assert await works(first, second) == [True, True]
    clock.moment = until
    assert await works(first, second) == [False, True]

    await admin.does("DELETE", f"{tokens}/{rotated['id']}")
    clock.forward(seconds=60)
    assert await works(second) == [False]
    third = (await admin.does("POST", tokens, {"description": "third"}, 201))["value"]
    assert await works(first, second, third) == [False, False, True]

    await admin.does("DELETE", f"/{entra['id']}", {"access": "keep"})
    assert await works(third) == [False]
    await admin.does("POST", f"/{entra['id']}/restore")
    clock.forward(seconds=60)
    assert await works(first, second, third) == [False, False, False]
    fourth = (await admin.does("POST", tokens, {"description": "fourth"}, 201))["value"]
    assert (await Directory(endpoint, entra["id"], fourth).get(kim["id"]))["id"] == kim["id"]

    await admin.does("DELETE", f"/{entra['id']}")
    again = await admin.does("POST", "", {"name": "Entra"}, 201)
    idp = Directory(endpoint, again["id"], again["token"]["value"])
    assert (await idp.send("GET", "/Users")).json["totalResults"] == 0
    await admin.does("POST", f"/{entra['id']}/restore", status=409)

    clock.forward(days=30)
    await endpoint.services.upkeep.run()
    await admin.does("GET", f"/{entra['id']}", status=404)
    partition = scan_rows(endpoint.services.storage, rows.partition(entra["id"]), "", rows.END)
    assert [row async for row in partition] == []
    assert await connected(endpoint, again["id"], again["token"]["value"]) == 200
    secrets = [each.tags["directory"] async for each in endpoint.services.vault.list()]
    assert secrets == [again["id"]]


@pytest.mark.parametrize(
    ("minutes", "asked"),
    [(0, 1), (60, 59)],
    ids=["in a burst", "over an hour"],
)
async def test_what_a_thousand_calls_ask_of_vault_and_storage(
    directory: Directory, minutes: int, asked: int
) -> None:
    """Each reads what it is for; beside that vault and directory are asked once a minute at most.

    Uses of the token add a commit in five minutes.
    """
    endpoint = directory.endpoint
    vault = WaveringVault(endpoint.services.vault)
    endpoint.services.verifier._vault = vault
    kim = (await directory.create_user())["id"]
    endpoint.clock.forward(seconds=61)
    vault.asked.clear()
    endpoint.storage.calls.clear()
    for number in range(1000):
        assert (await directory.send("GET", f"/Users/{kim}")).status == 200
        endpoint.clock.forward(seconds=minutes * 60 / 1000)
        if number % 10 == 9:
            await endpoint.services.usage.write()
    assert vault.asked == {"get": asked}
    assert endpoint.storage.calls["scan"] == 1000  # the user
    assert endpoint.storage.calls["get"] == vault.asked["get"]  # the directory
    assert endpoint.storage.calls["commit"] == (1 if not minutes else 12)
