"""The compliance checker of the scim2 family, by real HTTP."""

from __future__ import annotations

import asyncio

import httpx2
import pytest
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_tester import CheckResult, Status, check_server

from tests.conversations.client import ENT, Client


def check(idp: Client, resource_type: str) -> list[CheckResult]:
    """Let the checker discover the directory and try all it can on one resource type."""
    base = f"{idp.endpoint.origin}/scim/v2/{idp.id}"
    with httpx2.Client(base_url=base, headers={"Authorization": f"Bearer {idp.token}"}) as http:
        return check_server(SyncSCIMClient(http), resource_types=[resource_type])


@pytest.mark.parametrize(
    ("resource_type", "attributes"),
    [("User", {"userName", "active", f"{ENT}:manager"}), ("Group", {"displayName", "members"})],
    ids=["User-and-EnterpriseUser", "Group"],
)
async def test_the_checker_finds_no_fault(
    idp: Client, resource_type: str, attributes: set[str]
) -> None:
    """Every check succeeds, none is skipped, and these attributes were among what was tried."""
    results = await asyncio.to_thread(check, idp, resource_type)
    assert [each for each in results if each.status is not Status.SUCCESS] == []
    tried = {each.data["urn"] for each in results if isinstance(each.data, dict)}
    assert attributes <= tried
