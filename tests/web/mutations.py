"""Good requests as identity providers send them, and what may become of them on the way."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from tests.dialects.recorded import RECORDED, Recorded
from tests.endpoint import patch_message

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


@dataclass(frozen=True)
class Sent:
    """A request; `{user}`, `{other}` and `{group}` stand for ids of what is there."""

    method: str
    path: str
    query: str = ""
    body: Any = None
    raw: bytes | None = None  # what goes out instead of the body
    headers: dict[str, str] = field(default_factory=dict)

    def content(self) -> bytes | None:
        """Return the bytes of the body; lone surrogates go out as escapes."""
        if self.raw is not None or self.body is None:
            return self.raw
        return json.dumps(self.body).encode()


def _of(recorded: Recorded) -> list[Sent]:
    collection = f"/{recorded.resource_type}s"
    one = f"{collection}/{{{recorded.resource_type.lower()}}}"
    match recorded.kind:
        case "resource":
            create = Sent("POST", collection, body=recorded.request)
            return [create, Sent("PUT", one, body=recorded.request)]
        case "patch":
            return [Sent("PATCH", one, body=recorded.request)]
        case "filter":
            message = {"filter": recorded.request, "count": 5, "startIndex": 1}
            return [
                Sent("GET", collection, query="filter=" + quote(recorded.request)),
                Sent("POST", f"{collection}/.search", body=message),
            ]
    return []


def _patch(path: str, *operations: dict[str, Any]) -> Sent:
    return Sent("PATCH", path, body=patch_message(operations))


GOOD: Sequence[Sent] = (
    *(sent for recorded in RECORDED for sent in _of(recorded)),
    Sent("GET", "/Users", query="startIndex=1&count=10&sortBy=userName&sortOrder=descending"),
    Sent("GET", "/Users", query="cursor=&count=2&attributes=userName,emails.value"),
    Sent("GET", "/Users/{user}", query="excludedAttributes=groups"),
    Sent("GET", "/Groups/{group}", headers={"If-None-Match": 'W/"1"'}),
    Sent("GET", "/Groups", query='filter=members%20eq%20"{user}"'),
    Sent("GET", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"),
    Sent("GET", "/ServiceProviderConfig"),
    Sent("POST", "/.search", body={"filter": "displayName pr", "sortBy": "displayName"}),
    Sent("POST", "/Groups", body={"displayName": "Towers", "members": [{"value": "{user}"}]}),
    Sent("PUT", "/Groups/{group}", body={"displayName": "T", "members": [{"value": "{other}"}]}),
    Sent("DELETE", "/Users/{other}", headers={"If-Match": 'W/"1"'}),
    Sent("DELETE", "/Groups/{group}"),
    _patch("/Groups/{group}", {"op": "add", "path": "members", "value": [{"value": "{user}"}]}),
    _patch("/Groups/{group}", {"op": "remove", "path": 'members[value eq "{user}"]'}),
    _patch("/Groups/{group}", {"op": "replace", "value": {"displayName": "T", "members": []}}),
    _patch("/Users/{user}", {"op": "add", "path": "manager", "value": {"value": "{other}"}}),
    _patch("/Users/{user}", {"op": "replace", "value": {"active": False, "userName": "lee"}}),
    Sent(
        "POST",
        "/Bulk",
        body={
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],
            "failOnErrors": 2,
            "Operations": [
                {"method": "POST", "path": "/Users", "bulkId": "a", "data": {"userName": "noor"}},
                {
                    "method": "PATCH",
                    "path": "/Groups/{group}",
                    "data": patch_message(
                        [{"op": "add", "path": "members", "value": [{"value": "bulkId:a"}]}]
                    ),
                },
            ],
        },
    ),
)

ODD_TEXTS = st.sampled_from(
    [
        *("", " ", "\0", "\ud800", "\U0001f600", "e\u0301", "ß", "İ", "\u202e", '"', "\\", "\r\n"),
        *("a" * 3000, "[" * 300, "(" * 300, "..", "/", "%00", "null", "True", "bulkId:a", "-1"),
        *("{user}", "{group}", "members", "userName", "emails[type eq", 'emails[type eq "work"]'),
        *("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "$ref", "schemas"),
        *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "1e400", "id", "meta.version"),
    ]
)
TEXTS = ODD_TEXTS | st.text(max_size=12)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 2**31, 2**63, -(2**63) - 1, 10**25, 10**400, 0.1, 1e308]),
    TEXTS,
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(TEXTS, inner, max_size=3)
        | inner.map(lambda value: [value, value])
    ),
    max_leaves=6,
)
HEADERS = st.sampled_from(
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
        {"If-Match": "*"},
        {"If-Match": '"1", W/"2"'},
        {"If-None-Match": "*"},
        {"Accept": "application/json"},
        {"Authorization": "Bearer x"},
        {"X-Forwarded-Host": "evil.example"},
        {"User-Agent": "x" * 2000},
        {"Prefer": "respond-async"},
    ]
)


@st.composite
def requests(draw: st.DrawFn) -> Sent:
    """Draw a good request and change it in one to three places."""
    sent = draw(st.sampled_from(GOOD))
    for change in draw(st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3)):
        sent = change(draw, sent)
    return sent


def _value(draw: st.DrawFn, sent: Sent) -> Sent:
    """Put another value in some place of the body, leave it out, wrap it or unwrap it."""
    if sent.body is None:
        return replace(sent, body=draw(VALUES))
    body = deepcopy(sent.body)
    places = list(_places(body))
    if not places:
        return replace(sent, body=draw(VALUES))
    parent, key = draw(st.sampled_from(places))
    match draw(st.sampled_from(["value", "none", "list", "object", "name", "again", "first"])):
        case "value":
            parent[key] = draw(VALUES)
        case "none":
            del parent[key]
        case "list":
            parent[key] = [parent[key]]
        case "object":
            parent[key] = {draw(TEXTS): parent[key]}
        case "name" if isinstance(parent, dict):
            parent[draw(TEXTS)] = parent.pop(key)
        case "again" if isinstance(parent, list):
            parent.append(deepcopy(parent[key]))
        case "first" if parent[key] and isinstance(parent[key], list):
            parent[key] = parent[key][0]
        case _:
            parent[key] = None
    return replace(sent, body=body)


def _places(value: Any) -> list[tuple[Any, Any]]:
    if isinstance(value, dict):
        items: list[tuple[Any, Any]] = list(value.items())
    else:
        items = list(enumerate(value)) if isinstance(value, list) else []
    return [(value, key) for key, _ in items] + [
        place for _, each in items for place in _places(each)
    ]


def _bytes(draw: st.DrawFn, sent: Sent) -> Sent:
    """Cut the body, or put other bytes in some place of it."""
    raw = sent.content() or b""
    start = draw(st.integers(0, len(raw)))
    end = draw(st.integers(start, min(start + 8, len(raw))))
    new = draw(
        st.sampled_from([b"", b"\0", b"\xff", b"{", b'"', b"\xef\xbb\xbf", b"\\ud800", b"["])
    )
    return replace(sent, raw=raw[:start] + new + raw[end:])


def _packed(draw: st.DrawFn, sent: Sent) -> Sent:
    packed = gzip.compress(sent.content() or b"")
    cut = draw(st.sampled_from([len(packed), len(packed) - 3, 5]))
    return replace(sent, raw=packed[:cut], headers={**sent.headers, "Content-Encoding": "gzip"})


def _path(draw: st.DrawFn, sent: Sent) -> Sent:
    segment = quote(draw(TEXTS).encode(errors="replace"), safe="{}") or "%20"
    ends = ["/", f"/{segment}", "//", f"/{segment}/.search"]
    first = sent.path.rpartition("/")[0]
    return replace(
        sent, path=draw(st.sampled_from([f"{first}/{segment}", *(sent.path + end for end in ends)]))
    )


def _query(draw: st.DrawFn, sent: Sent) -> Sent:
    name = draw(
        st.sampled_from(
            ["filter", "startIndex", "count", "sortBy", "sortOrder", "attributes", "cursor"]
        )
        | TEXTS
    )
    value = quote(draw(TEXTS).encode(errors="replace"), safe=draw(st.sampled_from(["", "{}()%&="])))
    return replace(sent, query=f"{sent.query}&{quote(name.encode(errors='replace'))}={value}")


def _filter(draw: st.DrawFn, sent: Sent) -> Sent:
    """Put another text in some place of the query."""
    query = sent.query or "filter=userName%20eq%20%22kim%22"
    start = draw(st.integers(0, len(query)))
    end = draw(st.integers(start, len(query)))
    new = quote(draw(TEXTS).encode(errors="replace"))
    return replace(sent, query=query[:start] + new + query[end:])


def _header(draw: st.DrawFn, sent: Sent) -> Sent:
    return replace(sent, headers={**sent.headers, **draw(HEADERS)})


def _method(draw: st.DrawFn, sent: Sent) -> Sent:
    return replace(sent, method=draw(st.sampled_from(METHODS)))


CHANGES = [_value, _value, _value, _bytes, _packed, _path, _query, _filter, _header, _method]
