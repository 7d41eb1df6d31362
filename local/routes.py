"""Which function answers: route templates as ASP.NET matches them, in the order of the host."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from urllib.parse import unquote_to_bytes

from local.functions import HttpFunction, Refused

CONSTRAINTS: dict[str, Callable[[str], object]] = {
    "int": re.compile(r"[+-]?\d{1,10}").fullmatch,
    "guid": re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE).fullmatch,
    "alpha": re.compile(r"[a-z]+", re.IGNORECASE).fullmatch,
}
PARAMETER = re.compile(r"\{(\*?)(\w+)(?::(\w+|regex\(.+\)))?(\??)\}")
ESCAPES = re.compile(r"(?:%(?!2f)[0-9a-f]{2})+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """One segment of a template: a literal, or a parameter with its name in `text`."""

    text: str
    parameter: bool = False
    catch_all: bool = False
    optional: bool = False
    accepts: Callable[[str], object] = bool


@dataclass(frozen=True)
class Template:
    """A route template: `scim/v2/{directory}/Users/{id?}`, `{*rest}`, `{id:int}`."""

    parts: tuple[Part, ...]

    @classmethod
    def parse(cls, route: str) -> Template:
        """Read a template; raise Refused for one that ASP.NET or this host does not know."""
        parts = tuple(_part(segment, route) for segment in route.split("/") if route)
        if any(part.catch_all or part.optional for part in parts[:-1]):
            raise Refused(f"Only the last segment of {route!r} may be optional or a catch-all.")
        return cls(parts)

    @cached_property
    def literals(self) -> tuple[tuple[int, str], ...]:
        """Return the literal segments with their places, last ones first: they differ most."""
        found = [(at, p.text.casefold()) for at, p in enumerate(self.parts) if not p.parameter]
        return tuple(reversed(found))

    def can_match(self, folded: Sequence[str]) -> bool:
        """Whether the literals stand in a path; told by its decoded segments in lower case."""
        for index, text in self.literals:
            if index >= len(folded) or folded[index] != text:
                return False
        return True

    def match(self, path: str) -> dict[str, str] | None:
        """Return the values of the parameters; one that is missing has no key."""
        raw = path.removeprefix("/").split("/")
        segments = raw[:-1] if raw[-1] == "" else raw  # one trailing slash never counts
        if len(segments) > len(self.parts) and not (self.parts and self.parts[-1].catch_all):
            return None
        values: dict[str, str] = {}
        for index, part in enumerate(self.parts):
            if part.catch_all:
                if rest := decode("/".join(raw[index:])):
                    values[part.text] = rest
            elif index >= len(segments):
                if not part.optional:
                    return None
            elif not part.parameter:
                if decode(segments[index]).casefold() != part.text.casefold():
                    return None
            else:
                value = decode(segments[index])
                # A segment between two slashes is empty, and never the value of a parameter.
                if not value or not part.accepts(value):
                    return None
                values[part.text] = value
        return values


def _part(segment: str, route: str) -> Part:
    if not set("{}") & set(segment):
        if not segment:
            raise Refused(f"The route {route!r} has an empty segment.")
        return Part(segment)
    found = PARAMETER.fullmatch(segment)
    if found is None:
        raise Refused(f"The segment {segment!r} of the route {route!r} is not understood.")
    star, name, constraint, optional = found.groups()
    return Part(name, True, bool(star), bool(optional), _constraint(constraint, route))


def _constraint(text: str | None, route: str) -> Callable[[str], object]:
    if text is None:
        return bool
    if text.startswith("regex("):
        return re.compile(text[len("regex(") : -1], re.IGNORECASE).search
    if text not in CONSTRAINTS:
        raise Refused(f"The constraint {text!r} of the route {route!r} is not known here.")
    return CONSTRAINTS[text]


@lru_cache(maxsize=1000)  # each template asks for the same few segments
def decode(path: str) -> str:
    """Undo percent-encoding as Kestrel does: `%2F` and what is not UTF-8 stay as they are."""
    return ESCAPES.sub(_decoded, path)


def _decoded(found: re.Match[str]) -> str:
    try:
        return unquote_to_bytes(found[0]).decode()
    except UnicodeDecodeError:
        return found[0]


class Routes:
    """The HTTP functions by name, in which order the host asks them (not by specificity)."""

    def __init__(self, functions: Iterable[HttpFunction], prefix: str) -> None:
        ordered = sorted(functions, key=lambda function: function.name.upper())
        self._routes = [
            (function, Template.parse("/".join(filter(None, (prefix, function.route)))))
            for function in ordered
        ]
        self._refuse_conflicts(ordered)

    @staticmethod
    def _refuse_conflicts(functions: list[HttpFunction]) -> None:
        seen: dict[str, list[HttpFunction]] = {}
        for function in functions:
            for other in seen.setdefault(function.route.lower(), []):
                if not (
                    function.methods
                    and other.methods
                    and function.methods.isdisjoint(other.methods)
                ):
                    raise Refused(
                        f"The functions {other.name!r} and {function.name!r} share the route "
                        f"{function.route!r} and a method."
                    )
            seen[function.route.lower()].append(function)

    def find(self, method: str, path: str) -> tuple[HttpFunction, dict[str, str]] | None:
        """Return the first function whose template and methods match, with its parameters."""
        folded = [decode(segment).casefold() for segment in path.removeprefix("/").split("/")]
        for function, template in self._routes:
            if not template.can_match(folded):
                continue
            if function.methods and method not in function.methods:
                continue
            values = template.match(path)
            if values is not None:
                return function, values
        return None
