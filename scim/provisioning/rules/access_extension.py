"""The extension by which SCIM shows a user's access, to whoever asks for it by name."""

from __future__ import annotations

from typing import Final

from scim.protocol.schema import Json, Schema, read_schema

ACCESS_URN: Final = "urn:ietf:params:scim:schemas:extension:rollcall:2.0:User"


def _attribute(name: str, description: str, **said: Json) -> Json:
    return {
        "name": name,
        "type": "string",
        "multiValued": False,
        "description": description,
        "required": False,
        "caseExact": True,
        "mutability": "readOnly",
        "returned": "default",
        "uniqueness": "none",
        **said,
    }


ACCESS_EXTENSION: Final[Schema] = read_schema(
    {
        "id": ACCESS_URN,
        "name": "Access",
        "description": "What the user management rules grant a user.",
        "attributes": [
            _attribute(
                "access",
                "Roles in tenants; shown when it is asked for by name.",
                type="complex",
                multiValued=True,
                returned="request",
                subAttributes=[
                    _attribute("tenant", "The tenant."),
                    _attribute("role", "The role that the user has there."),
                    _attribute("rules", "Ids of the rules that grant it.", multiValued=True),
                ],
            )
        ],
    }
)
