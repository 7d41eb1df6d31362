"""What an identity provider does at the token endpoint, and with the tokens it gets there."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

from scim.provisioning.directories.federation import Federation
from scim.provisioning.log.management import By
from scim.provisioning.tokens.tokens import CLIENT_SECRET, Scope
from tests.endpoint import SCIM_JSON, Answer, Directory, Endpoint
from tests.endpoint import admin as endpoint_admin
from tests.web.key_set_server import AUDIENCE, ISSUER, SUBJECT, KeySetServer

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
FORM = "application/x-www-form-urlencoded"


@dataclass
class Client:
    """A client of a directory, with its first secret."""

    directory: Directory
    id: str
    secret: str

    @property
    def secret_id(self) -> str:
        return CLIENT_SECRET.id_of(self.secret) or ""

    async def add_secret(self, days: float = 365) -> Client:
        """Return the client with one more secret, its new one."""
        clients = self.directory.endpoint.services.clients
        life, by = timedelta(days=days), admin(self.directory.endpoint)
        made = await clients.add_secret(self.directory.id, self.id, life, by)
        return Client(self.directory, self.id, made.value)

    async def ask(self, **changed: Any) -> Answer:
        """Ask for a token as Entra does; a parameter that is None is left out."""
        form = {
            "grant_type": "client_credentials",
            "client_id": self.id,
            "client_secret": self.secret,
        }
        return await ask(self.directory, form | changed)

    async def token(self) -> str:
        """Return a new access token."""
        return granted(await self.ask())


def admin(endpoint: Endpoint) -> By:
    """Return an admin in a call of now."""
    return endpoint_admin(endpoint.clock)


async def new_client(directory: Directory, scope: Scope = Scope.SCIM, days: float = 365) -> Client:
    """Make a client with a secret."""
    clients = directory.endpoint.services.clients
    made = await clients.create(directory.id, "Entra", scope, admin(directory.endpoint))
    return await Client(directory, made.id, "").add_secret(days)


async def federate(directory: Directory, idp: KeySetServer, **changed: Any) -> Federation:
    """Let the directory trust the workload of the identity provider."""
    endpoint = directory.endpoint
    federation = Federation.model_validate(
        {
            "issuer": ISSUER,
            "subject": SUBJECT,
            "audience": (AUDIENCE,),
            "jwks_url": idp.jwks_url,
            "client_id": "client-of-the-federation",
            "created_at": endpoint.clock(),
        }
        | changed
    )
    await endpoint.services.directories.change(
        directory.id, lambda known: known.model_copy(update={"federation": federation})
    )
    return federation


async def assert_identity(directory: Directory, assertion: str, **changed: Any) -> Answer:
    """Ask for a token with an assertion as Entra does."""
    form = {
        "grant_type": "client_credentials",
        "client_id": "client-of-the-federation",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": assertion,
        "scope": f"{AUDIENCE}/.default",
    }
    return await ask(directory, form | changed)


async def ask(directory: Directory, form: dict[str, Any], **headers: str) -> Answer:
    """Send a form to the token endpoint; a parameter that is None is left out."""
    sent = {name: each for name, each in form.items() if each is not None}
    return await post(directory, urlencode(sent).encode(), **headers)


async def post(directory: Directory, body: bytes, **headers: str) -> Answer:
    """Send a body to the token endpoint."""
    path = f"/oauth/{directory.id}/token"
    return await directory.endpoint.send("POST", path, body, {"Content-Type": FORM} | headers)


def basic(client: str, secret: str) -> str:
    """Return the Authorization header of RFC 6749 §2.3.1."""
    pair = f"{quote(client, safe='')}:{quote(secret, safe='')}"
    return "Basic " + base64.b64encode(pair.encode()).decode()


def granted(answer: Answer) -> str:
    """Check all that is promised of a granted token, and return it."""
    assert answer.status == 200, answer.raw
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"].startswith("application/json")
    body = answer.json
    assert set(body) == {"access_token", "token_type", "expires_in", "scope"}
    assert body["token_type"] == "Bearer"
    assert body["expires_in"] == 3600
    token: str = body["access_token"]
    return token


def check_error(answer: Answer, status: int, error: str, says: str = "") -> None:
    """Check that the answer is this error (RFC 6749 §5.2)."""
    assert answer.status == status, answer.raw
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert set(body) == {"error", "error_description"}
    assert body["error"] == error
    assert says in body["error_description"]
    assert answer.headers["x-message-id"] in body["error_description"]
    assert re.fullmatch(r"[ !#-\[\]-~]+", body["error_description"])
    assert ("WWW-Authenticate" in answer.headers) is (status == 401)
    assert ("Retry-After" in answer.headers) is (status == 503)


async def scim_status(directory: Directory, token: str, method: str = "GET") -> int:
    """Return the status of a SCIM call with the token."""
    data = None if method == "GET" else b'{"userName": "kim@example.com"}'
    headers = {"Authorization": f"Bearer {token}", "Content-Type": SCIM_JSON}
    path = f"/scim/v2/{directory.id}/Users"
    return (await directory.endpoint.send(method, path, data, headers)).status
