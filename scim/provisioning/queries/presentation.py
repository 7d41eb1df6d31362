"""What a stored resource shows outside: addresses built from the configured public base."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim.protocol.schema import ENTERPRISE_USER, Resource
from scim.provisioning.identifiers import is_resource_id
from scim.provisioning.rules.access_extension import ACCESS_URN
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.stored_groups import Member, StoredGroup
from scim.provisioning.stored_users import StoredUser


def user(stored: StoredUser, base: str, *, access: bool = False) -> Resource:
    """Return the user with `groups`, `meta.location` and `$ref`; `base` is the Base URL.

    `access`: with the extension that shows it.
    """
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
    if access and stored.access:
        shown["schemas"] = [*shown["schemas"], ACCESS_URN]
        shown[ACCESS_URN] = {
            "access": [
                {"tenant": each.tenant, "role": each.role, "rules": list(each.rules)}
                for each in read_access(stored)
            ]
        }
    return shown


def group(stored: StoredGroup, base: str, members: Sequence[Member] = ()) -> Resource:
    """Return the group with the members given, `meta.location` and `$ref`."""
    resource = stored.resource
    shown = {**resource, "meta": {**resource["meta"], "location": location(resource, base)}}
    if members:
        shown["members"] = [
            {"value": each.id, "$ref": f"{base}/{each.type}s/{each.id}", "type": each.type}
            for each in members
        ]
    if stored.job:
        # Its members are still changing: a version would promise too much.
        shown["meta"].pop("version")
    return shown


def location(resource: Resource, base: str) -> str:
    """Return the address of a resource (RFC 7643 §3.1)."""
    return f"{base}/{resource['meta']['resourceType']}s/{resource['id']}"
