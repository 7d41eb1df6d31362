"""PingFederate, whose filter template puts values into filters without quotes."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Final

from scim.protocol.filter import Comparison
from scim.protocol.filter_parser import MAX_LENGTH
from scim.protocol.schema import Attribute

# A quoted string is stepped over, also one that never ends, which keeps the search linear.
_STRING_OR_WORD: Final = re.compile(
    r'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)'
    r'|(?P<operator>\s(?:eq|ne|co|sw|ew|gt|ge|lt|le)\s+)(?P<word>[^\s"()\[\]]+)',
    re.IGNORECASE | re.DOTALL,
)
_LITERAL: Final = re.compile(
    r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?", re.IGNORECASE
)
_KEYWORDS: Final = frozenset({"and", "or", "not"})


def quote_literals(text: str) -> str:
    """Quote the values that are single words: `userName eq kim@example.com`."""
    if len(text) >= MAX_LENGTH:
        return text
    quoted = _STRING_OR_WORD.sub(_quoted, text)
    return text if quoted == text else quoted


def _quoted(found: re.Match[str]) -> str:
    word = found["word"]
    if word is None or word.lower() in _KEYWORDS or _LITERAL.fullmatch(word):
        return found[0]
    return found["operator"] + json.dumps(word, ensure_ascii=False)


def spell_literals(attribute: Attribute, comparison: Comparison) -> Comparison:
    """Take the spelling of an unquoted number or boolean where the attribute is text."""
    if attribute.type not in {"string", "reference"} or isinstance(comparison.value, str | None):
        return comparison
    return replace(comparison, value=comparison.literal, literal=json.dumps(comparison.literal))
