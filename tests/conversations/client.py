"""An identity provider whose every answer is held to the rules that hold for all answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import orjson

from scim.protocol.errors import ERROR_SCHEMA
from scim.protocol.lists import LIST_RESPONSE
from scim.protocol.schema import ENTERPRISE_USER as ENT
from scim.protocol.schema import GROUP, USER
from tests.endpoint import PUBLIC_BASE, SCIM_JSON, Answer, Directory, Endpoint

Json = dict[str, Any]

__all__ = ["ENT", "GROUP", "USER", "Answer", "Client", "Json", "connect", "op"]


@dataclass
class Client(Directory):
    """A directory as its identity provider sees it; `passwords` are the texts it ever sent."""

    passwords: set[str] = field(default_factory=set)

    @property
    def base(self) -> str:
        """Return the directory's Base URL, `B` in the cases."""
        return f"{PUBLIC_BASE}/scim/v2/{self.id}"

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
        query: str = "",
    ) -> Answer:
        """Send as an identity provider does, and check the answer."""
        self.passwords.update(_passwords(body))
        answer = await super().send(method, path, body, raw=raw, headers=headers, query=query)
        return self.checked(answer, accept=(headers or {}).get("Accept", SCIM_JSON))

    async def send_bare(self, method: str, path: str, headers: dict[str, str]) -> Answer:
        """Send with no header but those given, and check the answer."""
        answer = await self.endpoint.send(method, f"/scim/v2/{self.id}{path}", None, headers)
        return self.checked(answer, accept=headers.get("Accept", ""))

    def checked(self, answer: Answer, *, accept: str) -> Answer:
        """Return the answer after checking the rules for every answer."""
        assert answer.status < 500 or answer.status == 501, answer.raw
        assert answer.status != 204 or answer.raw == b""
        if not answer.raw:
            assert answer.status < 400
            return answer
        media_type = answer.headers["Content-Type"].partition(";")[0]
        assert media_type == SCIM_JSON or "application/json" in accept
        document = answer.json
        if answer.status >= 400:
            assert document["schemas"] == [ERROR_SCHEMA]
            assert document["status"] == str(answer.status)
            assert document["detail"]
        else:
            _check_success(answer, document)
        assert not [name for name in _names(document) if name.lower() == "password"]
        assert not [text for text in self.passwords if text.encode() in answer.raw]
        return answer

    async def page(self, collection: str = "/Users", query: str = "") -> Json:
        """Return a ListResponse; `query` is the encoded text behind the `?`."""
        answer = await self.send("GET", collection, query=query)
        assert answer.status == 200, answer.raw
        document: Json = answer.json
        assert document["schemas"] == [LIST_RESPONSE]
        assert document["itemsPerPage"] == len(document["Resources"])
        return document

    async def found(self, condition: str, collection: str = "/Users", query: str = "") -> list[str]:
        """Return the ids of what a filter finds; `query` stands before the filter."""
        text = f"{query}&filter={quote(condition, safe='')}".lstrip("&")
        document = await self.page(collection, text)
        ids = [each["id"] for each in document["Resources"]]
        assert document["totalResults"] == len(ids) == len(set(ids))
        return ids

    async def group(self, group_id: str) -> Json:
        """Return the group as a GET shows it."""
        answer = await self.send("GET", f"/Groups/{group_id}")
        assert answer.status == 200, answer.raw
        document: Json = answer.json
        return document


async def connect(endpoint: Endpoint, name: str) -> Client:
    """Make a directory and return its client."""
    made = await endpoint.directory(name)
    return Client(endpoint, made.id, made.token)


def op(name: str, path: str | None = None, *value: Any) -> Json:
    """Return a PATCH operation; no value at all is something else than None."""
    operation: Json = {"op": name}
    if path is not None:
        operation["path"] = path
    if value:
        (operation["value"],) = value
    return operation


def filled(document: Any, **texts: str) -> Any:
    """Return a JSON value with `{u1}` and the like replaced by what is given for `u1`."""
    raw = orjson.dumps(document)
    for name, text in texts.items():
        raw = raw.replace(f"{{{name}}}".encode(), text.encode())
    return orjson.loads(raw)


def refused(answer: Answer, status: int, scim_type: str | None = None) -> str:
    """Check that the answer is this SCIM error, and return its detail."""
    assert (answer.status, answer.json.get("scimType")) == (status, scim_type), answer.raw
    detail: str = answer.json["detail"]
    return detail


def without_meta(resource: Json) -> Json:
    """Return what a client may compare between two states of a resource."""
    return {name: value for name, value in resource.items() if name not in ("meta", "schemas")}


def changed(resource: Json, changes: Json) -> Json:
    """Return the resource with the changes; None takes an attribute away."""
    gone = {name for name, value in changes.items() if value is None}
    merged = {**without_meta(resource), **changes}
    return {name: value for name, value in merged.items() if name not in gone}


def _check_success(answer: Answer, document: Json) -> None:
    if answer.status == 201:
        assert answer.headers["Location"] == document["meta"]["location"]
    if document["schemas"] == [LIST_RESPONSE]:
        numbers = {"totalResults", "startIndex", "itemsPerPage"}
        # A page behind a cursor has no position (RFC 9865).
        assert numbers - {*document} <= {"startIndex"}
        assert {type(document[name]) for name in numbers & {*document}} == {int}
    elif "version" in document.get("meta", {}):
        assert document["meta"]["version"] == answer.headers["ETag"]
    for resource in document.get("Resources", [document]):
        kind = resource.get("meta", {}).get("resourceType")
        if kind in ("User", "Group"):
            _check_resource(resource)


def _check_resource(resource: Json) -> None:
    assert isinstance(resource["id"], str)
    assert resource["id"]
    version = resource["meta"].get("version", 'W/""')
    assert version.startswith('W/"')
    assert version.endswith('"')
    assert resource["schemas"][0] in (USER, GROUP)
    assert {name for name in resource if ":" in name} <= {*resource["schemas"][1:]}


def _names(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        yield from document
    parts: Sequence[Any] = [*document.values()] if isinstance(document, dict) else document
    for part in parts:
        if isinstance(part, dict | list):
            yield from _names(part)


def _passwords(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for name, value in document.items():
            if name.lower() == "password" and isinstance(value, str):
                yield value
            else:
                yield from _passwords(value)
    elif isinstance(document, list):
        for each in document:
            yield from _passwords(each)
