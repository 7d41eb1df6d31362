"""The description of the management API."""

from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from scim.web.manage.families import FAMILIES
from tests.endpoint import Directory, Endpoint


async def document(endpoint: Endpoint) -> Any:
    """Return what is answered."""
    answer = await endpoint.manage("GET", "/openapi.json")
    assert answer.status == 200, answer.raw
    return answer.json


async def test_the_document_is_openapi(endpoint: Endpoint) -> None:
    """It keeps the specification of OpenAPI 3.1, and names the server and the function key."""
    found = await document(endpoint)
    OpenAPIV31SpecValidator(found).validate()
    assert found["servers"] == [{"url": "https://scim.example.com"}]
    assert found["components"]["securitySchemes"]["functionKey"]["name"] == "x-functions-key"


async def test_every_route_is_in_it(endpoint: Endpoint) -> None:
    """And nothing else; each with a summary, its answer, and the model of its body."""
    found = await document(endpoint)
    described = {
        (method.upper(), path): operation
        for path, operations in found["paths"].items()
        for method, operation in operations.items()
    }
    served = {
        (route.method, "/".join(filter(None, ("/manage/v1", family, route.path)))): route
        for family, routes in FAMILIES.items()
        for route in routes
    }
    assert described.keys() == served.keys()
    for key, route in served.items():
        assert described[key]["summary"]
        assert str(route.status if route.gives else 204) in described[key]["responses"]
        assert ("requestBody" in described[key]) is (route.takes is not None)
    identifiers = [each["operationId"] for each in described.values()]
    assert len(set(identifiers)) == len(identifiers)


async def test_every_route_is_served(directory: Directory) -> None:
    """Each described call reaches its handler: no 404 for the path, no 405, no 5xx."""
    endpoint = directory.endpoint
    made = await endpoint.manage(
        "POST", f"/directories/{directory.id}/tokens", {"description": "x"}
    )
    parts = {"directory": directory.id, "token": made.json["id"]}
    for path, operations in (await document(endpoint))["paths"].items():
        filled = re.sub(r"{(\w+)}", lambda part: parts.get(part[1], "none"), path)
        for method in operations:
            body: Any = None if method == "get" else {}
            answer = await endpoint.manage(method.upper(), filled.removeprefix("/manage/v1"), body)
            assert answer.status not in (405, 500, 501, 503), (method, path, answer.raw)
            assert b"nothing under this path" not in answer.raw


@pytest.mark.parametrize(
    ("model", "names"),
    [
        ("NewDirectory", ["name"]),
        ("TokenRequest", ["description"]),
        ("TokenRotation", None),
        ("DirectoryChange", None),
    ],
)
async def test_what_is_required_is_said(
    endpoint: Endpoint, model: str, names: list[str] | None
) -> None:
    """Of a merge patch nothing is."""
    schemas = (await document(endpoint))["components"]["schemas"]
    assert schemas[model].get("required") == names
    assert schemas[model]["additionalProperties"] is False
