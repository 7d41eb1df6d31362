from __future__ import annotations

import json

import azure.functions as func
import pytest

from local.directories import Directory, provided
from local.setup import SetupFailed
from tests.local.client import KEY, serving


def an_app(known: dict[str, str]) -> func.FunctionApp:
    """Return an app that speaks the part of the management API that `start` uses."""
    app = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)

    @app.route("manage/v1/directories")
    def directories(req: func.HttpRequest) -> func.HttpResponse:
        if req.method == "GET":
            name = req.params["name"]
            items = [described(name)] if name in known else []
            return func.HttpResponse(json.dumps({"items": items, "nextCursor": None}))
        name = req.get_json()["name"]
        if name == "bad":
            return func.HttpResponse('{"detail": "not this name"}', status_code=422)
        known[name] = f"id-of-{name}"
        made = {**described(name), "token": {"value": f"token-of-{name}"}}
        return func.HttpResponse(json.dumps(made), status_code=201)

    def described(name: str) -> dict[str, str]:
        return {"id": known[name], "name": name, "baseUrl": f"https://x/{known[name]}"}

    return app


async def test_directories_are_created_where_missing() -> None:
    """A new directory comes with its token; one that was there has none, and is not repeated."""
    async with serving(an_app({"old": "1"})) as client:
        found = await provided(client.origin, KEY, ["old", "new", "new"])
    assert found == [
        Directory("1", "old", "https://x/1", None),
        Directory("id-of-new", "new", "https://x/id-of-new", "token-of-new"),
    ]
    assert "token-of-new" not in repr(found)


async def test_a_refusal_is_shown_in_one_line() -> None:
    """What the product answers instead stands in the error."""
    async with serving(an_app({})) as client:
        with pytest.raises(SetupFailed, match=r"answered 422.*not this name"):
            await provided(client.origin, KEY, ["bad"])
