"""Promises of comparing without regard to case."""

from __future__ import annotations

import pytest

from scim.protocol.folding import fold


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Kim", "kIM"),
        ("Straße", "STRASSE"),
        ("é", "e\u0301"),
        ("É", "e\u0301"),
        ("ΣΊΣΥΦΟΣ", "σίσυφος"),
        ("ǰ", "J\u030c"),
    ],
)
def test_folding_ignores_case_and_composition(one: str, other: str) -> None:
    """Texts that differ by case or composition have one key."""
    assert fold(one) == fold(other)


@pytest.mark.parametrize(
    ("one", "other"), [("é", "e"), ("\u0131", "i"), ("Å", "A"), ("a", "\u0430")]
)
def test_folding_keeps_letters_apart(one: str, other: str) -> None:
    """Different letters stay different, however alike they look."""
    assert fold(one) != fold(other)
