"""Refusals of the management API: problem documents (RFC 9457)."""

from __future__ import annotations

from typing import Any, TypeVar

import azure.functions as func
import orjson
from pydantic import BaseModel, ValidationError

from scim.protocol.errors import ScimError
from scim.web.requests import Request

PROBLEM = "application/problem+json"

Model = TypeVar("Model", bound=BaseModel)


class Invalid(ScimError):
    """A body that does not fit its model; `errors` are JSON pointers with what is wrong."""

    status = 422

    def __init__(self, errors: list[dict[str, str]]) -> None:
        super().__init__("The body does not fit; see errors.")
        self.errors = errors


class Taken(ScimError):
    """A name that another directory has."""

    status = 409


def read(model: type[Model], request: Request, context: object = None) -> Model:
    """Return the body as a model. Raises Invalid, or what a body that is no object raises."""
    return checked(model, request.object(), context)


def checked(model: type[Model], value: Any, context: object = None) -> Model:  # noqa: ANN401 - any JSON
    """Return the value as a model. Raises Invalid; `context` is for the model's validators."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        raise Invalid(
            [
                {
                    "pointer": "/" + "/".join(map(str, each["loc"])),
                    "detail": each["msg"].removeprefix("Value error, "),
                }
                for each in error.errors(include_input=False, include_url=False)
            ]
        ) from None


def problem(error: ScimError, message_id: str) -> func.HttpResponse:
    """Return the problem document of an error."""
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
