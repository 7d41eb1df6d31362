"""Refusals of the management API: problem documents (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, TypeVar

import azure.functions as func
from pydantic import BaseModel, ValidationError

from scim.protocol.errors import ScimError
from scim.web.manage.models import Shown

# RFC 9110 §15.5 renamed these; older Pythons still say the old names.
_RENAMED = {413: "Content Too Large", 422: "Unprocessable Content"}

PROBLEM = "application/problem+json"

Model = TypeVar("Model", bound=BaseModel)


class Fault(Shown):
    """What is wrong at one place of the body, given as a JSON pointer (RFC 6901)."""

    pointer: str
    detail: str


class Problem(Shown):
    """A problem document; the message id is what the log knows the call by."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    message_id: str
    errors: tuple[Fault, ...] = ()


class Invalid(ScimError):
    """A body that does not fit its model."""

    status = 422

    def __init__(self, errors: tuple[Fault, ...]) -> None:
        super().__init__("The body does not fit; see errors.")
        self.errors = errors


class Refused(ScimError):
    """A call that does not fit the state of things: a name that is taken, a deleted directory."""

    status = 409


def checked(model: type[Model], value: Any, context: object = None) -> Model:  # noqa: ANN401 - any JSON
    """Return the value as a model. Raises Invalid; `context` is for the model's validators."""
    try:
        return model.model_validate(value, context=context)
    except ValidationError as error:
        raise Invalid(
            tuple(
                Fault(
                    pointer="".join(f"/{_escaped(each)}" for each in one["loc"]),
                    detail=one["msg"].removeprefix("Value error, "),
                )
                for one in error.errors(include_input=False, include_url=False)
            )
        ) from None


def problem(error: ScimError, message_id: str) -> func.HttpResponse:
    """Return the problem document of an error."""
    document = Problem(
        title=_RENAMED.get(error.status) or HTTPStatus(error.status).phrase,
        status=error.status,
        detail=error.detail,
        message_id=message_id,
        errors=error.errors if isinstance(error, Invalid) else (),
    )
    return func.HttpResponse(
        document.model_dump_json(
            by_alias=True, exclude={"errors"} if not document.errors else None
        ),
        status_code=error.status,
        headers=dict(error.headers),
        mimetype=PROBLEM,
    )


def _escaped(name: str | int) -> str:
    return str(name).replace("~", "~0").replace("/", "~1")
