"""The management API under /manage/v1: behind a function key, which the host checks."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeVar

import azure.functions as func
import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scim.protocol.errors import MethodNotAllowed, ScimError
from scim.provisioning.directories import Directory, NameTaken
from scim.provisioning.identifiers import resource_id
from scim.provisioning.tokens import NewToken
from scim.provisioning.versions import timestamp
from scim.web import responses
from scim.web.requests import Request, read_request
from scim.web.scim import METHODS
from scim.web.services import Provider, Services

PROBLEM = "application/problem+json"


class NewDirectory(BaseModel):
    """What POST /manage/v1/directories takes."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=100)


class Invalid(ScimError):
    """A body that does not fit its model; `errors` are JSON pointers with what is wrong."""

    status = 422

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("The body does not fit; see errors.")
        self.errors = errors


class Taken(ScimError):
    """A name that another directory has."""

    status = 409


def blueprint(provider: Provider) -> func.Blueprint:
    """Return the functions of the management API."""
    functions = func.Blueprint()

    async def directories(req: func.HttpRequest) -> func.HttpResponse:
        return await _answer(provider, req, {"GET": _list, "POST": _create})

    functions.function_name("manage_directories")(
        functions.route(
            route="manage/v1/directories",
            methods=METHODS,
            auth_level=func.AuthLevel.FUNCTION,
        )(directories)
    )
    return functions


_Handler = Callable[[Services, Request], Awaitable[func.HttpResponse]]


async def _answer(
    provider: Provider, req: func.HttpRequest, methods: Mapping[str, _Handler]
) -> func.HttpResponse:
    """Answer a call; every refusal and fault becomes a problem document (RFC 9457)."""
    message_id = "unknown"
    try:
        services = provider()
        message_id = resource_id(services.now())
        request = read_request(req)
        response = await _handler(methods, request)(services, request)
    except Exception as error:  # noqa: BLE001 - the one place where errors become answers
        response = _problem(responses.to_error(error, message_id), message_id)
    response.headers["x-message-id"] = message_id
    return response


def _handler(methods: Mapping[str, _Handler], request: Request) -> _Handler:
    if request.method in methods:
        return methods[request.method]
    allow = ", ".join(sorted(methods))
    raise MethodNotAllowed(f"Possible here: {allow}.", headers={"Allow": allow})


def _problem(error: ScimError, message_id: str) -> func.HttpResponse:
    body: dict[str, Any] = {
        "type": "about:blank",
        "status": error.status,
        "detail": error.detail,
        "messageId": message_id,
    }
    if isinstance(error, Invalid):
        body["errors"] = error.errors
    return func.HttpResponse(
        orjson.dumps(body),
        status_code=error.status,
        headers=dict(error.headers),
        mimetype=PROBLEM,
    )


async def _create(services: Services, request: Request) -> func.HttpResponse:
    new = _read(NewDirectory, request)
    try:
        directory = await services.directories.create(new.name)
    except NameTaken as taken:
        raise Taken(
            f"The directory {taken.directory_id} has the name {new.name!r}; choose another."
        ) from taken
    token = await services.tokens.create(directory.id, "First token")
    body = {**_directory(services, directory), "token": _token(token)}
    return _json(
        201, body, {"Location": f"{services.public_base}/manage/v1/directories/{directory.id}"}
    )


async def _list(services: Services, request: Request) -> func.HttpResponse:
    name = request.query.get("name")
    if name is None:
        found = await services.directories.all()
    else:
        named = await services.directories.named(name)
        found = [named] if named else []
    items = [_directory(services, directory) for directory in found]
    return _json(200, {"items": items, "nextCursor": None})


_Model = TypeVar("_Model", bound=BaseModel)


def _read(model: type[_Model], request: Request) -> _Model:
    try:
        return model.model_validate(request.object())
    except ValidationError as error:
        raise Invalid(
            [
                {"pointer": "/" + "/".join(map(str, each["loc"])), "detail": each["msg"]}
                for each in error.errors(include_input=False, include_url=False)
            ]
        ) from None


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


def _json(status: int, body: Any, headers: Mapping[str, str] | None = None) -> func.HttpResponse:  # noqa: ANN401 - any JSON
    return func.HttpResponse(
        orjson.dumps(body),
        status_code=status,
        headers=dict(headers or {}),
        mimetype="application/json",
    )
