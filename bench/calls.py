"""The calls that are measured, as an identity provider sends them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count, cycle, islice
from typing import Any, Final
from urllib.parse import quote

import orjson

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"

_NEW = count(10_000_000)  # numbers of users that nobody was filled with


def user_body(number: int) -> dict[str, Any]:
    """Return a user as Entra creates it: sixteen attributes."""
    address = user_name(number)
    return {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "externalId": f"external-{number}",
        "userName": address,
        "active": True,
        "displayName": f"Kim Larsen {number}",
        "title": "Engineer",
        "preferredLanguage": "en-US",
        "name": {"givenName": "Kim", "familyName": f"Larsen {number}", "formatted": "Kim Larsen"},
        "emails": [{"type": "work", "value": address, "primary": True}],
        "phoneNumbers": [{"type": "work", "value": "+45 11 22 33 44"}],
        "addresses": [
            {"type": "work", "locality": "Aarhus", "postalCode": "8000", "country": "DK"}
        ],
        ENTERPRISE: {"department": "Tunnels", "employeeNumber": str(number)},
    }


def user_name(number: int) -> str:
    """Return the userName of a user by its number."""
    return f"user{number}@example.com"


@dataclass
class Population:
    """A directory under load: where it is, and whom it holds.

    Numbers are never used twice, so every PATCH changes something and every POST is new.
    """

    port: int
    base: str
    token: str
    ids: Sequence[str]
    new: Iterator[int] = field(default_factory=lambda: _NEW)
    _patched: int = 0

    def create(self, number: int) -> list[bytes]:
        """POST user."""
        made = islice(self.new, number)
        return [self.request("POST", "/Users", user_body(each)) for each in made]

    def find(self, number: int) -> list[bytes]:
        """Filter userName."""
        some = islice(cycle(range(len(self.ids))), number)
        filters = (quote(f'userName eq "{user_name(each)}"') for each in some)
        return [self.request("GET", f"/Users?filter={each}") for each in filters]

    def get(self, number: int) -> list[bytes]:
        """GET user by id."""
        some = islice(cycle(self.ids), number)
        return [self.request("GET", f"/Users/{each}") for each in some]

    def patch(self, number: int) -> list[bytes]:
        """PATCH active: everybody off, then everybody on, …."""
        made = []
        for turn in range(self._patched, self._patched + number):
            again, user = divmod(turn, len(self.ids))
            body = message({"op": "replace", "path": "active", "value": again % 2 == 1})
            made.append(self.request("PATCH", f"/Users/{self.ids[user]}", body))
        self._patched += number
        return made

    def page(self, number: int) -> list[bytes]:
        """List 100 users, from pages all over the directory."""
        starts = cycle(range(1, max(2, len(self.ids) - 100), max(1, len(self.ids) // 17)))
        return [
            self.request("GET", f"/Users?startIndex={start}&count=100")
            for start in islice(starts, number)
        ]

    def add(self, group: str, members: Sequence[str]) -> list[bytes]:
        """PATCH group: add one member, for each of the members."""
        return [
            self.request(
                "PATCH",
                f"/Groups/{group}",
                message({"op": "add", "path": "members", "value": [{"value": each}]}),
            )
            for each in members
        ]

    def remove(self, group: str, members: Sequence[str]) -> list[bytes]:
        """PATCH group: remove one member, for each of the members."""
        return [
            self.request(
                "PATCH",
                f"/Groups/{group}",
                message({"op": "remove", "path": f'members[value eq "{each}"]'}),
            )
            for each in members
        ]

    def request(self, method: str, path: str, body: Any = None) -> bytes:  # noqa: ANN401 - any JSON
        """Return a request to this directory, as it goes over the wire."""
        content = b"" if body is None else orjson.dumps(body)
        lines = [
            f"{method} {self.base}{path} HTTP/1.1",
            f"Host: 127.0.0.1:{self.port}",
            f"Authorization: Bearer {self.token}",
            "Accept: application/scim+json",
        ]
        if content:
            lines += ["Content-Type: application/scim+json", f"Content-Length: {len(content)}"]
        return "\r\n".join([*lines, "", ""]).encode() + content


def message(*operations: dict[str, Any]) -> dict[str, Any]:
    """Return a PatchOp message."""
    return {"schemas": [PATCH], "Operations": operations}
