"""What a stored resource shows outside: addresses built from the configured public base."""

from __future__ import annotations

from typing import Any

from scim.protocol.schema import ENTERPRISE_USER, Resource
from scim.provisioning.identifiers import is_resource_id


def user(stored: Resource, base: str) -> Resource:
    """Return the user with `meta.location` and `$ref`; `base` is the directory's Base URL."""
    shown = {**stored, "meta": {**stored["meta"], "location": location(stored, base)}}
    extension: dict[str, Any] = stored.get(ENTERPRISE_USER, {})
    chief = extension.get("manager", {})
    if is_resource_id(chief.get("value", "")):
        reference = {**chief, "$ref": f"{base}/Users/{chief['value']}"}
        shown[ENTERPRISE_USER] = {**extension, "manager": reference}
    return shown


def location(stored: Resource, base: str) -> str:
    """Return the address of a resource (RFC 7643 §3.1)."""
    return f"{base}/{stored['meta']['resourceType']}s/{stored['id']}"
