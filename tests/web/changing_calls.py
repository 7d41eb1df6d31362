"""Which calls of SCIM change something, as the endpoint itself says."""

from __future__ import annotations

from scim.web.scim import ENDPOINTS
from tests.endpoint import Directory

ANY_ID = "01a21293-b657-78c4-939f-61a62126ba7a"
_READS = {"GET", "HEAD", "OPTIONS"}


async def changing_calls(directory: Directory) -> set[str]:
    """Return method and path of each, such as `POST /Users` and `PUT /Users/` for one of them."""
    found: set[str] = set()
    for endpoint in ENDPOINTS:
        for path in (f"/{endpoint}", f"/{endpoint}/{ANY_ID}"):
            answer = await directory.send("OPTIONS", path)
            allowed = set(answer.headers.get("Allow", "").split(", ")) - {""}
            if endpoint != ".search":  # asks by POST
                found |= {f"{each} {path.removesuffix(ANY_ID)}" for each in allowed - _READS}
    return found
