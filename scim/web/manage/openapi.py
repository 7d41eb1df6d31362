"""The description of the management API (OpenAPI 3.1), made from its routes and models."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, RootModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from scim import __version__
from scim.web.manage.addresses import ROOT
from scim.web.manage.merge_patch import MERGE_PATCH
from scim.web.manage.problems import PROBLEM, Problem
from scim.web.manage.routes import Parameter, Route

_PLACE: Final = re.compile(r"{(\w+)}")
_CONDITIONS: Final = {
    "GET": ("If-None-Match", "An ETag: 304 if the resource still has it."),
    "POST": ("Idempotency-Key", "Any text: a repeated call is answered as the first one was."),
}
_IF_MATCH: Final = ("If-Match", "An ETag: 412 if the resource has another one by now.")


class Document(RootModel[dict[str, Any]]):
    """An OpenAPI document."""


_Schemas = Mapping[Any, Mapping[str, Any]]  # by model and mode


def described(families: Mapping[str, Sequence[Route]], public_base: str) -> Document:
    """Return the OpenAPI document of all families of routes."""
    routes = [route for family in families.values() for route in family]
    taken: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (route.takes, "validation") for route in routes if route.takes
    ]
    given: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (route.gives, "serialization") for route in routes if route.gives
    ]
    schemas, definitions = models_json_schema(
        [*taken, *given, (Problem, "serialization")], ref_template="#/components/schemas/{model}"
    )
    for route in routes:
        if route.method == "PATCH" and route.takes:  # of a merge patch nothing is required
            definitions["$defs"][route.takes.__name__].pop("required", None)
    paths: dict[str, Any] = {}
    for family, table in families.items():
        for route in table:
            path = "/".join(filter(None, (ROOT, family, route.path)))
            paths.setdefault(path, {})[route.method.lower()] = _operation(family, route, schemas)
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Rollcall management API", "version": __version__},
        "servers": [{"url": public_base}],
        "security": [{"functionKey": []}],
        "paths": paths,
        "components": {
            "schemas": definitions["$defs"],
            "securitySchemes": {
                "functionKey": {"type": "apiKey", "in": "header", "name": "x-functions-key"}
            },
        },
    }
    return Document(document)


def _operation(family: str, route: Route, schemas: _Schemas) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in _PLACE.findall(route.path)
    ]
    parameters += [_in("query", each) for each in route.query]
    headers = [_CONDITIONS.get(route.method, _IF_MATCH)]
    if route.method == "POST" and route.path:
        headers.append(_IF_MATCH)
    parameters += [_in("header", Parameter(*each)) for each in headers]
    operation: dict[str, Any] = {
        "operationId": _identifier(family, route),
        "summary": route.summary,
        "tags": [family],
        "parameters": parameters,
        "responses": {
            str(route.status if route.gives else 204): _answer(route, schemas),
            "default": {
                "description": "A problem document (RFC 9457)",
                "content": {PROBLEM: {"schema": schemas[Problem, "serialization"]}},
            },
        },
    }
    if route.takes:
        schema = schemas[route.takes, "validation"]
        required = bool(route.takes.model_json_schema().get("required"))
        operation["requestBody"] = {
            "required": required,
            "content": {"application/json": {"schema": schema}},
        }
        if route.method == "PATCH":
            operation["requestBody"]["content"] = {MERGE_PATCH: {"schema": schema}}
    return operation


def _answer(route: Route, schemas: _Schemas) -> dict[str, Any]:
    if route.gives is None:
        return {"description": "Done"}
    answer: dict[str, Any] = {
        "description": route.summary,
        "content": {"application/json": {"schema": schemas[route.gives, "serialization"]}},
        "headers": {"ETag": {"schema": {"type": "string"}}},
    }
    if route.status in (201, 202):
        answer["headers"]["Location"] = {"schema": {"type": "string", "format": "uri"}}
    return answer


def _in(place: str, parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "description": parameter.meaning,
        "schema": dict(parameter.schema),
    }


def _identifier(family: str, route: Route) -> str:
    words = [word for word in route.path.split("/") if word]
    named = "".join(word.strip("{}").capitalize() for word in words)
    return f"{route.method.lower()}{family.capitalize()}{named}"
