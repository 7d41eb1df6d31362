"""The checker finds every kind of damage, and nothing where there is none."""

from __future__ import annotations

import pytest

from scim.provisioning import rows
from scim.provisioning.changes.stored_jobs import Job
from scim.provisioning.ports import Delete, Put
from scim.provisioning.upkeep.checker import check
from tests.endpoint import Directory


async def found(directory: Directory) -> list[str]:
    """Return what the checker says, the ids left out."""
    services = directory.endpoint.services
    problems = await check(services.storage, rows.partition(directory.id), services.now())
    return sorted(f"{each.key[0]}: {each.problem}" for each in problems)


@pytest.fixture
async def filled(directory: Directory) -> Directory:
    """Return a directory with a user in a group, a manager, an e-mail address and an externalId."""
    lee = await directory.create_user(userName="lee@example.com")
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    kim = await directory.create_user(
        userName="kim@example.com",
        externalId="kim",
        emails=[{"value": "kim@example.com"}],
        **{enterprise: {"manager": {"value": lee["id"]}}},
    )
    inner = await directory.create_group("Inner", externalId="inner")
    await directory.create_group("Outer", [kim["id"], inner["id"]])
    return directory


async def test_a_sound_directory_has_no_problems(filled: Directory) -> None:
    """Nothing is found while nothing is wrong, before and after totals are folded."""
    assert await found(filled) == []
    filled.endpoint.clock.forward(minutes=3)
    await filled.endpoint.services.upkeep.run()
    assert await found(filled) == []


@pytest.mark.parametrize("prefix", ["n_", "x_", "e_", "r_", "o_u_", "m_", "d_", "y_", "o_g_"])
async def test_a_missing_row_is_found(filled: Directory, prefix: str) -> None:
    """Every row that follows from a resource is missed when it is gone."""
    storage, partition = filled.endpoint.services.storage, rows.partition(filled.id)
    page = await storage.scan(partition, prefix, prefix + rows.END)
    await storage.commit(partition, [Delete(page.rows[0].key, None)])
    assert f"{prefix[0]}: is missing" in await found(filled)


async def test_an_event_without_its_place_is_found(filled: Directory) -> None:
    """Nobody would find it by time."""
    await filled.send("POST", "/Users", {"userName": ""})
    assert await found(filled) == []
    storage, partition = filled.endpoint.services.storage, rows.partition(filled.id)
    page = await storage.scan(partition, rows.EVENT_PLACES, rows.EVENT_PLACES + rows.END)
    await storage.commit(partition, [Delete(page.rows[0].key, None)])
    assert await found(filled) == ["b: is missing"]


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        ("n_0", "n: belongs to no resource"),
        ("m_0_0", "m: belongs to no resource"),
        ("c_0_0", "c: belongs to no resource"),
        ("i_0_0_0_0", "i: points to no log entry"),
        ("b_0_-_User_other_create", "b: is the place of no event"),
        ("h_0_1", "h: leads one way only"),
    ],
)
async def test_a_row_too_many_is_found(filled: Directory, key: str, problem: str) -> None:
    """Rows of nothing are named."""
    storage, partition = filled.endpoint.services.storage, rows.partition(filled.id)
    await storage.commit(partition, [Put(key, {"f": 1, "id": "nobody"})])
    assert problem in await found(filled)


async def test_an_open_job_is_found(filled: Directory) -> None:
    """Work that nobody has finished is told, a check itself apart."""
    services = filled.endpoint.services
    now = services.now()
    for kind in ("group", "check"):
        job = Job(kind=kind, target="0", message_id="0", actor="0", started=now)
        await services.jobs.add(filled.id, kind, job)
    assert await found(filled) == ["j: is open"]


async def test_an_index_row_that_names_somebody_else_is_found(filled: Directory) -> None:
    """A unique row has to lead to its owner."""
    storage, partition = filled.endpoint.services.storage, rows.partition(filled.id)
    page = await storage.scan(partition, "n_", "n_~")
    await storage.commit(partition, [Put(page.rows[0].key, {"f": 1, "id": "nobody"})])
    assert any("instead of" in each for each in await found(filled))


async def test_a_lost_log_entry_is_found(filled: Directory) -> None:
    """Without its entry a change's index rows dangle and the totals are wrong."""
    storage, partition = filled.endpoint.services.storage, rows.partition(filled.id)
    page = await storage.scan(partition, rows.LOG, rows.LOG + rows.END)
    await storage.commit(partition, [Delete(page.rows[0].key, None)])
    problems = await found(filled)
    assert "i: points to no log entry" in problems
    assert any("stored are" in each for each in problems)


async def test_an_old_name_in_a_membership_is_found(filled: Directory) -> None:
    """Members have to show the present name of their group."""
    storage, partition = filled.endpoint.services.storage, rows.partition(filled.id)
    page = await storage.scan(partition, "u_", "u_~")
    membership = next(row for row in page.rows if not rows.is_head(row.key))
    await storage.commit(partition, [Put(membership.key, {**membership.values, "name": "Old"})])
    assert "u: shows an old name" in await found(filled)
