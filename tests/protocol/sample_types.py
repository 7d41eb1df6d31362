"""Users as the tests need them: one in stored form, and a type with an attribute of every kind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from scim.protocol.resource import with_schemas
from scim.protocol.schema import (
    ENTERPRISE_USER,
    Attribute,
    Resource,
    ResourceType,
    Schema,
    user_type,
)

BADGE: Final = "urn:example:params:scim:schemas:Badge:1.0:User"


def badge_type() -> ResourceType:
    """Return the resource type User with an extension that has what the built-in ones lack."""
    stamp = {
        "by": Attribute("by", "string", required=True),
        "seal": Attribute("seal", "string", mutability="immutable"),
        "seen": Attribute("seen", "boolean", mutability="readOnly"),
    }
    attributes = [
        Attribute("number", "integer", mutability="immutable"),
        Attribute("weight", "decimal"),
        Attribute("issued", "dateTime"),
        Attribute("scan", "binary", case_exact=True),
        Attribute("doors", "string", multi_valued=True),
        Attribute("codes", "string", multi_valued=True, case_exact=True),
        Attribute("printed", "boolean", mutability="readOnly"),
        Attribute("pin", "string", returned="never", mutability="writeOnly"),
        Attribute("notes", "string", returned="request"),
        Attribute("stamp", "complex", sub_attributes=stamp),
        Attribute("stamps", "complex", multi_valued=True, sub_attributes=stamp),
    ]
    schema = Schema(BADGE, "Badge", {each.name.lower(): each for each in attributes}, {})
    users = user_type()
    return replace(users, extensions={**users.extensions, BADGE.lower(): schema})


def user(**members: Any) -> Resource:
    """Return a stored user; `enterprise` and `badge` stand for the extensions, None removes."""
    urns = {"enterprise": ENTERPRISE_USER, "badge": BADGE}
    stored: Resource = {
        "id": "0199",
        "userName": "kim@example.com",
        "active": True,
        "meta": {"resourceType": "User", "created": "2026-01-31T08:00:00Z", "version": 'W/"1"'},
    }
    stored.update({urns.get(name, name): each for name, each in members.items()})
    return with_schemas({k: v for k, v in stored.items() if v is not None}, badge_type())
