"""The names of the quirks that fired: logged, counted, and refused where a directory is strict."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def note(fired: list[str], quirk: Callable[..., Any]) -> None:
    """Add the name of a quirk, once."""
    if quirk.__name__ not in fired:
        fired.append(quirk.__name__)
