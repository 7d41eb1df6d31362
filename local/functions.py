"""What a function app registers, read from the bindings that the worker reports to the host."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

NAME = re.compile(r"(?!host$)[a-z][a-z0-9_-]{0,127}", re.IGNORECASE)


class Refused(Exception):
    """A registration that the Functions host would not serve."""


@dataclass(frozen=True, slots=True)
class HttpFunction:
    """An HTTP trigger; no methods means every method."""

    name: str
    parameter: str
    route: str
    methods: frozenset[str]
    anonymous: bool


@dataclass(frozen=True, slots=True)
class TimerFunction:
    """A timer trigger; the schedule may still be the `%NAME%` of an app setting."""

    name: str
    parameter: str
    schedule: str


Function = HttpFunction | TimerFunction


def described(name: str, raw_bindings: Sequence[str]) -> Function:
    """Return the function that these bindings (JSON, as in function.json) describe."""
    if not NAME.fullmatch(name) or name.lower().startswith("admin"):
        raise Refused(f"The host refuses the function name {name!r}.")
    for binding in map(json.loads, raw_bindings):
        match binding["type"]:
            case "httpTrigger":
                return _http_function(name, binding)
            case "timerTrigger":
                return TimerFunction(name, binding["name"], binding["schedule"])
            case _:
                continue
    raise Refused(f"The function {name!r} has neither an HTTP nor a timer trigger.")


def _http_function(name: str, binding: dict[str, object]) -> HttpFunction:
    route = str(binding.get("route") or name).strip("/")
    # azure-functions-host, HttpTrigger: its own endpoints live under these words.
    if route.lower().startswith(("admin", "runtime")):
        raise Refused(f"The host refuses the route {route!r} of the function {name!r}.")
    methods = binding.get("methods")
    return HttpFunction(
        name=name,
        parameter=str(binding["name"]),
        route=route,
        methods=frozenset(methods if isinstance(methods, list) else ()),
        anonymous=str(binding.get("authLevel")).lower() == "anonymous",
    )
