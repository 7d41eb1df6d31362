"""What may be kept of what a client sent: secrets never, and of anything else only so much.

A value is kept if all the names that lead to it are attributes of the schemas and none sounds like
a secret. So a secret in an attribute that nobody knows is masked, too. What is kept is searched for
text that has the shape of a credential.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from scim.protocol.schema import COMMON, Attribute, Json, ResourceType

MASK: Final = "***"
TEXT_LENGTH: Final = 4_000  # characters of a masked body
_TEXT_SEARCHED: Final = 1_000
_VALUE_LENGTH: Final = 200
_ITEMS: Final = 20  # of a list or object
_VALUES: Final = 400  # in all
_DEPTH: Final = 8

_SECRET_NAME: Final = re.compile(
    "passw|pwd|passphrase|secret|token|credential|authorization|api_?-?key|private|certificate"
    r"|\bpin\b|\botp\b",
    re.IGNORECASE,
)
# Of a credential: ours, a JWT, a header, a key in PEM, an address with a password, name=value, and
# long text in which capitals, small letters and digits are mixed as no word or id mixes them. Each
# looks at a word once, from its beginning: who sends a text must not choose how long it takes.
_SECRET_SHAPES: Final = (
    re.compile(r"\brc_\w+"),
    re.compile(r"\beyJ[\w-]+(?:\.[\w-]*)*"),
    re.compile(r"\b(?:Bearer|Basic)\s+\S+", re.IGNORECASE),
    re.compile(r"-----BEGIN.*", re.DOTALL),
    re.compile(r"(?<=://)[^/\s@]+@"),
    re.compile(
        rf"(?<!\w)(?=\w*(?:{_SECRET_NAME.pattern}))\w++(?:-key\w*+)?[\"']?\s*+"
        r"(?:[=:]|\b(?:eq|ne|co|sw|ew|[gl][te])\b)\s*\S+",
        re.IGNORECASE,
    ),
    re.compile(r"(?<![\w+/=-])(?=[\w+/=-]*[a-z])(?=[\w+/=-]*[A-Z])(?=[\w+/=-]*\d)[\w+/=-]{40,}"),
)
_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"?')
_URN: Final = re.compile(r"urn:[\w:.-]*:", re.IGNORECASE)
_WORD: Final = re.compile(r"[A-Za-z$][\w$-]*")
_OPERATORS: Final = frozenset(
    "eq ne co sw ew gt ge lt le pr and or not true false null".split()  # noqa: SIM905 - as in text
)
# The words of SCIM messages, beside the attributes.
_MESSAGE: Final = frozenset(
    "operations op path value schemas filter sortby sortorder startindex count cursor attributes "  # noqa: SIM905 - as above
    "excludedattributes failonerrors method bulkid data version".split()
)


def is_secret(name: str) -> bool:
    """Whether an attribute of that name may hold a secret."""
    return _SECRET_NAME.search(name) is not None


def mask_text(text: str, secrets: Iterable[str] = ()) -> str:
    """Return a text without what has the shape of a credential, and without the secrets.

    It is shortened first: what is never kept needs no search.
    """
    if len(text) > _TEXT_SEARCHED:
        text = text[:_TEXT_SEARCHED] + "…"
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    for shape in _SECRET_SHAPES:
        text = shape.sub(MASK, text)
    return text


@dataclass(frozen=True, slots=True)
class Masked:
    """A body as it may be kept; `secrets` are the texts that were masked, for other texts."""

    text: str
    secrets: frozenset[str] = field(default=frozenset(), repr=False)


class Masking:
    """Masks bodies about resources of some types."""

    def __init__(self, kinds: Sequence[ResourceType]) -> None:
        schemas = [each for kind in kinds for each in (kind.schema, *kind.extensions.values())]
        attributes = [*COMMON.values(), *(each for s in schemas for each in s.attributes.values())]
        self._names = _MESSAGE | frozenset(_names(attributes))
        self._urns = frozenset(each.urn.lower() for each in schemas)

    def body(self, body: Json) -> Masked:
        """Return a body as it may be kept; nothing of none."""
        if body is None:
            return Masked("")
        walk = _Walk(self._names, self._urns)
        text = orjson.dumps(walk.masked(body, _DEPTH, keep=True)).decode()
        if len(text) > TEXT_LENGTH:
            text = text[:TEXT_LENGTH] + "…"
        return Masked(text, frozenset(walk.secrets))


@dataclass(slots=True)
class _Walk:
    """One walk through a body: the names that are known, what was masked, how much may follow."""

    names: frozenset[str]
    urns: frozenset[str]
    secrets: set[str] = field(default_factory=set)
    left: int = _VALUES

    def masked(self, value: Json, depth: int, *, keep: bool) -> Json:
        self.left -= 1
        if isinstance(value, dict | list) and not (depth and self.left > 0):
            return "…"
        if isinstance(value, dict):
            return self._object(value, depth - 1, keep=keep)
        if isinstance(value, list):
            some = [self.masked(each, depth - 1, keep=keep) for each in value[:_ITEMS]]
            more = len(value) - len(some)
            return [*some, f"… {more} more"] if more else some
        if value is None or isinstance(value, bool):
            return value
        if not keep:
            self.secrets.add(str(value)[:_TEXT_SEARCHED])
            return MASK
        return _shortened(mask_text(value)) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any], depth: int, *, keep: bool) -> dict[str, Json]:
        path = next((each for name, each in value.items() if name.lower() == "path"), None)
        aimed = keep and (path is None or (isinstance(path, str) and self._known(path)))
        shown: dict[str, Json] = {}
        for name, each in list(value.items())[:_ITEMS]:
            known = keep and self._known(name)
            if name.lower() in ("path", "filter"):
                kept = isinstance(each, str) and (aimed if path else self._known(each))
                shown[name] = self._path(str(each), keep=kept) if isinstance(each, str) else MASK
            elif name.lower() == "value":
                shown[name] = self.masked(each, depth, keep=aimed)
            else:
                shown[self._path(name, keep=known)] = self.masked(each, depth, keep=known)
        if len(value) > _ITEMS:
            shown["…"] = f"{len(value) - _ITEMS} more"
        return shown

    def _path(self, text: str, *, keep: bool) -> str:
        text = text[:_TEXT_SEARCHED]
        if not keep:
            self.secrets.update(each.strip('"') for each in _QUOTED.findall(text))
            text = _QUOTED.sub(f'"{MASK}"', text)
        return _shortened(mask_text(text))

    def _known(self, path: str) -> bool:
        """Whether a name or path is of known attributes alone, none of them secret."""
        if len(path) > _TEXT_SEARCHED:
            return False
        if path.lower() in self.urns:
            return True
        words = _WORD.findall(_URN.sub("", _QUOTED.sub("", path)))
        names = {each.lower() for each in words} - _OPERATORS
        return names <= self.names and not is_secret(path)


def _names(attributes: Iterable[Attribute]) -> Iterable[str]:
    for each in attributes:
        if is_secret(each.name) or each.returned == "never" or each.mutability == "writeOnly":
            continue
        yield each.name.lower()
        yield from _names((each.sub_attributes or {}).values())


def _shortened(text: str) -> str:
    return text if len(text) <= _VALUE_LENGTH else text[:_VALUE_LENGTH] + "…"
