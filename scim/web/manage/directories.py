"""Directories: connections to identity providers."""

from __future__ import annotations

from typing import Any

import azure.functions as func
from pydantic import BaseModel, ConfigDict, Field

from scim.provisioning.directories import Directory, NameTaken
from scim.provisioning.tokens import NewToken
from scim.provisioning.versions import timestamp
from scim.web.manage.problems import Taken, read
from scim.web.manage.routes import Managed, Route, answer
from scim.web.services import Services


class NewDirectory(BaseModel):
    """What POST /manage/v1/directories takes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=100)


async def _create(call: Managed) -> func.HttpResponse:
    services = call.services
    new = read(NewDirectory, call.request)
    try:
        directory = await services.directories.create(new.name)
    except NameTaken as taken:
        raise Taken(
            f"The directory {taken.directory_id} has the name {new.name!r}; choose another."
        ) from taken
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


def _directory(services: Services, directory: Directory) -> dict[str, Any]:
    return {
        **directory.model_dump(mode="json", by_alias=True),
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
)
