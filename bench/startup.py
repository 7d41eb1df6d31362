"""What a cold start costs before the first call: the CPU of importing, in fresh processes."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass

from local.setup import ROOT

_CLOCK = "import time; begun = time.process_time()\n{}\nprint(time.process_time() - begun)"
_PRODUCT = "import function_app"
# What the product imports of others before its first call.
_PACKAGES = """
import asyncio, azure.functions, contextlib, dataclasses, datetime, enum, functools, hashlib
import hmac, logging, orjson, random, re, secrets, urllib.parse, uuid, zlib, zoneinfo
from pydantic import BaseModel, ConfigDict, Field
"""


@dataclass(frozen=True, slots=True)
class Startup:
    """Milliseconds of CPU: for `function_app`, and for a bare app with the same packages."""

    product: float
    bare: float


def measure(times: int) -> Startup:
    """Return the least of some runs each."""
    product = min(_run(_PRODUCT) for _ in range(times))
    return Startup(product, bare=min(_run(_PACKAGES) for _ in range(times)))


def _run(statement: str) -> float:
    command = [sys.executable, "-c", _CLOCK.format(statement)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return float(done.stdout) * 1000
