"""What a stored resource shows outside: addresses built from the configured public base."""

from __future__ import annotations

from typing import Any

from scim.protocol.schema import ENTERPRISE_USER, Resource
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.stored_users import StoredUser


def user(stored: StoredUser, base: str) -> Resource:
    """Return the user with `groups`, `meta.location` and `$ref`; `base` is the Base URL."""
    resource = stored.resource
    shown = {**resource, "meta": {**resource["meta"], "location": location(resource, base)}}
    if stored.memberships:
        shown["groups"] = [
            {
                "value": each.group,
                "$ref": f"{base}/Groups/{each.group}",
                "display": each.name,
                "type": "direct",
            }
            for each in stored.memberships
        ]
    extension: dict[str, Any] = resource.get(ENTERPRISE_USER, {})
    chief = extension.get("manager", {})
    if is_resource_id(chief.get("value", "")):
        reference = {**chief, "$ref": f"{base}/Users/{chief['value']}"}
        shown[ENTERPRISE_USER] = {**extension, "manager": reference}
    return shown


def location(resource: Resource, base: str) -> str:
    """Return the address of a resource (RFC 7643 §3.1)."""
    return f"{base}/{resource['meta']['resourceType']}s/{resource['id']}"
