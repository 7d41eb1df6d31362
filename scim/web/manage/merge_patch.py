"""JSON Merge Patch (RFC 7396)."""

from __future__ import annotations

from typing import Final

from scim.protocol.schema import Json

MERGE_PATCH: Final = "application/merge-patch+json"


def merge_patch(target: Json, patch: Json) -> Json:
    """Return the target as the patch changes it: null removes a member, a list is replaced."""
    if not isinstance(patch, dict):
        return patch
    known = target if isinstance(target, dict) else {}
    merged = {name: each for name, each in known.items() if name not in patch}
    changed = {n: merge_patch(known.get(n), each) for n, each in patch.items() if each is not None}
    return merged | changed
