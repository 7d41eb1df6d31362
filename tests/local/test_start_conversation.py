"""The main job end to end: identity providers talk to `start`, on each store, as to a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.local.test_start import WAIT, started

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENT = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
PATCH_OP = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


class Idp:
    """An identity provider connected to a directory of a running process."""

    def __init__(self, base: str, token: str) -> None:
        self._base = base
        self._headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/scim+json; charset=utf-8",
            "Accept": "application/scim+json",
        }

    def send(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Return status and body of the answer."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(self._base + path, data, self._headers, method=method)  # noqa: S310 - loopback
        try:
            with urlopen(request, timeout=WAIT) as response:  # noqa: S310 - as above
                text = response.read()
                return response.status, json.loads(text) if text else None
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def patch(self, path: str, *operations: dict[str, Any]) -> int:
        """Send a PatchOp message and return the status."""
        message = {"schemas": [PATCH_OP], "Operations": list(operations)}
        return self.send("PATCH", path, message)[0]

    def found(self, query: str) -> list[str]:
        """Return the ids that a filter finds."""
        status, body = self.send("GET", f"/Users?filter={query}")
        assert status == 200
        return [each["id"] for each in body["Resources"]]


def entra(idp: Idp) -> None:
    """Test the connection, match, create, change, disable, restore, delete; in both dialects."""
    assert idp.found("userName+eq+%224f0e2b0a-8f2c-4a75-9a35-0d6d4f6c2b11%22") == []
    body = {
        "schemas": [USER, ENT],
        "externalId": "kim.larsen",
        "userName": "kim.larsen@example.com",
        "active": "True",
        "name": {"familyName": "Larsen", "givenName": "Kim"},
        "emails": [{"primary": True, "type": "work", "value": "kim.larsen@example.com"}],
        "roles": [],
        "meta": {"resourceType": "User"},
        ENT: {"department": "Bridges"},
    }
    status, kim = idp.send("POST", "/Users", body)
    assert status == 201
    path = f"/Users/{kim['id']}"
    assert idp.found("userName+eq+%22KIM.LARSEN%40example.com%22") == [kim["id"]]
    assert idp.send("POST", "/Users", body)[0] == 409
    legacy = [
        {"op": "Replace", "path": 'emails[type eq "work"].value', "value": "kim@example.com"},
        {"op": "Add", "path": f"{ENT}:department", "value": "Tunnels"},
    ]
    assert idp.patch(path, *legacy) == 200
    assert idp.patch(path, {"op": "replace", "value": {"name.familyName": "Holm"}}) == 200
    assert idp.patch(path, {"op": "Replace", "path": "active", "value": "False"}) == 200
    shown = idp.send("GET", path)[1]
    assert (shown["active"], shown["name"]["familyName"]) == (False, "Holm")
    assert shown["emails"][0]["value"] == "kim@example.com"
    assert shown[ENT] == {"department": "Tunnels"}
    assert idp.patch(path, {"op": "replace", "value": {"active": True}}) == 200
    assert idp.send("GET", path)[1]["active"] is True
    assert idp.send("DELETE", path) == (204, None)
    assert idp.send("GET", path)[0] == 404
    assert idp.found("userName+eq+%22kim.larsen%40example.com%22") == []


def okta(idp: Idp) -> None:
    """Match, create, update by PUT, deactivate by PATCH and by PUT, re-hire."""
    assert idp.send("GET", "/Users?startIndex=1&count=2")[1]["Resources"] == []
    body = {
        "schemas": [USER],
        "userName": "lee.chan@example.com",
        "name": {"givenName": "Lee", "familyName": "Chan"},
        "emails": [{"primary": True, "value": "lee.chan@example.com", "type": "work"}],
        "externalId": "00uexample7f3aaaaaaaa",
        "groups": [],
        "password": "placeholder-Zq81",
        "active": True,
    }
    status, lee = idp.send("POST", "/Users", body)
    assert status == 201
    assert "password" not in lee
    path = f"/Users/{lee['id']}"
    shown = idp.send("GET", path)[1]
    status, changed = idp.send("PUT", path, {**shown, "title": "Surveyor"})
    assert (status, changed["title"]) == (200, "Surveyor")
    assert idp.patch(path, {"op": "replace", "value": {"active": False}}) == 200
    assert idp.found("userName%20eq%20%22lee.chan%40example.com%22") == [lee["id"]]
    shown = idp.send("GET", path)[1]
    assert shown["active"] is False
    assert idp.send("PUT", path, {**shown, "active": True})[1]["active"] is True
    assert idp.send("PUT", path, {**shown, "active": False})[1]["active"] is False


@pytest.mark.parametrize("store", ["sqlite", "azurite"])
def test_identity_providers_talk_to_start(tmp_path: Path, store: str) -> None:
    """Entra's and Okta's life cycles run over HTTP, each in a directory of its own."""
    options = ("--store", store, "--directory", "Entra", "--directory", "Okta")
    with started(tmp_path, *options) as running:
        for speak, told in zip((entra, okta), running.told["directories"], strict=True):
            speak(Idp(told["baseUrl"], told["token"]))
