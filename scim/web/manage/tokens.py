"""Tokens of a directory: made, rotated, revoked; a value is shown once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, Field

from scim.provisioning.tokens.stored import Scope, StoredToken, TokenState
from scim.provisioning.tokens.tokens import LIFE_MAX, NewToken
from scim.web.manage.models import Label, OnceShown, Sent, Shown, Time
from scim.web.manage.pages import PAGING, Page, page
from scim.web.manage.problems import Fault, Invalid, Refused
from scim.web.manage.routes import Managed, Reply, Route

Days = Annotated[int, Field(ge=1, le=LIFE_MAX.days, strict=True)]


class TokenRequest(Sent):
    """A token to be made; without days it lives as long as the setting TOKEN_DAYS says."""

    description: Label
    scope: Scope = Scope.SCIM
    expires_in_days: Days | None = None


class TokenRotation(Sent):
    """How long the new token lives, and from when on the old one is refused.

    Without `oldExpiresAt` the old one lives on until it expires.
    """

    expires_in_days: Days | None = None
    old_expires_at: AwareDatetime | None = None


class LastUsed(Shown):
    """The last use of a token, to the minute, and some minutes late."""

    time: Time
    address: str
    user_agent: str


class Token(Shown):
    """A token. `stillUsed`, once it was replaced: used since then, within the last day."""

    id: str
    description: str
    scope: Scope
    created_at: Time
    expires_at: Time
    state: TokenState
    last_used: LastUsed | None
    replaced_by: str | None
    still_used: bool | None


class CreatedToken(Token):
    """A token with its value, which is in no other answer: null where one is given again."""

    value: OnceShown


def shown(stored: StoredToken, now: datetime) -> Token:
    """Return a token as listings show it."""
    token = stored.token
    used = stored.used
    return Token(
        id=token.id,
        description=token.description,
        scope=token.scope,
        created_at=token.created_at,
        expires_at=token.expires_at,
        state=stored.state(now),
        last_used=LastUsed(**dict(used)) if used else None,
        replaced_by=token.replaced_by,
        still_used=stored.still_used(now),
    )


def created(new: NewToken) -> CreatedToken:
    """Return a new token with its value."""
    token = shown(StoredToken(new.token, etag=""), new.token.created_at)
    return CreatedToken(**dict(token), value=new.value)


async def _create(call: Managed) -> Reply:
    directory = await call.connected()
    new = call.read(TokenRequest)
    token = await call.services.tokens.create(
        directory.id, new.description, new.scope, life(new.expires_in_days), call.by
    )
    return _created(directory.id, token)


async def _list(call: Managed) -> Reply:
    directory = await call.directory()
    now = call.by.at
    body = await page(
        call,
        await call.services.tokens.all(directory.id),
        lambda each: [each.token.created_at.isoformat(), each.token.id],
        lambda each: shown(each, now),
    )
    return Reply(body)


async def _get(call: Managed) -> Reply:
    directory = await call.directory()
    token = await call.services.tokens.read(directory.id, call.parts["token"])
    return Reply(shown(token, call.by.at))


async def _revoke(call: Managed) -> Reply:
    directory = await call.directory()
    now = call.by.at
    token = await call.services.tokens.revoke(
        directory.id, call.parts["token"], call.by, lambda each: call.demand(shown(each, now))
    )
    return Reply(shown(token, now))


async def _rotate(call: Managed) -> Reply:
    directory = await call.connected()
    asked = call.read(TokenRotation)
    old = await call.services.tokens.read(directory.id, call.parts["token"])
    now = call.by.at
    call.demand(shown(old, now))
    if old.token.state == "revoked":
        raise Refused("The token is revoked; make a new one.")
    if asked.old_expires_at and not now < asked.old_expires_at <= old.token.expires_at:
        raise Invalid(
            (
                Fault(
                    pointer="/oldExpiresAt",
                    detail="has to lie between now and the old token's own expiry; "
                    "to end it now, revoke it",
                ),
            )
        )
    token = await call.services.tokens.replace(
        directory.id,
        old.token,
        call.by,
        life=life(asked.expires_in_days),
        old_expires_at=asked.old_expires_at,
    )
    return _created(directory.id, token)


def _created(directory: str, new: NewToken) -> Reply:
    token = shown(StoredToken(new.token, etag=""), new.token.created_at)
    return Reply(created(new), f"directories/{directory}/tokens/{new.id}", resource=token)


def life(days: int | None) -> timedelta | None:
    """Return how long a token lives; None is what the setting says."""
    return None if days is None else timedelta(days=days)


ROUTES = (
    Route(
        "GET",
        "{directory}/tokens",
        _list,
        "List tokens, those that ended too",
        gives=Page[Token],
        query=PAGING,
    ),
    Route(
        "POST",
        "{directory}/tokens",
        _create,
        "Make a token",
        takes=TokenRequest,
        gives=CreatedToken,
        status=201,
    ),
    Route("GET", "{directory}/tokens/{token}", _get, "Read a token", gives=Token),
    Route(
        "DELETE",
        "{directory}/tokens/{token}",
        _revoke,
        "Revoke a token; it is refused everywhere within a minute",
        gives=Token,
    ),
    Route(
        "POST",
        "{directory}/tokens/{token}/rotate",
        _rotate,
        "Make a token in place of another; both are live until the old one expires",
        takes=TokenRotation,
        gives=CreatedToken,
        status=201,
    ),
)
