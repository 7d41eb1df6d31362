"""Jobs and checks through the management API."""

from __future__ import annotations

from scim.provisioning import rows
from scim.provisioning.ports import Delete
from tests.endpoint import Directory


async def test_a_check_is_a_job_with_a_result(directory: Directory) -> None:
    """202 with the Location of a job; after the timer it is done and names what is wrong."""
    endpoint = directory.endpoint
    await directory.create_user(externalId="kim")
    storage, partition = endpoint.services.storage, rows.partition(directory.id)
    broken = (await storage.scan(partition, "x_", "x_~")).rows[0].key
    await storage.commit(partition, [Delete(broken, None)])

    begun = await endpoint.manage("POST", f"/directories/{directory.id}/check")
    assert (begun.status, begun.json["state"]) == (202, "open")
    path = begun.headers["Location"].partition("/manage/v1")[2]
    await endpoint.services.upkeep.run()
    done = (await endpoint.manage("GET", path)).json
    assert (done["state"], done["problems"]) == ("done", [f"{broken}: is missing"])
    assert [each["id"] for each in (await endpoint.manage("GET", "/jobs")).json["items"]] == [
        begun.json["id"]
    ]
    endpoint.clock.forward(days=2)
    await endpoint.services.upkeep.run()
    assert (await endpoint.manage("GET", path)).status == 404


async def test_what_does_not_exist_is_told(directory: Directory) -> None:
    """404 for unknown directories, jobs and paths; 405 with Allow for other methods."""
    manage = directory.endpoint.manage
    for method, path, status in (
        ("POST", "/directories/nobody/check", 404),
        ("GET", "/directories/..%2Fx", 404),
        ("GET", "/jobs/nothing", 404),
        ("GET", "/jobs/01a21495-4fc4-76a8-9df8-bcc38afc03fb", 404),
        ("GET", f"/directories/{directory.id}/nothing", 404),
        ("DELETE", "/jobs", 405),
    ):
        answer = await manage(method, path)
        assert answer.status == status, path
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json["messageId"] == answer.headers["x-message-id"]
    assert (await manage("DELETE", "/jobs")).headers["Allow"] == "GET"
