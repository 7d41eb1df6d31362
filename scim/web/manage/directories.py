"""Directories: connections to identity providers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from scim.protocol.errors import ScimError
from scim.protocol.presence import presence
from scim.provisioning.directories import Directory, NameTaken
from scim.provisioning.policy import Policy
from scim.provisioning.tokens import NewToken
from scim.provisioning.versions import timestamp
from scim.web.manage.merge_patch import MERGE_PATCH, merge_patch
from scim.web.manage.problems import Taken, checked, read
from scim.web.manage.routes import Managed, Route, answer
from scim.web.requests import JSON_TYPES
from scim.web.services import Services


class Overrides(Policy):
    """What a directory's policy sets otherwise than the installation's."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)

    @field_validator("required_attributes")
    @classmethod
    def _fillable(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            try:
                presence(name, info.context)
            except ScimError as error:
                raise ValueError(error.detail) from None
        return names


class NewDirectory(BaseModel):
    """What POST /manage/v1/directories takes, and what PATCH of one may change."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=100)
    policy: Overrides = Overrides()


async def _create(call: Managed) -> func.HttpResponse:
    services = call.services
    new = read(NewDirectory, call.request, context=services.users.kind)
    with _taken(new.name):
        directory = await services.directories.create(new.name, new.policy)
    token = await services.tokens.create(directory.id, "First token")
    body = {**_directory(services, directory), "token": _token(token)}
    location = f"{services.public_base}/manage/v1/directories/{directory.id}"
    return answer(201, body, {"Location": location})


async def _list(call: Managed) -> func.HttpResponse:
    services = call.services
    name = call.request.query.get("name")
    if name is None:
        found = await services.directories.all()
    else:
        named = await services.directories.named(name)
        found = [named] if named else []
    items = [_directory(services, directory) for directory in found]
    return answer(200, {"items": items, "nextCursor": None})


async def _get(call: Managed) -> func.HttpResponse:
    return answer(200, _directory(call.services, await call.directory()))


async def _patch(call: Managed) -> func.HttpResponse:
    services = call.services
    patch = call.request.object(media_types=(*JSON_TYPES, MERGE_PATCH))

    def change(directory: Directory) -> Directory:
        known = directory.model_dump(mode="json", by_alias=True, include={"name", "policy"})
        new = checked(NewDirectory, merge_patch(known, patch), context=services.users.kind)
        return directory.model_copy(update={"name": new.name, "policy": new.policy})

    with _taken(str(patch.get("name"))):
        changed = await services.directories.change(call.parts["directory"], change)
    return answer(200, _directory(services, changed))


@contextmanager
def _taken(name: str) -> Iterator[None]:
    try:
        yield
    except NameTaken as taken:
        raise Taken(
            f"The directory {taken.directory_id} has the name {name!r}; choose another."
        ) from taken


def _directory(services: Services, directory: Directory) -> dict[str, Any]:
    return {
        **directory.model_dump(mode="json", by_alias=True),
        "effectivePolicy": services.policy.overridden_by(directory.policy).model_dump(
            mode="json", by_alias=True
        ),
        "baseUrl": services.base_url(directory.id),
    }


def _token(token: NewToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "value": token.value,
        "description": token.description,
        "scope": token.scope,
        "createdAt": timestamp(token.created_at),
        "expiresAt": timestamp(token.expires_at),
        "state": "active",
    }


ROUTES = (
    Route("GET", "", _list),
    Route("POST", "", _create),
    Route("GET", "{directory}", _get),
    Route("PATCH", "{directory}", _patch),
)
