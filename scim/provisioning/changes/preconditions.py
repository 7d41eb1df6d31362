"""Conditions that a client sets on a resource's version (RFC 7644 §3.14, RFC 9110 §13)."""

from __future__ import annotations

from scim.protocol.errors import PreconditionFailed
from scim.protocol.schema import Resource
from scim.provisioning.log.entries import Call


def check_preconditions(call: Call, resource: Resource) -> None:
    """Raise PreconditionFailed if the resource is not at the version that the call demands."""
    meta = resource["meta"]
    for header, condition, matching in (
        ("If-Match", call.if_match, True),
        ("If-None-Match", call.if_none_match, False),
    ):
        if condition and matches_version(condition, meta["version"]) is not matching:
            raise PreconditionFailed(
                f"The {meta['resourceType'].lower()} is at version {meta['version']}, {header} is "
                f"{condition[:100]}. Read it again and repeat the change."
            )


def matches_version(condition: str, version: str) -> bool:
    """Whether a list of entity tags, or `*`, names the version; weak comparison."""
    tags = (tag.strip().removeprefix("W/") for tag in condition.split(","))
    return any(tag in ("*", version.removeprefix("W/")) for tag in tags)
