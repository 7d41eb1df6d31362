"""The smallest example: steps and parts of a request are left out as long as it still fails."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

from tests.fuzz.mutations import places
from tests.fuzz.requests import Sent

Steps = list[Sent]
Fails = Callable[[Steps], Awaitable[bool]]


async def smallest(steps: Steps, fails: Fails, seconds: float = 60) -> Steps:
    """Return a smaller example that still fails, as small as can be found in the time."""
    until = time.monotonic() + seconds
    if len(steps) > 1 and await fails(steps[-1:]):
        steps = steps[-1:]
    changed = True
    while changed and time.monotonic() < until:
        changed = False
        for candidate in _smaller(steps):
            if time.monotonic() > until:
                break
            if await fails(candidate):
                steps, changed = candidate, True
                break
    return steps


def _smaller(steps: Steps) -> Iterator[Steps]:
    size = len(steps) // 2
    while size:  # halves first, single steps last
        for start in range(0, len(steps), size):
            yield steps[:start] + steps[start + size :]
        size //= 2
    for at, sent in enumerate(steps):
        for simpler in _simpler(sent):
            yield [*steps[:at], simpler, *steps[at + 1 :]]


def _simpler(sent: Sent) -> Iterator[Sent]:
    if sent.headers:
        yield replace(sent, headers={})
    parts = sent.query.split("&") if sent.query else []
    for at in range(len(parts)):
        yield replace(sent, query="&".join(parts[:at] + parts[at + 1 :]))
    if sent.raw is None:
        yield from _simpler_bodies(sent)
        return
    if sent.body is not None:
        yield replace(sent, raw=None)
    for size in (len(sent.raw) // 2, len(sent.raw) // 8, 1):
        for start in range(0, len(sent.raw) if size else 0, size or 1):
            yield replace(sent, raw=sent.raw[:start] + sent.raw[start + size :])


def _simpler_bodies(sent: Sent) -> Iterator[Sent]:
    if sent.body is not None:
        yield replace(sent, body=None)
    for number, (parent, key) in enumerate(places(sent.body)):
        for other in (None, *_shorter(parent[key])):
            body = deepcopy(sent.body)
            within, name = places(body)[number]
            if other is None:
                del within[name]
            else:
                within[name] = other
            yield replace(sent, body=body)


def _shorter(value: Any) -> Iterator[Any]:
    if isinstance(value, str):
        for short in ("", "a", value[: len(value) // 2], value[len(value) // 2 :]):
            if len(short) < len(value):
                yield short
    elif isinstance(value, list) and len(value) > 1:
        yield value[: len(value) // 2]
        yield value[len(value) // 2 :]
