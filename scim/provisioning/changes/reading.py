"""What a client sends, brought to standard form, or refused where a directory is strict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scim import dialects
from scim.protocol.errors import NoTarget
from scim.protocol.filter import Filter
from scim.protocol.patch import Operation, apply_patch, read_operations
from scim.protocol.schema import Attribute, Json, Resource, ResourceType
from scim.provisioning.changes.enforcement import check_standard
from scim.provisioning.log.entries import Call


def standard_body(call: Call, kind: ResourceType, body: Json) -> Json:
    """Return the body of a POST or PUT in standard form."""
    standard = dialects.standard_resource(body, kind, call.quirks)
    check_standard(call)
    return standard


def read_patch(call: Call, kind: ResourceType, message: Json) -> list[Operation]:
    """Return the operations of a PATCH; raises as `read_operations` does."""
    standard = dialects.standard_patch(message, kind, call.quirks)
    check_standard(call)
    return read_operations(standard, kind)


def patched(
    call: Call, kind: ResourceType, resource: Resource, operations: Sequence[Operation]
) -> Resource:
    """Return the resource after the operations, itself if nothing changes; see `apply_patch`."""

    def new_entry(entries: Filter, attribute: Attribute) -> dict[str, Any] | None:
        entry = dialects.new_entry(entries, attribute, call.quirks)
        check_standard(call, NoTarget)
        return entry

    return apply_patch(resource, operations, kind, new_entry=new_entry, ignored=call.ignored)
