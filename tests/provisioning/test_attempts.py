"""What a call was meant to do, told from the request alone."""

from __future__ import annotations

from typing import Any

import pytest

from scim.provisioning.log.attempts import attempted
from scim.provisioning.log.entries import Did

ID = "01a21293-b657-78c4-939f-61a62126ba7a"


def patch(*operations: dict[str, Any]) -> dict[str, Any]:
    """Return a PatchOp message in another case than usual."""
    return {"operations": list(operations)}


@pytest.mark.parametrize(
    ("method", "path", "body", "operations", "target"),
    [
        ("POST", "Users", {"USERNAME": "kim"}, [Did.CREATE], ("User", "", "kim")),
        ("POST", "groups", {"displayName": "North"}, [Did.CREATE], ("Group", "", "North")),
        ("POST", "Users", "5 bytes", [Did.CREATE], ("User", "", "")),
        ("POST", "Users", {"userName": 7}, [Did.CREATE], ("User", "", "")),
        ("PUT", f"Users/{ID}", {"userName": "kim"}, [Did.UPDATE], ("User", ID, "kim")),
        ("DELETE", "Users/kim", None, [Did.DELETE], ("User", "", "kim")),
        ("GET", f"Users/{ID}", None, [], ("User", ID, "")),
        ("GET", "Groups", None, [], ("Group", "", "")),
        ("POST", "Users/.search", {}, [], ("User", "", "")),
        ("POST", ".search", {}, [], ("Directory", "", "")),
        ("POST", "Bulk", {}, [], ("Directory", "", "")),
        ("PATCH", f"Users/{ID}", patch({"path": "title"}), [Did.UPDATE], ("User", ID, "")),
        ("PATCH", f"Users/{ID}", None, [Did.UPDATE], ("User", ID, "")),
        (
            "PATCH",
            f"Users/{ID}",
            patch({"path": "Active", "value": "False"}),
            [Did.DISABLE],
            ("User", ID, ""),
        ),
        (
            "PATCH",
            f"Users/{ID}",
            patch({"value": {"active": True}}),
            [Did.ENABLE],
            ("User", ID, ""),
        ),
        (
            "PATCH",
            f"Groups/{ID}",
            patch(
                {"op": "Remove", "path": f'members[value eq "{ID}"]'},
                {"op": "Add", "path": "members", "value": []},
                {"op": "Replace", "value": {"displayName": "South"}},
            ),
            [Did.REMOVE_MEMBERS, Did.ADD_MEMBERS, Did.UPDATE],
            ("Group", ID, ""),
        ),
        ("PATCH", f"Groups/{ID}", patch({"path": 7}), [Did.UPDATE], ("Group", ID, "")),
    ],
)
def test_an_attempt_is_told_by_the_request(
    method: str, path: str, body: Any, operations: list[Did], target: tuple[str, str, str]
) -> None:
    """Operations and target are known before anybody understands the body."""
    attempt = attempted(method, path.split("/"), body)
    assert [*attempt.operations] == operations
    found = attempt.target
    assert (found.type, found.id, found.identifier) == target
