"""Two versions on one store: what the newer one wrote is not read wrongly by the older one."""

from __future__ import annotations

from pathlib import Path

from scim.provisioning import rows
from scim.provisioning.ports import Replace
from tests.endpoint import patch_message, running


async def test_a_row_of_a_newer_format_is_left_alone(tmp_path: Path) -> None:
    """Reading and changing such a user answer 503 with Retry-After, and the row stays as it was."""
    async with running(tmp_path) as endpoint:
        directory = await endpoint.directory("acme")
        user = (await directory.send("POST", "/Users", {"userName": "kim@example.com"})).json
        storage, partition = endpoint.services.storage, rows.partition(directory.id)
        row = await storage.get(partition, rows.user(user["id"]))
        assert row is not None
        newer = {**row.values, "f": rows.FORMAT + 1}
        await storage.commit(partition, [Replace(row.key, newer, row.etag)])
        change = patch_message([{"op": "replace", "path": "active", "value": False}])
        for method, body in (("GET", None), ("PATCH", change), ("DELETE", None)):
            answer = await directory.send(method, f"/Users/{user['id']}", body)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "60")
        after = await storage.get(partition, row.key)
        assert after is not None
        assert after.values == newer
