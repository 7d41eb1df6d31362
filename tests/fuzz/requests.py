"""Good requests as identity providers send them: what is changed at random."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from scim.protocol.bulk import BULK_REQUEST
from scim.protocol.schema import ENTERPRISE_USER, GROUP, USER
from tests.conversations.bodies import ENTRA_GROUP, ENTRA_USER, OKTA_GROUP, OKTA_USER
from tests.dialects.recorded import RECORDED, Recorded
from tests.endpoint import patch_message

BADGE = "urn:example:params:scim:schemas:extension:badge:2.0:User"
SITE = "urn:example:params:scim:schemas:extension:site:2.0:Group"
_MARK = {
    "type": "complex",
    "multiValued": True,
    "subAttributes": [{"name": "value"}, {"name": "type"}, {"name": "primary", "type": "boolean"}],
}
# Attributes of the kinds that the built-in schemas lack.
EXTENSIONS = [
    {
        "id": BADGE,
        "attributes": [
            {"name": "number", "type": "integer", "mutability": "immutable"},
            {"name": "weight", "type": "decimal"},
            {"name": "issued", "type": "dateTime"},
            {"name": "scan", "type": "binary"},
            {"name": "doors", "multiValued": True},
            {"name": "pin", "mutability": "writeOnly"},
            {"name": "printed", "type": "boolean", "mutability": "readOnly"},
            {"name": "notes", "returned": "request"},
            {"name": "zones", **_MARK},
        ],
    },
    {
        "id": SITE,
        "resourceType": "Group",
        "attributes": [{"name": "code", "caseExact": True}, {"name": "zones", **_MARK}],
    },
]
_BADGE_DATA = {
    "number": 7,
    "weight": 0.5,
    "issued": "2026-01-31T08:00:00Z",
    "scan": "a2lt",
    "doors": ["north", "south"],
    "zones": [{"value": "a", "type": "work", "primary": True}],
    "notes": "on request",
}


@dataclass(frozen=True)
class Sent:
    """A request; `{user}`, `{other}`, `{group}` and `{cursor}` stand for what there is.

    `pick` says which of the users, groups and cursors that are there.
    """

    method: str
    path: str
    query: str = ""
    body: Any = None
    raw: bytes | None = None  # what goes out instead of the body
    headers: dict[str, str] = field(default_factory=dict)
    pick: int = 0

    def content(self) -> bytes | None:
        """Return the bytes of the body; lone surrogates go out as escapes."""
        if self.raw is not None or self.body is None:
            return self.raw
        return json.dumps(self.body).encode()


def _of(recorded: Recorded) -> list[Sent]:
    collection = f"/{recorded.resource_type}s"
    # The ids of the recordings are nobody's here.
    named = (
        json.dumps(recorded.request).replace("usr-7f3a", "{user}").replace("usr-8b20", "{other}")
    )
    request = json.loads(named)
    one = f"{collection}/{{{recorded.resource_type.lower()}}}"
    match recorded.kind:
        case "resource":
            create = Sent("POST", collection, body=request)
            return [create, Sent("PUT", one, body=request)]
        case "patch":
            return [Sent("PATCH", one, body=request)]
        case "filter":
            message = {"filter": request, "count": 5, "startIndex": 1}
            return [
                Sent("GET", collection, query="filter=" + quote(request, safe="{}")),
                Sent("POST", f"{collection}/.search", body=message),
            ]
    return []


def _patch(path: str, *operations: dict[str, Any]) -> Sent:
    return Sent("PATCH", path, body=patch_message(operations))


def _members(*names: str) -> list[dict[str, str]]:
    return [{"value": name} for name in names]


def _creating(bulk_id: str, path: str, data: dict[str, Any]) -> dict[str, Any]:
    return {"method": "POST", "path": path, "bulkId": bulk_id, "data": data}


_BULK = {
    "schemas": [BULK_REQUEST],
    "failOnErrors": 2,
    "Operations": [
        _creating("a", "/Users", {"userName": "noor"}),
        _creating("b", "/Groups", {"displayName": "Piers", "members": _members("bulkId:a")}),
        {
            "method": "PATCH",
            "path": "/Groups/{group}",
            "data": patch_message(
                [{"op": "add", "path": "members", "value": _members("bulkId:a")}]
            ),
        },
        {"method": "PUT", "path": "/Users/{user}", "data": {"userName": "kim", "title": "Chief"}},
        {"method": "DELETE", "path": "/Users/bulkId:a"},
    ],
}

GOOD: Sequence[Sent] = (
    *(sent for recorded in RECORDED for sent in _of(recorded)),
    Sent("POST", "/Users", body=ENTRA_USER),
    Sent("POST", "/Users", body=OKTA_USER),
    Sent("PUT", "/Users/{user}", body=OKTA_USER),
    Sent("POST", "/Groups", body=ENTRA_GROUP),
    Sent("POST", "/Groups", body=OKTA_GROUP),
    Sent("POST", "/Users", body={"schemas": [USER, BADGE], "userName": "b", BADGE: _BADGE_DATA}),
    _patch("/Users/{user}", {"op": "add", "path": BADGE, "value": _BADGE_DATA}),
    _patch("/Users/{user}", {"op": "replace", "path": f"{BADGE}:doors", "value": ["west"]}),
    _patch("/Users/{user}", {"op": "remove", "path": f'{BADGE}:zones[type eq "work"]'}),
    _patch("/Groups/{group}", {"op": "add", "value": {SITE: {"code": "A1", "zones": []}}}),
    Sent("GET", "/Users", query="startIndex=1&count=10&sortBy=userName&sortOrder=descending"),
    Sent("GET", "/Users", query="cursor=&count=2&attributes=userName,emails.value"),
    Sent("GET", "/Users", query="cursor={cursor}&count=2"),
    Sent("GET", "/Groups", query="cursor=&count=1&excludedAttributes=members"),
    Sent("GET", "/Groups", query="cursor={cursor}&count=1&excludedAttributes=members"),
    Sent("GET", "/Users/{user}"),
    Sent("GET", "/Users/{user}", query="excludedAttributes=groups"),
    Sent("GET", "/Users/{user}", query=f"attributes={BADGE}:notes,name.givenName"),
    Sent("GET", "/Groups/{group}", headers={"If-None-Match": 'W/"1"'}),
    Sent("GET", "/Groups", query='filter=members%20eq%20"{user}"'),
    Sent("GET", "/Users", query='filter=groups.value%20eq%20"{group}"'),
    Sent("GET", "/Users", query=f"filter={BADGE}:weight%20gt%200.25%20or%20{BADGE}:scan%20pr"),
    Sent("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"),
    Sent("GET", "/ServiceProviderConfig"),
    Sent("GET", "/ResourceTypes"),
    Sent("GET", "/Me"),
    Sent("POST", "/.search", body={"filter": "displayName pr", "sortBy": "displayName"}),
    Sent("POST", "/Users/.search", body={"cursor": "{cursor}", "count": 2}),
    Sent("POST", "/Groups", body={"displayName": "Towers", "members": _members("{user}")}),
    Sent("PUT", "/Groups/{group}", body={"displayName": "T", "members": _members("{other}")}),
    Sent("DELETE", "/Users/{other}", headers={"If-Match": 'W/"1"'}),
    Sent("DELETE", "/Users/{other}"),
    Sent("DELETE", "/Groups/{group}"),
    _patch("/Groups/{group}", {"op": "add", "path": "members", "value": _members("{user}")}),
    _patch("/Groups/{group}", {"op": "add", "path": "members", "value": _members("{group}")}),
    _patch("/Groups/{group}", {"op": "remove", "path": 'members[value eq "{user}"]'}),
    _patch("/Groups/{group}", {"op": "replace", "value": {"displayName": "T", "members": []}}),
    _patch("/Users/{user}", {"op": "add", "path": "manager", "value": {"value": "{other}"}}),
    _patch("/Users/{user}", {"op": "replace", "value": {"active": False, "userName": "lee"}}),
    _patch(
        "/Users/{user}",
        {"op": "remove", "path": f"{ENTERPRISE_USER}:manager"},
        {"op": "add", "path": 'emails[type eq "work" and primary eq true].value', "value": "k@e"},
        {"op": "replace", "path": "name", "value": {"familyName": "Larsen"}},
    ),
    Sent("POST", "/Bulk", body=_BULK),
    Sent("POST", "/Groups", body={"schemas": [GROUP], "displayName": "Ferries"}),
)
