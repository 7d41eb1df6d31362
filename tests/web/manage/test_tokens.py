"""Tokens through the management API: several live at once, one rotated without an outage."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.log.entries import Did
from scim.provisioning.ports import Operation, Unavailable
from scim.provisioning.scans import scan_rows
from scim.provisioning.tokens.tokens import TOKEN
from scim.storage.local_vault import LocalVault
from tests.endpoint import Counted, Directory, Endpoint, running
from tests.web.wavering_vault import WaveringVault


async def post(directory: Directory, suffix: str = "", **body: Any) -> Any:
    """Make a token, or rotate one, and return what is answered."""
    path = f"/directories/{directory.id}/tokens{suffix}"
    answer = await directory.endpoint.manage("POST", path, body)
    assert answer.status == 201, answer.raw
    return answer.json


async def listed(directory: Directory) -> dict[str, Any]:
    """Return the tokens of the directory by their descriptions, the last of each."""
    answer = await directory.endpoint.manage("GET", f"/directories/{directory.id}/tokens")
    return {each["description"]: each for each in answer.json["items"]}


async def status(directory: Directory, token: str, method: str = "GET", **headers: str) -> int:
    """Return the status of a SCIM call with a token."""
    own = Directory(directory.endpoint, directory.id, token)
    body = {"userName": "kim"} if method == "POST" else None
    return (await own.send(method, "/Users", body, headers=headers)).status


async def test_a_token_is_made_with_what_is_asked_for(directory: Directory) -> None:
    """The value is in this answer alone."""
    made = await post(directory, description="reads", scope="scim.read", expiresInDays=90)
    value = made.pop("value")
    assert made == (await listed(directory))["reads"]
    assert (made["scope"], made["state"], made["lastUsed"]) == ("scim.read", "active", None)
    assert made["createdAt"][:10] == "2026-11-25"
    assert made["expiresAt"][:10] == "2027-02-23"
    assert [await status(directory, value, method) for method in ("GET", "POST")] == [200, 403]
    assert await status(directory, directory.token) == 200


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/description"),
        ({"description": ""}, "/description"),
        ({"description": "x", "scope": "admin"}, "/scope"),
        ({"description": "x", "expiresInDays": 1096}, "/expiresInDays"),
        ({"description": "x", "expiresInDays": 0}, "/expiresInDays"),
        ({"description": "x", "expiresInDays": "30"}, "/expiresInDays"),
        ({"description": "x", "value": "rc_1"}, "/value"),
    ],
)
async def test_a_wrong_request_names_the_place(
    directory: Directory, body: Any, pointer: str
) -> None:
    """422, and no token is made."""
    path = f"/directories/{directory.id}/tokens"
    answer = await directory.endpoint.manage("POST", path, body)
    assert (answer.status, [each["pointer"] for each in answer.json["errors"]]) == (422, [pointer])
    assert list(await listed(directory)) == ["of a test"]


async def test_the_longest_life_is_1095_days(directory: Directory) -> None:
    """And without days it is that of the setting, a year."""
    longest = await post(directory, description="x", expiresInDays=1095)
    assert longest["expiresAt"][:10] == "2029-11-24"
    assert (await post(directory, description="y"))["expiresAt"][:10] == "2027-11-25"


async def test_a_revoked_token_is_refused_within_a_minute(directory: Directory) -> None:
    """The others live on; it stays listed, and to revoke it again changes nothing."""
    made = await post(directory, description="x")
    path = f"/directories/{directory.id}/tokens/{made['id']}"
    assert await status(directory, made["value"]) == 200
    revoked = await directory.endpoint.manage("DELETE", path)
    assert (revoked.status, revoked.json["state"]) == (200, "revoked")
    directory.endpoint.clock.forward(seconds=60)
    assert await status(directory, made["value"]) == 401
    assert await status(directory, directory.token) == 200
    assert (await directory.endpoint.manage("DELETE", path)).json == revoked.json
    assert (await listed(directory))["x"] == revoked.json
    assert [each.operations for each in await directory.log()] == [(Did.REVOKE,), (Did.CREATE,)]
    rotated = await directory.endpoint.manage("POST", f"{path}/rotate", {})
    assert rotated.status == 409


async def test_a_token_is_rotated_without_an_outage(directory: Directory) -> None:
    """Both are live until the old one lapses; the new one has its description and scope."""
    clock = directory.endpoint.clock
    old = await post(directory, description="Entra", scope="scim.read")
    lapses = clock.moment + timedelta(days=7)
    new = await post(
        directory, f"/{old['id']}/rotate", expiresInDays=30, oldExpiresAt=lapses.isoformat()
    )
    assert (new["description"], new["scope"]) == ("Entra", "scim.read")
    assert new["expiresAt"][:10] == "2026-12-25"
    path = f"/directories/{directory.id}/tokens/{old['id']}"
    shown = (await directory.endpoint.manage("GET", path)).json
    assert (shown["replacedBy"], shown["state"], shown["stillUsed"]) == (
        new["id"],
        "expiring",
        False,
    )
    for _ in range(2):
        assert await status(directory, old["value"]) == 200
        assert await status(directory, new["value"]) == 200
        clock.forward(days=3, hours=11)
    clock.moment = lapses
    assert await status(directory, old["value"]) == 401
    assert await status(directory, new["value"]) == 200
    assert (await directory.endpoint.manage("GET", path)).json["state"] == "expired"
    assert [each.operations for each in await directory.log()] == [
        (Did.CREATE,),  # the new one, in the same call as
        (Did.ROTATE,),
        (Did.CREATE,),
    ]


async def test_without_a_time_the_old_token_lives_on(directory: Directory) -> None:
    """To its own expiry: nobody is cut off who did not ask for it."""
    old = await post(directory, description="Entra", expiresInDays=100)
    await post(directory, f"/{old['id']}/rotate")
    path = f"/directories/{directory.id}/tokens/{old['id']}"
    assert (await directory.endpoint.manage("GET", path)).json["expiresAt"] == old["expiresAt"]
    directory.endpoint.clock.forward(days=99)
    assert await status(directory, old["value"]) == 200


@pytest.mark.parametrize("moment", ["2026-11-25T11:00:00Z", "2028-01-01T00:00:00Z", "2027-01-01"])
async def test_an_old_token_ends_between_now_and_its_expiry(
    directory: Directory, moment: str
) -> None:
    """Any other time, or one without a zone, is 422, and there is no new token."""
    old = await post(directory, description="Entra")
    path = f"/directories/{directory.id}/tokens/{old['id']}/rotate"
    answer = await directory.endpoint.manage("POST", path, {"oldExpiresAt": moment})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/oldExpiresAt")
    assert len(await listed(directory)) == 2


async def test_states_follow_the_time(directory: Directory) -> None:
    """Expiring from 30 days before the expiry on; expired from the second of it on."""
    clock = directory.endpoint.clock
    made = await post(directory, description="x", expiresInDays=31)
    states = []
    for _ in range(4):
        states.append((await listed(directory))["x"]["state"])
        clock.forward(days=1 if len(states) == 1 else 15)
    assert states == ["active", "expiring", "expiring", "expired"]
    assert await status(directory, made["value"]) == 401


async def test_the_last_use_is_shown(directory: Directory) -> None:
    """When to the minute, from which address as the platform tells, and by which agent."""
    endpoint = directory.endpoint
    assert (await listed(directory))["of a test"]["lastUsed"] is None
    forwarded = {"X-Forwarded-For": "198.51.100.9, 203.0.113.7:50123", "User-Agent": "Entra"}
    endpoint.clock.moment = endpoint.clock.moment.replace(second=42)
    assert await status(directory, directory.token, **forwarded) == 200
    await endpoint.services.upkeep.run()
    assert (await listed(directory))["of a test"]["lastUsed"] == {
        "time": "2026-11-25T12:00:00.000Z",
        "address": "203.0.113.7",
        "userAgent": "Entra",
    }


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("", ""),
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("<script>", ""),
        ("203.0.113.7, junk", ""),
    ],
)
async def test_only_an_address_counts_as_one(directory: Directory, told: str, address: str) -> None:
    """What the client wrote itself, or what is none, is not shown."""
    assert await status(directory, directory.token, **{"X-Forwarded-For": told}) == 200
    await directory.endpoint.services.usage.write()
    used = (await listed(directory))["of a test"]["lastUsed"]
    assert used["address"] == address


async def test_uses_are_written_every_few_minutes(directory: Directory) -> None:
    """A thousand calls in an hour write a dozen rows, and none of the calls waits for one."""
    endpoint = directory.endpoint
    assert await status(directory, directory.token) == 200
    endpoint.storage.calls.clear()
    endpoint.storage.written = 0
    for minute in range(60):
        for _ in range(3):
            assert await status(directory, directory.token) == 200
        assert endpoint.storage.written == (minute + 4) // 5
        await endpoint.services.usage.write()
        endpoint.clock.forward(minutes=1)
    assert endpoint.storage.written == 12


async def test_a_use_is_written_when_storage_answers_again(directory: Directory) -> None:
    """One that could not be written is not forgotten."""
    usage = directory.endpoint.services.usage
    assert await status(directory, directory.token) == 200
    inner = usage._storage
    usage._storage = Refusing(inner)
    await usage.write()
    usage._storage = inner
    await usage.write()
    assert (await listed(directory))["of a test"]["lastUsed"] is not None


class Refusing(Counted):
    """A storage that takes no commit."""

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        raise Unavailable(f"{partition} takes none of {len(operations)}")


async def test_a_rotation_shows_whether_the_old_token_is_in_use(directory: Directory) -> None:
    """True while it was used since then and within a day; before a rotation it is null."""
    endpoint = directory.endpoint
    old = await post(directory, description="Entra")
    path = f"/directories/{directory.id}/tokens/{old['id']}"

    async def still_used() -> Any:
        await endpoint.services.upkeep.run()
        return (await endpoint.manage("GET", path)).json["stillUsed"]

    assert await status(directory, old["value"]) == 200
    assert await still_used() is None
    endpoint.clock.forward(minutes=10)
    await post(directory, f"/{old['id']}/rotate")
    assert await still_used() is False
    endpoint.clock.forward(minutes=10)
    assert await status(directory, old["value"]) == 200
    assert await still_used() is True
    endpoint.clock.forward(days=1)
    assert await still_used() is False


async def test_what_a_kill_leaves_of_a_token_is_cleared(tmp_path: Path) -> None:
    """What nobody was given is in no listing, and gone from vault and rows after a while."""
    vault = WaveringVault(LocalVault(tmp_path / "vault.db"))
    async with running(tmp_path, vault=vault) as endpoint:
        directory = await endpoint.directory("demo")
        vault.down = True
        path = f"/directories/{directory.id}/tokens"
        assert (await endpoint.manage("POST", path, {"description": "x"})).status == 503
        vault.down = False
        assert list(await listed(directory)) == ["of a test"]
        assert await token_rows(endpoint, directory) == 2
        await endpoint.services.upkeep.run()
        assert await token_rows(endpoint, directory) == 2
        endpoint.clock.forward(minutes=10)
        await endpoint.services.upkeep.run()
        assert await token_rows(endpoint, directory) == 1
        assert len([each async for each in vault.list()]) == 1


async def token_rows(endpoint: Endpoint, directory: Directory) -> int:
    """Return how many rows tokens have."""
    first = rows.token(directory.id)
    found = scan_rows(endpoint.services.storage, rows.INSTALLATION, first, first + rows.END)
    return len([row async for row in found])


async def test_what_does_not_exist_is_404(directory: Directory) -> None:
    """Another directory's token too."""
    other = await directory.endpoint.directory("other")
    theirs = TOKEN.id_of(other.token)
    for token in (
        "nothing",
        "0" * 16,
        f"{theirs}",
        "..%2F",
        f"{TOKEN.id_of(directory.token)}_used",
    ):
        path = f"/directories/{directory.id}/tokens/{token}"
        for method in ("GET", "DELETE"):
            assert (await directory.endpoint.manage(method, path)).status == 404, path
