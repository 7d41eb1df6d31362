"""Jobs and checks through the management API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from scim.provisioning import rows
from scim.provisioning.changes.jobs import FAILURES, PATIENCE
from scim.provisioning.ports import Delete, LimitExceeded, Operation, Unavailable
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Clock, Counted, Directory, running


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


class Throttled(Counted):
    """A storage that refuses the commits in which a job goes on, while it is busy."""

    busy = True
    refusal: Exception = Unavailable("busy", retry_after=0)
    clock: Clock | None = None
    seconds = 60.0  # that a refusal takes: longer than a call waits for its job

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """Refuse the batches of a job: those that write users beside the job's row."""
        kinds = {each.key[:2] for each in operations}
        if self.clock and self.busy and {"j_", "u_"} <= kinds:
            self.clock.forward(seconds=self.seconds)
            raise self.refusal
        await super().commit(partition, operations)


@pytest.mark.parametrize("refusal", [Throttled.refusal, LimitExceeded("busy")])
async def test_a_failed_job_goes_on_when_an_admin_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, refusal: Exception
) -> None:
    """It stays failed while the timer runs; tried again, the change is there as a whole."""
    storage = Throttled(SqliteStorage(":memory:"))
    storage.refusal = refusal
    async with running(tmp_path, storage) as endpoint:
        storage.clock = endpoint.clock
        directory = await endpoint.directory("demo")
        ids = [(await directory.create_user())["id"] for _ in range(60)]
        group = (await directory.create_group("Tunnels"))["id"]
        add = {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}
        assert (await directory.patch_group(group, add)).status == 503
        for _ in range(FAILURES + 1):
            await endpoint.services.upkeep.run()
        (job,) = (await endpoint.manage("GET", "/jobs")).json["items"]
        assert (job["state"], job["error"]) == ("failed", "busy")
        assert "event=job_failed" in caplog.text

        storage.busy = False
        await endpoint.services.upkeep.run()
        assert await directory.members(group) == set()
        tried = await endpoint.manage("POST", f"/jobs/{job['id']}/retry")
        assert (tried.status, tried.json["state"], tried.json["failures"]) == (200, "open", 0)
        again = await endpoint.manage("POST", f"/jobs/{job['id']}/retry")
        assert (again.status, again.json["status"]) == (409, 409)
        await endpoint.services.upkeep.run()
        assert await directory.members(group) == set(ids)
        assert (await directory.patch_group(group, add)).status in (200, 204)


async def test_a_call_does_not_wait_for_a_job_that_has_failed(tmp_path: Path) -> None:
    """After the last failure nobody but an admin can help, so the call is answered."""
    storage = Throttled(SqliteStorage(":memory:"))
    storage.seconds = 1.0
    async with running(tmp_path, storage) as endpoint:
        storage.clock = endpoint.clock
        directory = await endpoint.directory("demo")
        ids = [(await directory.create_user())["id"] for _ in range(60)]
        begun = endpoint.clock.moment
        answer = await directory.send("POST", "/Groups", _group(ids))
        assert (answer.status, answer.headers["Retry-After"]) == (503, "30")
        assert endpoint.clock.moment - begun < PATIENCE / 2
        (job,) = (await endpoint.manage("GET", "/jobs")).json["items"]
        assert (job["state"], job["failures"]) == ("failed", FAILURES)


def _group(members: Sequence[str]) -> dict[str, object]:
    return {"displayName": "Tunnels", "members": [{"value": each} for each in members]}


async def test_a_defect_in_one_job_stops_no_other(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The timer tells of it without its text, and does what else is due, here and elsewhere."""
    storage = Throttled(SqliteStorage(":memory:"))
    storage.refusal = ArithmeticError("kim@example.com")
    async with running(tmp_path, storage) as endpoint:
        storage.clock = endpoint.clock
        directory, other = [await endpoint.directory(name) for name in ("demo", "other")]
        ids = [(await directory.create_user())["id"] for _ in range(60)]
        group = (await directory.create_group("Tunnels"))["id"]
        add = {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}
        assert (await directory.patch_group(group, add)).status == 500
        for each in (directory, other):
            await endpoint.manage("POST", f"/directories/{each.id}/check")
        await endpoint.services.upkeep.run()
        found = (await endpoint.manage("GET", "/jobs")).json["items"]
        states = sorted((each["kind"], each["state"]) for each in found)
        assert states == [("check", "done"), ("check", "done"), ("group", "open")]
        assert "event=upkeep_put_off" in caplog.text
        assert "ArithmeticError in Throttled.commit" in caplog.text
        assert "kim@example.com" not in caplog.text


async def test_a_long_job_keeps_nobody_waiting(tmp_path: Path) -> None:
    """While one directory has work for many runs of the timer, each run does all else."""
    storage = Throttled(SqliteStorage(":memory:"))
    async with running(tmp_path, storage) as endpoint:
        storage.clock = endpoint.clock
        directory, *others = [await endpoint.directory(str(number)) for number in range(4)]
        ids = [(await directory.create_user())["id"] for _ in range(400)]
        group = (await directory.create_group("Tunnels"))["id"]
        add = {"op": "add", "path": "members", "value": [{"value": each} for each in ids]}
        assert (await directory.patch_group(group, add)).status == 503
        for each in others:
            await endpoint.manage("POST", f"/directories/{each.id}/check")

        storage.busy = False
        endpoint.clock.step *= 1_800  # every look at the clock takes 1.8 s
        await endpoint.services.upkeep.run()
        jobs = (await endpoint.manage("GET", "/jobs")).json["items"]
        assert {each["kind"] for each in jobs if each["state"] == "open"} <= {"group"}
        sync = (await endpoint.manage("GET", "/rule-sync")).json["directories"]
        assert {each["state"] for each in sync} <= {"running", "closing", "synced"}
        for _ in range(40):
            await endpoint.services.upkeep.run()
        assert await directory.members(group) == set(ids)


async def test_what_does_not_exist_is_told(directory: Directory) -> None:
    """404 for unknown directories, jobs and paths; 405 with Allow for other methods."""
    manage = directory.endpoint.manage
    for method, path, status in (
        ("POST", "/directories/nobody/check", 404),
        ("GET", "/directories/..%2Fx", 404),
        ("GET", "/jobs/nothing", 404),
        ("GET", "/jobs/01a21495-4fc4-76a8-9df8-bcc38afc03fb", 404),
        ("POST", "/jobs/01a21495-4fc4-76a8-9df8-bcc38afc03fb/retry", 404),
        ("GET", f"/directories/{directory.id}/nothing", 404),
        ("DELETE", "/jobs", 405),
    ):
        answer = await manage(method, path)
        assert answer.status == status, path
        assert answer.headers["Content-Type"].startswith("application/problem+json")
        assert answer.json["messageId"] == answer.headers["x-message-id"]
    assert (await manage("DELETE", "/jobs")).headers["Allow"] == "GET"
