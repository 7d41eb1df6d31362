"""What several clients send, or templates that an admin fills by hand."""

from __future__ import annotations

from scim.dialects.names import key_of
from scim.protocol.patch import PATCH_OP
from scim.protocol.schema import Attribute, Json, ResourceType


def infer_schemas(body: Json, resource_type: ResourceType) -> Json:
    """Take a body without `schemas` for what its address says."""
    return _with_schemas(body, resource_type.schema.urn)


def infer_patch_schema(message: Json, _: ResourceType) -> Json:
    """Take a PATCH message without `schemas` for a PatchOp."""
    return _with_schemas(message, PATCH_OP)


def _with_schemas(body: Json, urn: str) -> Json:
    key = key_of(body, "schemas") or "schemas"
    return body if body.get(key) not in (None, []) else {**body, key: [urn]}


def wrap_single_operation(message: Json, _: ResourceType) -> Json:
    """Read one object in `Operations` as a list of one."""
    key = key_of(message, "Operations")
    if key is None or not isinstance(message[key], dict):
        return message
    return {**message, key: [message[key]]}


def drop_null_entries(_: Attribute, value: Json) -> Json:
    """Drop null from a list: a template's entry without a value."""
    if not isinstance(value, list) or None not in value:
        return value
    return [entry for entry in value if entry is not None]


def spell_whole_numbers(_: Attribute, value: Json) -> Json:
    """Read 30415 as text where the attribute is text.

    JSON has one spelling for a whole number, without leading zeros; fractions and true have
    several, so they are refused.
    """
    return str(value) if type(value) is int else value
