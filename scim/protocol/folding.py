"""How strings are compared where case does not count (RFC 7643 §2.2, caseExact)."""

from __future__ import annotations

from unicodedata import normalize


def fold(text: str) -> str:
    """Return the form in which two strings are equal when they differ by case or composition."""
    return normalize("NFC", text).casefold()
