"""What may be kept of what a client sent: secrets never, and of anything else only so much."""

from __future__ import annotations

import re
from typing import Final

_SECRET_NAME: Final = re.compile(
    "passw|pwd|passphrase|secret|token|credential|authorization|api_?-?key|private|certificate"
    r"|\bpin\b|\botp\b",
    re.IGNORECASE,
)


def is_secret(name: str) -> bool:
    """Whether an attribute of that name may hold a secret."""
    return _SECRET_NAME.search(name) is not None
