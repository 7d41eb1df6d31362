"""Reading filters (RFC 7644 §3.4.2.2) and PATCH paths (§3.5.2).

Nothing is resolved here. Details name columns, never values: a filter may hold a secret.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NoReturn

import orjson

from scim.protocol.errors import InvalidFilter, InvalidPath, ScimError
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, Path, ValuePath

MAX_LENGTH: Final = 10_000  # characters; a filter has to be shorter, whatever the query carries
MAX_DEPTH: Final = 20  # parentheses and brackets; the reader recurses, deeper is an attack
MAX_TERMS: Final = 250  # comparisons; each is evaluated on every resource that a scan reads
CACHED_PATHS: Final = 1024  # distinct paths kept; an IdP sends a few dozen
CACHED_LENGTH: Final = 256  # characters; a longer path is rare and is read anew

_ATTRIBUTE: Final = r"\$?[A-Za-z][\w$-]*"
_URN: Final = r"urn(?::[A-Za-z0-9][\w.~%+-]*)+"
_END: Final = r"(?![\w$-])"  # a word is over: `never` is no `ne`

_SPACES: Final = " \t\n\r\f\v"  # what `\s` means below
_NAME: Final = re.compile(
    rf"\s*+(?:(?P<urn>{_URN}):)?(?P<name>{_ATTRIBUTE})(?:\.(?P<sub>{_ATTRIBUTE}))?",
    re.ASCII | re.IGNORECASE,
)
_NOT: Final = re.compile(rf"\s*+not{_END}", re.ASCII | re.IGNORECASE)
_AND: Final = re.compile(rf"\s*+and{_END}", re.ASCII | re.IGNORECASE)
_OR: Final = re.compile(rf"\s*+or{_END}", re.ASCII | re.IGNORECASE)
_OPERATOR: Final = re.compile(
    rf"\s*+(eq|ne|co|sw|ew|gt|ge|lt|le|pr){_END}", re.ASCII | re.IGNORECASE
)
_LITERAL: Final = re.compile(
    r'\s*+(?:(?P<string>"(?:[^"\\]|\\.)*+")'
    rf"|(?P<number>-?\d[\d.eE+-]*){_END}"
    rf"|(?P<word>true|false|null){_END})",
    re.ASCII | re.IGNORECASE,
)
_SUB_ATTRIBUTE: Final = re.compile(rf"\.({_ATTRIBUTE})", re.ASCII)
# RFC 7643 §10.2.1: a registered URN has its version before its last part. A path reader knows no
# schemas, so this is what tells `urn:…:2.0:User` from `urn:…:2.0:User:department`.
_WHOLE_EXTENSION: Final = re.compile(
    rf"\s*+(?P<urn>{_URN}:\d+(?:\.\d+)*+:{_ATTRIBUTE})\s*+", re.ASCII | re.IGNORECASE
)
_WORDS: Final = {"true": True, "false": False, "null": None}


def parse_filter(text: str) -> Filter:
    """Read a filter. Raises InvalidFilter with the column and what was expected there."""
    reader = _Reader(text, "filter", InvalidFilter)
    condition = reader.disjunction()
    reader.end("'and', 'or' or the end of the filter")
    return condition


def parse_path(text: str) -> Path:
    """Read a PATCH path. Raises InvalidPath with the column and what was expected there.

    A bare URN is a whole extension when a version stands before its last part.
    """
    return _cached_path(text) if len(text) <= CACHED_LENGTH else _path(text)


def _path(text: str) -> Path:
    reader = _Reader(text, "path", InvalidPath)
    if whole := _WHOLE_EXTENSION.fullmatch(text):
        return Path(whole["urn"], None)
    path = reader.path()
    reader.end("'[', '.' and a sub-attribute, or the end of the path")
    return path


_cached_path = lru_cache(CACHED_PATHS)(_path)


class _Reader:
    """Recursive descent over one text; `_at` is where the next word begins."""

    __slots__ = ("_at", "_depth", "_error", "_kind", "_terms", "_text")

    def __init__(self, text: str, kind: str, error: type[ScimError]) -> None:
        self._text = text
        self._kind = kind
        self._at = 0
        self._depth = 0
        self._terms = 0
        self._error = error
        if len(text) >= MAX_LENGTH:
            raise error(
                f"The {kind} has {len(text)} characters; at most {MAX_LENGTH - 1} are read."
            )

    def path(self) -> Path:
        """Read attribute, optional value filter and optional sub-attribute."""
        target = self._name("an attribute name")
        if self._next() != "[":
            return Path(target.urn, target.name, None, target.sub)
        entries = self._entries(target)
        sub = _SUB_ATTRIBUTE.match(self._text, self._at)
        if sub is None:
            return Path(target.urn, target.name, entries)
        self._at = sub.end()
        return Path(target.urn, target.name, entries, sub[1])

    def disjunction(self, *, within: bool = False) -> Filter:
        """Read a filter; `within` brackets another value filter is refused."""
        first = self._conjunction(within=within)
        if not self._skip(_OR):
            return first
        branches = [first, self._conjunction(within=within)]
        while self._skip(_OR):
            branches.append(self._conjunction(within=within))
        return Or(tuple(branches))

    def end(self, expected: str) -> None:
        """Refuse anything that is left."""
        if self._next():
            self._expected(expected)

    def _conjunction(self, *, within: bool) -> Filter:
        first = self._factor(within=within)
        if not self._skip(_AND):
            return first
        branches = [first, self._factor(within=within)]
        while self._skip(_AND):
            branches.append(self._factor(within=within))
        return And(tuple(branches))

    def _factor(self, *, within: bool) -> Filter:
        if self._skip(_NOT):
            if self._next() != "(":
                self._expected("'(' after 'not'")
            return Not(self._group(within=within))
        if self._next() == "(":
            return self._group(within=within)
        return self._term(within=within)

    def _group(self, *, within: bool) -> Filter:
        self._open()
        inner = self.disjunction(within=within)
        self._close(")")
        return inner

    def _term(self, *, within: bool) -> Filter:
        self._terms += 1
        if self._terms > MAX_TERMS:
            self._refuse(f"more than {MAX_TERMS} comparisons; send several smaller filters")
        path = self._name("an attribute name, 'not' or '('")
        if self._next() != "[":
            return self._comparison(path)
        if within:
            self._refuse("a value filter within a value filter; join them with 'and' instead")
        inner = self._entries(path)
        sub = _SUB_ATTRIBUTE.match(self._text, self._at)
        if sub is None:
            return ValuePath(path, inner)
        # Not in the RFC, but what Entra asks: emails[type eq "work"].value eq "…".
        self._at = sub.end()
        last = self._comparison(AttributePath(None, sub[1], position=sub.start(1) + 1))
        both = (*inner.branches, last) if isinstance(inner, And) else (inner, last)
        return ValuePath(path, And(both))

    def _entries(self, path: AttributePath) -> Filter:
        if path.sub is not None:
            self._refuse("a value filter stands behind the attribute, not its sub-attribute")
        self._open()
        inner = self.disjunction(within=True)
        self._close("]")
        return inner

    def _comparison(self, path: AttributePath) -> Comparison:
        found = _OPERATOR.match(self._text, self._at)
        if found is None:
            self._expected("an operator (eq, ne, co, sw, ew, gt, ge, lt, le, pr)")
        self._at = found.end()
        operator = found[1].lower()
        if operator == "pr":
            return Comparison(path, operator, None)
        found = _LITERAL.match(self._text, self._at)
        if found is None:
            self._expected(
                'a value (text in double quotes with \\" and \\\\ for those two, a number, '
                "true, false or null)"
            )
        kind = found.lastgroup or ""
        literal = found[kind]
        value = _WORDS[literal.lower()] if kind == "word" else self._json(kind, found)
        self._at = found.end()
        return Comparison(path, operator, value, literal)

    def _json(self, kind: str, found: re.Match[str]) -> str | int | float:
        # By the reader of the bodies, so that both know the same numbers and escapes; it refuses
        # lone surrogates.
        try:
            value: str | int | float = orjson.loads(found[kind])
        except orjson.JSONDecodeError as error:
            self._at = found.start(kind) + min(error.pos, len(found[kind]) - 1)
            self._refuse(f"this is no {kind} as JSON writes it (RFC 8259)")
        return value

    def _name(self, expected: str) -> AttributePath:
        found = _NAME.match(self._text, self._at)
        if found is None:
            self._expected(expected)
        self._at = found.end()
        if self._text.startswith((":", "."), self._at):
            self._refuse("a name is attribute, attribute.sub or urn:…:attribute.sub")
        urn, name, sub = found.groups()
        return AttributePath(urn, name, sub, found.start("name" if urn is None else "urn") + 1)

    def _open(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._refuse(f"parentheses and brackets are nested deeper than {MAX_DEPTH}")
        self._at += 1

    def _close(self, bracket: str) -> None:
        if self._next() != bracket:
            self._expected(f"'and', 'or' or '{bracket}'")
        self._at += 1
        self._depth -= 1

    def _skip(self, keyword: re.Pattern[str]) -> bool:
        found = keyword.match(self._text, self._at)
        if found is None:
            return False
        self._at = found.end()
        return True

    def _next(self) -> str:
        """Move to the next character that is no space and return it, "" at the end."""
        text, at = self._text, self._at
        while at < len(text) and text[at] in _SPACES:
            at += 1
        self._at = at
        return text[at : at + 1]

    def _expected(self, what: str) -> NoReturn:
        self._refuse(f"expected {what}" if self._next() else f"it ends; expected {what}")

    def _refuse(self, reason: str) -> NoReturn:
        raise self._error(f"Column {self._at + 1} of the {self._kind}: {reason}.")
