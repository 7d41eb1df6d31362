"""No change without its entry in the log, and no entry without its change, whatever fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from scim.storage.sqlite import SqliteStorage
from tests.endpoint import running
from tests.faults.engine import Fault, Faulty
from tests.faults.test_every_call import ACTS, Act, copied, problems, set_up, shape

FAULTS = (Fault.DIES_BEFORE, Fault.DIES_AFTER, Fault.REFUSED, Fault.UNANSWERED, Fault.LATE)


@pytest.mark.parametrize("act", ACTS, ids=[act.name for act in ACTS])
@pytest.mark.usefixtures("small_commits")
async def test_log_and_change_go_together(tmp_path: Path, act: Act) -> None:
    """Each storage call of each operation fails in each way: an entry tells of a change alone.

    And of each once. What is refused or fails is kept as such, if the store takes it.
    """
    storage = SqliteStorage(":memory:")
    async with running(tmp_path, storage) as endpoint:
        stage = await set_up(endpoint, large=act.large)
        before = shape(await act.seen(stage))
        known = {each.message_id for each in await stage.directory.log()}
        moment = endpoint.clock.moment
        for fault in FAULTS:
            at, met = 1, True
            while met:
                inner = await copied(storage, stage.directory.id)
                faulty = Faulty(inner, None, at)
                async with running(tmp_path, faulty) as broken:
                    broken.clock.moment = moment
                    moved = replace(stage, directory=replace(stage.directory, endpoint=broken))
                    await moved.directory.send("GET", "/Users", query="count=0")
                    faulty.calls, faulty.fault = 0, fault
                    answer = await act.do(moved)
                    met, faulty.fault = faulty.happened, None
                    await faulty.land()
                async with running(tmp_path, inner) as whole:
                    whole.clock.moment = moment + timedelta(minutes=3)
                    moved = replace(stage, directory=replace(stage.directory, endpoint=whole))
                    await whole.services.upkeep.run()
                    changed = shape(await act.seen(moved)) != before
                    new = [e for e in await moved.directory.log() if e.message_id not in known]
                    told = [each for each in new if not each.part]
                    assert len(told) == changed, (fault, at)
                    assert {each.message_id for each in new} == {e.message_id for e in told}
                    for entry in await moved.directory.failures():
                        assert entry.status == answer.status, (fault, at)
                    assert await problems(moved) == [], (fault, at)
                at += 1
            assert at > 2, "the fault met the act at least once"
