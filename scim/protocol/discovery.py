"""Discovery documents (RFC 7643 §5-7, RFC 7644 §4): what is announced works."""

from __future__ import annotations

from typing import Any, Final

from scim.protocol.bulk import MAX_OPERATIONS, MAX_PAYLOAD_SIZE
from scim.protocol.schema import SCHEMA, Json, ResourceType, Schema

CONFIG: Final = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
RESOURCE_TYPE: Final = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"


def service_provider_config(
    base: str, *, default_page: int, max_page: int, cursor_seconds: int
) -> Json:
    """Return the ServiceProviderConfig of a directory, with RFC 9865's `pagination`."""
    return {
        "schemas": [CONFIG],
        "documentationUri": "https://datatracker.ietf.org/doc/html/rfc7644",
        "patch": {"supported": True},
        "bulk": {
            "supported": True,
            "maxOperations": MAX_OPERATIONS,
            "maxPayloadSize": MAX_PAYLOAD_SIZE,
        },
        "filter": {"supported": True, "maxResults": max_page},
        "changePassword": {"supported": False},
        "sort": {"supported": True},
        "etag": {"supported": True},
        "pagination": {
            "cursor": True,
            "index": True,
            "defaultPaginationMethod": "index",
            "defaultPageSize": default_page,
            "maxPageSize": max_page,
            "cursorTimeout": cursor_seconds,
        },
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "Bearer token",
                "description": "A token of the directory in the header Authorization.",
                "specUri": "https://datatracker.ietf.org/doc/html/rfc6750",
                "primary": True,
            }
        ],
        "meta": {
            "resourceType": "ServiceProviderConfig",
            "location": f"{base}/ServiceProviderConfig",
        },
    }


def resource_type(kind: ResourceType, base: str) -> Json:
    """Return the document of a resource type."""
    document: dict[str, Any] = {
        "schemas": [RESOURCE_TYPE],
        "id": kind.name,
        "name": kind.name,
        "endpoint": kind.endpoint,
        "description": kind.schema.document["description"],
        "schema": kind.schema.urn,
    }
    if kind.extensions:
        document["schemaExtensions"] = [
            {"schema": extension.urn, "required": False} for extension in kind.extensions.values()
        ]
    location = f"{base}/ResourceTypes/{kind.name}"
    return {**document, "meta": {"resourceType": "ResourceType", "location": location}}


def schemas(kinds: tuple[ResourceType, ...]) -> list[Schema]:
    """Return every schema that the resource types use, core schemas first."""
    found = {kind.schema.urn: kind.schema for kind in kinds}
    for kind in kinds:
        found.update({extension.urn: extension for extension in kind.extensions.values()})
    return list(found.values())


def schema(definition: Schema, base: str) -> Json:
    """Return the document of a schema."""
    meta = {"resourceType": "Schema", "location": f"{base}/Schemas/{definition.urn}"}
    return {**definition.document, "schemas": [SCHEMA], "meta": meta}
