"""What was kept for its time goes; statistics stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.ports import Delete, Unavailable
from scim.provisioning.upkeep.checker import check
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Directory, Endpoint, running
from tests.faults.engine import Fault, Faulty, Shared


async def keys(directory: Directory, *prefixes: str) -> list[str]:
    """Return all keys of the directory that begin so."""
    storage, partition = directory.endpoint.services.storage, rows.partition(directory.id)
    found = [
        row.key
        for each in prefixes
        for row in (await storage.scan(partition, each, each + rows.END)).rows
    ]
    return sorted(found)


async def checked(directory: Directory) -> list[Any]:
    """Return what the checker finds."""
    services = directory.endpoint.services
    return [*await check(services.storage, rows.partition(directory.id), services.now())]


async def live(directory: Directory) -> tuple[str, str]:
    """Make two users and a group, rename and delete one, and fail twice."""
    kim = (await directory.create_user(userName="kim@example.com"))["id"]
    lee = (await directory.create_user(userName="lee@example.com"))["id"]
    await directory.create_group("Tunnels", [kim, lee])
    name = {"op": "replace", "path": "userName", "value": "holm@example.com"}
    await directory.patch(kim, name)
    await directory.send("POST", "/Users", {"userName": "lee@example.com"})
    await directory.patch(kim, {"op": "replace", "path": "active", "value": "perhaps"})
    await directory.send("DELETE", f"/Users/{kim}")
    return kim, lee


async def later(endpoint: Endpoint, **span: float) -> None:
    """Let time pass, and the timer come by."""
    endpoint.clock.forward(**span)
    await endpoint.services.upkeep.run()


async def test_old_entries_and_events_go(directory: Directory) -> None:
    """After 180 days with all rows that lead to them; not earlier, and nothing else."""
    endpoint = directory.endpoint
    kim, lee = await live(directory)
    other = (await directory.create_group("Other"))["id"]
    await directory.send("DELETE", f"/Groups/{other}")
    await later(endpoint, days=100)
    await directory.patch(lee, {"op": "replace", "path": "title", "value": "Engineer"})
    await directory.send("POST", "/Users", {"userName": "lee@example.com"})
    before = await keys(directory, "l_", "i_", "v_", "b_", "h_")
    await later(endpoint, days=79)
    assert await keys(directory, "l_", "i_", "v_", "b_", "h_") == before
    history = await totals.history(
        endpoint.services.storage, rows.partition(directory.id), endpoint.clock.moment.date()
    )
    await later(endpoint, days=2)
    assert len(await keys(directory, "l_")) == 2
    assert {key.split("_")[1] for key in await keys(directory, "i_")} >= {lee}
    assert not [
        key for key in await keys(directory, "i_", "v_", "b_", "h_") if kim in key or other in key
    ]
    # The event that came again is as young as its last call.
    assert len(await keys(directory, "v_")) == len(await keys(directory, "b_")) == 1
    # Who is there is still found by name.
    assert [key for key in await keys(directory, "h_") if lee in key]
    assert await checked(directory) == []
    after = await totals.history(
        endpoint.services.storage, rows.partition(directory.id), endpoint.clock.moment.date()
    )
    assert after.totals == history.totals
    await later(endpoint, days=100)
    assert await keys(directory, "l_", "i_", "v_", "b_") == []
    assert after.totals["User.create"] == 2


async def test_the_time_is_a_setting(tmp_path: Path) -> None:
    """With another number of days it is another time; many entries go in one run."""
    async with running(tmp_path, LOG_RETENTION_DAYS="10") as endpoint:
        directory = await endpoint.directory("demo")
        for _ in range(70):
            await directory.create_user()
        await later(endpoint, days=9)
        assert len(await keys(directory, "l_")) == 70
        await later(endpoint, days=1, minutes=1)
        assert await keys(directory, "l_", "i_") == []
        assert await checked(directory) == []


async def test_what_is_not_folded_stays(directory: Directory) -> None:
    """An entry that no total counts yet is needed, however old it is."""
    endpoint = directory.endpoint
    await directory.create_user()
    retention = endpoint.services.retention
    endpoint.clock.forward(days=200)
    await retention.run(endpoint.clock.moment.replace(year=2030))
    assert len(await keys(directory, "l_")) == 1
    endpoint.clock.forward(hours=2)
    await totals.fold(endpoint.services.storage, rows.partition(directory.id), endpoint.clock())
    await retention.run(endpoint.clock.moment.replace(year=2030))
    assert await keys(directory, "l_") == []


async def test_a_run_that_is_cut_off_is_finished(tmp_path: Path) -> None:
    """By the next one; what yet another one has removed meanwhile is passed over."""
    faulty = Faulty(SqliteStorage(":memory:"))
    async with running(tmp_path, faulty) as endpoint:
        directory = await endpoint.directory("demo")
        for _ in range(60):
            await directory.create_user()
        await later(endpoint, minutes=5)
        endpoint.clock.forward(days=181)
        until = endpoint.clock.moment.replace(year=2030)
        # The directories, the totals, a page of the log, a commit, and another one.
        faulty.calls, faulty.fault, faulty.at = 0, Fault.REFUSED, 5
        with pytest.raises(Unavailable):
            await endpoint.services.retention.run(until)
        assert 0 < len(await keys(directory, "l_")) < 60
        gone = (await keys(directory, "i_"))[0]
        await faulty.inner.commit(rows.partition(directory.id), [Delete(gone, None)])
        await endpoint.services.retention.run(until)
        assert await keys(directory, "l_", "i_") == []


async def test_an_event_that_comes_again_meanwhile_stays(tmp_path: Path) -> None:
    """Whichever call of the removal it comes before: the event is there, and found by its time."""
    at, met = 1, True
    while met:
        inner = SqliteStorage(":memory:")
        faulty = Faulty(inner)
        async with running(tmp_path, faulty) as late, running(tmp_path, Shared(inner)) as other:
            directory = await late.directory("demo")
            await directory.send("POST", "/Users", {"userName": ""})
            await later(late, minutes=5)
            late.clock.forward(days=181)
            other.clock.moment = late.clock.moment
            elsewhere = Directory(other, directory.id, directory.token)

            async def meanwhile(_: Fault, elsewhere: Directory = elsewhere) -> None:
                await elsewhere.send("POST", "/Users", {"userName": ""})

            faulty.calls, faulty.at, faulty.happened = 0, at, False
            faulty.fault, faulty.meanwhile = Fault.OVERTAKEN, meanwhile
            await late.services.retention.run(late.clock.moment.replace(year=2030))
            met, faulty.fault = faulty.happened, None
            assert len(await keys(directory, "v_", "b_")) == (2 if met else 0), at
            assert await checked(directory) == [], at
        at += 1
    assert at > 6, "the directories, the totals, the log, the places, the event, its removal"
