"""Versions and times of resources: `meta` and entity tags (RFC 7644 §3.14)."""

from __future__ import annotations

from datetime import datetime

from scim.protocol.schema import Resource


def timestamp(moment: datetime) -> str:
    """Return a dateTime (RFC 7643 §2.3.5) in UTC with milliseconds."""
    return moment.isoformat(timespec="milliseconds").removesuffix("+00:00") + "Z"


def created(resource_type: str, now: datetime) -> dict[str, str]:
    """Return the `meta` of a new resource, without its location."""
    moment = timestamp(now)
    return {
        "resourceType": resource_type,
        "created": moment,
        "lastModified": moment,
        "version": _tag(1),
    }


def updated(resource: Resource, now: datetime) -> Resource:
    """Return the resource with a new version and time of change."""
    after = touched(resource)
    return {**after, "meta": {**after["meta"], "lastModified": timestamp(now)}}


def touched(resource: Resource) -> Resource:
    """Return the resource with a new version: what it shows changed, but not its own values."""
    meta = resource["meta"]
    number = int(meta["version"].strip('W/"'))
    return {**resource, "meta": {**meta, "version": _tag(number + 1)}}


def _tag(number: int) -> str:
    return f'W/"{number}"'
