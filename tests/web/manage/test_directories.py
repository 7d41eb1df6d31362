"""Directories: changed, paused, deleted, restored and purged."""

from __future__ import annotations

from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.log.entries import Did
from scim.provisioning.scans import scan_rows
from tests.endpoint import Directory, Endpoint


async def status(directory: Directory) -> int:
    """Return the status of a SCIM call with the directory's token."""
    return (await directory.send("GET", "/Users")).status


async def all_rows(endpoint: Endpoint, directory: str) -> list[str]:
    """Return the keys of all rows that belong to a directory."""
    storage = endpoint.services.storage
    own = scan_rows(storage, rows.partition(directory), "", rows.END)
    shared = scan_rows(storage, rows.INSTALLATION, "", rows.END)
    return [row.key async for row in own] + [
        row.key async for row in shared if directory in row.key
    ]


async def test_a_merge_patch_changes_what_it_names(directory: Directory) -> None:
    """Null takes a policy back to the installation's; everything else stays."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}"
    merge = {"Content-Type": "application/merge-patch+json"}
    body = {"policy": {"strict": True, "deleteUsers": False}}
    assert (await manage("PATCH", path, body, merge)).status == 200
    changed = await manage("PATCH", path, {"name": " Okta ", "policy": {"strict": None}}, merge)
    assert (changed.json["name"], changed.json["policy"]) == ("Okta", {"deleteUsers": False})
    assert changed.json == (await manage("GET", path)).json
    assert (await manage("GET", "/directories?name=OKTA")).json["items"] == [changed.json]
    assert (await manage("GET", "/directories?name=demo")).json["items"] == []


@pytest.mark.parametrize("body", [{"state": "deleted"}, {"id": "x"}, {"name": None}, {"name": " "}])
async def test_a_patch_changes_nothing_else(directory: Directory, body: Any) -> None:
    """422: a directory is not deleted by its state, and its id stays."""
    path = f"/directories/{directory.id}"
    assert (await directory.endpoint.manage("PATCH", path, body)).status == 422
    assert await status(directory) == 200


async def test_names_are_unique(endpoint: Endpoint) -> None:
    """In any case; 409 names the directory that has it, for a new one and for a change."""
    one, two = await endpoint.directory("one"), await endpoint.directory("two")
    made = await endpoint.manage("POST", "/directories", {"name": "ONE"})
    renamed = await endpoint.manage("PATCH", f"/directories/{two.id}", {"name": "One"})
    for answer in (made, renamed):
        assert answer.status == 409
        assert one.id in answer.json["detail"]
    respelt = await endpoint.manage("PATCH", f"/directories/{one.id}", {"name": "ONE"})
    assert (respelt.status, respelt.json["name"]) == (200, "ONE")


async def test_a_paused_directory_answers_503(directory: Directory) -> None:
    """With Retry-After, for any SCIM call with a valid token; 401 without one; then it goes on."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}"
    assert (await manage("PATCH", path, {"state": "paused"})).json["state"] == "paused"
    for method, resource in (("GET", "/Users"), ("POST", "/Users"), ("GET", "/Schemas")):
        answer = await directory.send(method, resource, {} if method == "POST" else None)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "300")
    wrong = Directory(directory.endpoint, directory.id, directory.token + "x")
    assert await status(wrong) == 401
    await manage("PATCH", path, {"state": "active"})
    assert await status(directory) == 200


async def test_deleting_ends_the_connection_at_once(directory: Directory) -> None:
    """SCIM calls are 401, the tokens revoked; the directory is listed only where asked for."""
    endpoint = directory.endpoint
    await directory.create_user()
    deleted = await endpoint.manage(
        "DELETE", f"/directories/{directory.id}", {"access": "withdraw"}
    )
    assert (deleted.status, deleted.json["state"], deleted.json["access"]) == (
        200,
        "deleted",
        "withdraw",
    )
    assert deleted.json["purgeAt"][:10] == "2026-12-25"
    assert await status(directory) == 401
    tokens = await endpoint.manage("GET", f"/directories/{directory.id}/tokens")
    assert [each["state"] for each in tokens.json["items"]] == ["revoked"]
    assert (await endpoint.manage("GET", "/directories")).json["items"] == []
    listed = await endpoint.manage("GET", "/directories?state=deleted")
    assert listed.json["items"] == [deleted.json]
    assert (await endpoint.manage("GET", "/directories?state=gone")).status == 400


@pytest.mark.parametrize("body", [None, {}])
async def test_access_is_kept_unless_said_otherwise(directory: Directory, body: Any) -> None:
    """Also without a body; a later call may withdraw it, and its time stays."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}"
    kept = await manage("DELETE", path, body)
    assert kept.json["access"] == "keep"
    later = await manage("DELETE", path, {"access": "withdraw"})
    assert later.json == {**kept.json, "access": "withdraw"}
    assert (await manage("DELETE", path, {"access": "some"})).status == 422


async def test_nothing_else_is_done_to_a_deleted_directory(directory: Directory) -> None:
    """Changes and new tokens are 409: it has to be restored first."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}"
    await manage("DELETE", path)
    for method, suffix, body in (
        ("PATCH", "", {"name": "x"}),
        ("POST", "/tokens", {"description": "x"}),
    ):
        assert (await manage(method, path + suffix, body)).status == 409


async def test_a_restored_directory_has_its_users_and_no_token(directory: Directory) -> None:
    """The old tokens stay dead, also in the vault; a new one opens it."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    kim = await directory.create_user()
    assert (await endpoint.manage("POST", f"{path}/restore")).status == 409
    await endpoint.manage("DELETE", path)
    restored = await endpoint.manage("POST", f"{path}/restore")
    assert (restored.status, restored.json["state"], restored.json["purgeAt"]) == (
        200,
        "active",
        None,
    )
    endpoint.clock.forward(minutes=2)
    assert await status(directory) == 401
    made = await endpoint.manage("POST", f"{path}/tokens", {"description": "new"})
    again = Directory(endpoint, directory.id, made.json["value"])
    assert (await again.get(kim["id"]))["id"] == kim["id"]


async def test_a_name_that_was_taken_meanwhile_prevents_restoring(directory: Directory) -> None:
    """409 names the other one, which started empty; that renamed, the old one is back."""
    manage, path = directory.endpoint.manage, f"/directories/{directory.id}"
    await directory.create_user()
    await manage("DELETE", path)
    new = (await manage("POST", "/directories", {"name": "DEMO"})).json
    empty = Directory(directory.endpoint, new["id"], new["token"]["value"])
    assert (await empty.send("GET", "/Users")).json["totalResults"] == 0
    refused = await manage("POST", f"{path}/restore")
    assert refused.status == 409
    assert new["id"] in refused.json["detail"]
    await manage("PATCH", f"/directories/{new['id']}", {"name": "other"})
    assert (await manage("POST", f"{path}/restore")).status == 200


async def test_a_deleted_directory_is_purged_in_time(directory: Directory) -> None:
    """Until the stated time everything is there; then upkeep removes every row and secret."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    members = [(await directory.create_user())["id"] for _ in range(60)]
    await directory.create_group("all", members)
    other = await endpoint.directory("other")
    await other.create_user()
    await endpoint.manage("DELETE", path)
    before = await all_rows(endpoint, directory.id)
    kept = await all_rows(endpoint, other.id)
    assert len(before) > 300
    endpoint.clock.forward(days=29, hours=23)
    await endpoint.services.upkeep.run()
    assert len(await all_rows(endpoint, directory.id)) >= len(before)
    assert (await endpoint.manage("GET", path)).status == 200
    endpoint.clock.forward(hours=1)
    await endpoint.services.upkeep.run()
    assert await all_rows(endpoint, directory.id) == []
    for method in ("GET", "PATCH", "DELETE"):
        assert (await endpoint.manage(method, path, {} if method != "GET" else None)).status == 404
    secrets = [each.tags["directory"] async for each in endpoint.services.vault.list()]
    assert secrets == [other.id]
    assert set(kept) <= set(await all_rows(endpoint, other.id))


async def test_changes_by_admins_are_in_the_log(directory: Directory) -> None:
    """Each is one entry, with what was changed, by whom, and under the message id of the call."""
    endpoint, path = directory.endpoint, f"/directories/{directory.id}"
    agent = {"User-Agent": "portal"}
    answers = [
        await endpoint.manage("PATCH", path, {"name": "Okta", "policy": {"strict": True}}, agent),
        await endpoint.manage("PATCH", path, {"state": "paused"}),
        await endpoint.manage("PATCH", path, {"state": "active"}),
        await endpoint.manage("POST", f"{path}/tokens", {"description": "second"}),
        await endpoint.manage("DELETE", path),
        await endpoint.manage("POST", f"{path}/restore"),
    ]
    await endpoint.manage("PATCH", path, {"name": "Okta"})  # changes nothing
    log = (await directory.log())[::-1]
    assert [each.message_id for each in log] == [each.headers["x-message-id"] for each in answers]
    assert [each.operations for each in log] == [
        (Did.UPDATE,),
        (Did.PAUSE,),
        (Did.RESUME,),
        (Did.CREATE,),
        (Did.DELETE,),
        (Did.RESTORE,),
    ]
    assert {each.actor for each in log} == {"management key"}
    assert log[0].changes == ("name", "policy.strict")
    assert (log[0].target.type, log[0].target.identifier, log[0].user_agent) == (
        "Directory",
        "Okta",
        "portal",
    )
    assert (log[3].target.type, log[3].target.identifier) == ("Token", "second")


async def test_a_new_directory_begins_its_log(endpoint: Endpoint) -> None:
    """With itself and its first token; nothing is left on its way."""
    made = (await endpoint.manage("POST", "/directories", {"name": "Okta"})).json
    log = await Directory(endpoint, made["id"], "").log()
    assert {each.target.type for each in log} == {"Directory", "Token"}
    outbox = rows.outbox(made["id"])
    page = await endpoint.services.storage.scan(rows.INSTALLATION, outbox, outbox + rows.END)
    assert not page.rows
