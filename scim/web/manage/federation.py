"""Workload identity federation of a directory: whose assertions count instead of a secret."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field

from scim.protocol.errors import NotFound
from scim.provisioning.directories import federation as stored
from scim.provisioning.directories.stored import Directory
from scim.provisioning.tokens.clients import client_id
from scim.web.manage.models import Sent, Shown, Time
from scim.web.manage.problems import Refused
from scim.web.manage.routes import Managed, Reply, Route

Text = Annotated[str, Field(min_length=1, max_length=500)]


def _https(address: str) -> str:
    url = urlsplit(address)
    if url.scheme != "https" or not url.hostname or url.username or url.fragment:
        raise ValueError("has to be an address that begins with https://")
    return address


def _listed(audience: object) -> object:
    return [audience] if isinstance(audience, str) else audience


class FederationRequest(Sent):
    """The workload to trust, as the identity provider shows it; one audience or several."""

    issuer: Text
    subject: Text
    audience: Annotated[
        tuple[Text, ...], BeforeValidator(_listed), Field(min_length=1, max_length=10)
    ]
    jwks_url: Annotated[Text, AfterValidator(_https)]


class Federation(Shown):
    """A federation. `clientId` and the two addresses are what the identity provider asks for."""

    issuer: str
    subject: str
    audience: tuple[str, ...]
    jwks_url: str
    client_id: str
    token_url: str
    base_url: str
    created_at: Time


async def _put(call: Managed) -> Reply:
    trusted = call.read(FederationRequest)
    first = {"client_id": client_id(), "created_at": call.by.at}

    def change(directory: Directory) -> Directory:
        if directory.deletion is not None:
            raise Refused("The directory is deleted; restore it first.")
        known = directory.federation
        if known is not None:
            call.demand(_shown(call, known))
        kept = first if known is None else known.model_dump(include=set(first))
        federation = stored.Federation(**dict(trusted), **kept)
        return directory.model_copy(update={"federation": federation})

    return _reply(call, await call.services.directories.change(_name(call), change, call.by))


async def _get(call: Managed) -> Reply:
    return _reply(call, await call.directory())


async def _delete(call: Managed) -> Reply:
    def change(directory: Directory) -> Directory:
        call.demand(_shown(call, _existing(directory)))
        return directory.model_copy(update={"federation": None})

    await call.services.directories.change(_name(call), change, call.by)
    return Reply()


def _name(call: Managed) -> str:
    return call.parts["directory"]


def _reply(call: Managed, directory: Directory) -> Reply:
    return Reply(_shown(call, _existing(directory)))


def _existing(directory: Directory) -> stored.Federation:
    if directory.federation is None:
        raise NotFound("This directory has no federation.")
    return directory.federation


def _shown(call: Managed, federation: stored.Federation) -> Federation:
    return Federation(
        **dict(federation),
        token_url=call.services.token_url(_name(call)),
        base_url=call.services.base_url(_name(call)),
    )


ROUTES = (
    Route("GET", "{directory}/federation", _get, "Read the federation", gives=Federation),
    Route(
        "PUT",
        "{directory}/federation",
        _put,
        "Trust a workload of the identity provider, and no longer the one before",
        takes=FederationRequest,
        gives=Federation,
    ),
    Route(
        "DELETE",
        "{directory}/federation",
        _delete,
        "End the federation; its access tokens are refused everywhere within a minute",
        gives=None,
    ),
)
