"""OAuth clients of a directory, and their secrets: made and revoked; a value is shown once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from scim.provisioning.tokens import clients as stored
from scim.provisioning.tokens.stored import Scope, StoredToken
from scim.web.manage import tokens
from scim.web.manage.models import Label, Sent, Shown, Time
from scim.web.manage.pages import PAGING, Page, page
from scim.web.manage.routes import Managed, Reply, Route
from scim.web.manage.tokens import CreatedToken, Days, Token, life


class ClientRequest(Sent):
    """A client to be made, with its first secret; its days are those of a token."""

    description: Label
    scope: Scope = Scope.SCIM
    expires_in_days: Days | None = None


class SecretRequest(Sent):
    """One more secret of a client; the others stay valid."""

    expires_in_days: Days | None = None


class Client(Shown):
    """A client. Its id, a secret and the two addresses are what an identity provider asks for."""

    id: str
    description: str
    scope: Scope
    created_at: Time
    token_url: str
    base_url: str
    secrets: tuple[Token, ...]


class CreatedClient(Client):
    """A client with the value of its first secret."""

    secret: CreatedToken


async def _create(call: Managed) -> Reply:
    directory = await call.connected()
    new = call.read(ClientRequest)
    clients = call.services.clients
    client = await clients.create(directory.id, new.description, new.scope, call.by)
    secret = tokens.created(
        await clients.add_secret(directory.id, client.id, life(new.expires_in_days), call.by)
    )
    shown = _shown(call, client, [Token(**dict(secret))])
    body = CreatedClient(**dict(shown), secret=secret)
    return Reply(body, f"directories/{directory.id}/clients/{client.id}", resource=shown)


async def _list(call: Managed) -> Reply:
    directory = await call.directory()
    services = call.services
    secrets = await services.tokens.secrets(directory.id)
    body = await page(
        call,
        await services.clients.all(directory.id),
        lambda each: [each.created_at.isoformat(), each.id],
        lambda each: _shown(call, each, _of(each, secrets, call.by.at)),
    )
    return Reply(body)


async def _get(call: Managed) -> Reply:
    return Reply(await _read(call))


async def _delete(call: Managed) -> Reply:
    directory = await call.directory()
    if call.request.headers.get("if-match"):
        call.demand(await _read(call))
    await call.services.clients.delete(directory.id, call.parts["client"], call.by)
    return Reply()


async def _add_secret(call: Managed) -> Reply:
    directory = await call.connected()
    new = call.read(SecretRequest)
    client = call.parts["client"]
    secret = await call.services.clients.add_secret(
        directory.id, client, life(new.expires_in_days), call.by
    )
    made = tokens.created(secret)
    location = f"directories/{directory.id}/clients/{client}/secrets/{made.id}"
    return Reply(made, location, resource=Token(**dict(made)))


async def _get_secret(call: Managed) -> Reply:
    directory = await call.directory()
    secret = await call.services.tokens.read(
        directory.id, call.parts["secret"], call.parts["client"]
    )
    return Reply(tokens.shown(secret, call.by.at))


async def _revoke_secret(call: Managed) -> Reply:
    directory = await call.directory()
    now = call.by.at
    secret = await call.services.tokens.revoke(
        directory.id,
        call.parts["secret"],
        call.by,
        lambda each: call.demand(tokens.shown(each, now)),
        client=call.parts["client"],
    )
    return Reply(tokens.shown(secret, now))


async def _read(call: Managed) -> Client:
    directory = await call.directory()
    client = await call.services.clients.read(directory.id, call.parts["client"])
    secrets = await call.services.tokens.secrets(directory.id)
    return _shown(call, client, _of(client, secrets, call.by.at))


def _of(client: stored.Client, secrets: Sequence[StoredToken], now: datetime) -> list[Token]:
    return [tokens.shown(each, now) for each in secrets if each.token.client == client.id]


def _shown(call: Managed, client: stored.Client, secrets: Sequence[Token]) -> Client:
    directory = call.parts["directory"]
    return Client(
        **dict(client),
        token_url=call.services.token_url(directory),
        base_url=call.services.base_url(directory),
        secrets=tuple(sorted(secrets, key=lambda each: (each.created_at, each.id))),
    )


ROUTES = (
    Route(
        "GET",
        "{directory}/clients",
        _list,
        "List OAuth clients",
        gives=Page[Client],
        query=PAGING,
    ),
    Route(
        "POST",
        "{directory}/clients",
        _create,
        "Make an OAuth client with its first secret",
        takes=ClientRequest,
        gives=CreatedClient,
        status=201,
    ),
    Route("GET", "{directory}/clients/{client}", _get, "Read an OAuth client", gives=Client),
    Route(
        "DELETE",
        "{directory}/clients/{client}",
        _delete,
        "Delete an OAuth client; what it was given is refused everywhere within a minute",
        gives=None,
    ),
    Route(
        "POST",
        "{directory}/clients/{client}/secrets",
        _add_secret,
        "Make one more secret; the others stay valid",
        takes=SecretRequest,
        gives=CreatedToken,
        status=201,
    ),
    Route(
        "GET",
        "{directory}/clients/{client}/secrets/{secret}",
        _get_secret,
        "Read a secret, without its value",
        gives=Token,
    ),
    Route(
        "DELETE",
        "{directory}/clients/{client}/secrets/{secret}",
        _revoke_secret,
        "Revoke a secret; it and its access tokens are refused everywhere within a minute",
        gives=Token,
    ),
)
