"""The functions of the management API are registered without what they answer with."""

from __future__ import annotations

import subprocess
import sys

from scim.web.manage.addresses import DESCRIBED, NAMES
from scim.web.manage.families import FAMILIES


def test_every_family_has_a_function() -> None:
    """No family of calls is left out of what is registered, and nothing else is registered."""
    assert sorted(NAMES) == sorted([*FAMILIES, DESCRIBED])


def test_a_start_does_not_import_the_management_api() -> None:
    """Who wakes the app up is an identity provider, and waits for nothing that it never calls."""
    script = "import sys, function_app; print('scim.web.manage.families' in sys.modules)"
    done = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", script], check=True, capture_output=True
    )
    assert done.stdout.strip() == b"False"
