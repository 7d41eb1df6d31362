"""Requests that have to be refused, clearly, quickly, and without a trace in the store."""

from __future__ import annotations

import time
from typing import Any

from scim.protocol.errors import ERROR_SCHEMA
from tests.endpoint import Answer, Directory

SECONDS = 3.0  # generous on a busy machine; what takes longer grows with the input


async def refused(
    directory: Directory,
    method: str,
    path: str,
    body: Any = None,
    *,
    status: int = 400,
    scim_type: str | None = None,
    says: tuple[str, ...] = (),
    **sent: Any,
) -> Answer:
    """Send, and check all that is promised of a refusal; `says` has to stand in its detail."""
    before = await directory.state()
    started = time.perf_counter()
    answer = await directory.send(method, path, body, **sent)
    assert time.perf_counter() - started < SECONDS
    check_refusal(answer, status, scim_type, says)
    assert await directory.state() == before
    return answer


def check_refusal(
    answer: Answer, status: int, scim_type: str | None = None, says: tuple[str, ...] = ()
) -> None:
    """Check that the answer is this SCIM error (RFC 7644 §3.12) and names its message id."""
    assert answer.status == status, answer.raw[:500]
    error = answer.json
    assert error["schemas"] == [ERROR_SCHEMA]
    assert (error["status"], error.get("scimType")) == (str(status), scim_type), error
    for words in says:
        assert words in error["detail"], error["detail"]
    assert answer.headers["x-message-id"] in error["detail"]
    assert len(error["detail"]) < 1000
