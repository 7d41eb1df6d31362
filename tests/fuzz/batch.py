"""Some thousand requests to one product: directories side by side, each a lane of its own."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import hypothesis
from hypothesis import strategies as st

from scim.provisioning.ports import Storage
from scim.storage.sqlite import SqliteStorage
from tests.endpoint import Endpoint, running
from tests.fuzz.judging import Finding, Log, secrets_of
from tests.fuzz.lane import Lane
from tests.fuzz.mutations import mutated
from tests.fuzz.requests import EXTENSIONS, Sent
from tests.fuzz.shrinking import Steps, smallest

LANES = 8  # directories, and connections
EACH = 250  # requests to a directory; then its state is checked
_REQUIRED = (
    'userName,name.givenName,name.familyName,emails[type eq "work"].value,displayName,active'
)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with the smallest requests that lead to it."""

    seed: str
    finding: Finding
    steps: Steps
    again: bool  # it was seen a second time, with these steps alone

    def __str__(self) -> str:
        steps = "\n".join(f"    {_shown(each)}" for each in self.steps)
        once = "" if self.again else "\n    (not seen again when repeated)"
        return f"seed {self.seed}: {self.finding.kind}: {self.finding.said}\n{steps}{once}"


@dataclass(slots=True)
class Sending:
    """What came of a batch."""

    statuses: Counter[int] = field(default_factory=Counter)
    found: list[Found] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Batch:
    """Requests that a seed tells; `engine` is where they are stored."""

    seed: str
    lanes: int = LANES
    each: int = EACH
    engine: Callable[[], Storage] = lambda: SqliteStorage(":memory:")

    async def send(self) -> Sending:
        """Send all requests and return what came of it."""
        sending = Sending()
        failed: list[tuple[str, Finding, Steps]] = []

        async def lane(endpoint: Endpoint, log: Log, number: int) -> None:
            seed = f"{self.seed}/{number}"
            lane, steps = await _lane(endpoint, log, f"lane{number}"), []
            finding = None
            for sent in drawn(seed, self.each):
                steps.append(sent)
                finding = await _told(lane.run(steps[-1]))
                if finding and finding.kind != "slow":
                    break
                if finding:
                    failed.append((seed, finding, list(steps)))
            else:
                finding = await _told(lane.finish())
            sending.statuses += lane.statuses
            if finding:
                failed.append((seed, finding, steps))

        async with self._product() as (endpoint, log):
            await asyncio.gather(*(lane(endpoint, log, number) for number in range(self.lanes)))
            if log.leaked:
                failed.append((self.seed, Finding("secret in the log", log.leaked), []))
        for seed, finding, steps in failed:
            if found := await self._examined(seed, finding, steps):
                sending.found.append(found)
        return sending

    async def replayed(self, steps: Steps) -> Finding | None:
        """Return what is wrong after these requests alone."""
        async with self._product() as (endpoint, log):
            lane = await _lane(endpoint, log, "again")
            for each in steps:
                if finding := await _told(lane.run(each)):
                    said = f"{log.defect} {finding.said}" if log.defect else finding.said
                    return Finding(finding.kind, said)
            return await _told(lane.finish())

    async def _examined(self, seed: str, finding: Finding, steps: Steps) -> Found | None:
        again = await self.replayed(steps) if steps else None
        if again is None or again.kind != finding.kind:
            # A busy machine is slow at times; everything else is told even if it hides.
            return None if finding.kind == "slow" else Found(seed, finding, steps[-1:], again=False)

        async def fails(steps: Steps) -> bool:
            other = await self.replayed(steps)
            return other is not None and other.kind == finding.kind

        steps = await smallest(steps, fails)
        return Found(seed, await self.replayed(steps) or finding, steps, again=True)

    @asynccontextmanager
    async def _product(self) -> AsyncIterator[tuple[Endpoint, Log]]:
        log, root = Log(), logging.getLogger()
        before = root.level
        root.addHandler(log)
        root.setLevel(logging.INFO)
        try:
            with TemporaryDirectory() as folder:
                settings = _settings(self.seed)
                async with running(Path(folder), self.engine(), **settings) as endpoint:
                    yield endpoint, log
        finally:
            root.setLevel(before)
            root.removeHandler(log)


def drawn(seed: str, number: int) -> list[Sent]:
    """Return the requests that Hypothesis draws for a seed: the same for the same seed.

    It draws what each request's chances start from; a generator of its own for every single chance
    would cost five times as much and repeat a third of the requests.
    """
    requests: list[Sent] = []

    @hypothesis.seed(seed)
    @hypothesis.settings(
        max_examples=number,
        phases=[hypothesis.Phase.generate],
        database=None,
        deadline=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(st.randoms(use_true_random=True))
    def draw(chance: Random) -> None:
        requests.append(mutated(chance))

    draw()
    return requests


async def _told(step: Awaitable[Finding | None]) -> Finding | None:
    """Return what a step found; an answer that breaks the reader is a finding, too."""
    try:
        return await step
    except Exception as error:  # noqa: BLE001 - whatever the product made of it
        return Finding(f"broke with {type(error).__name__}", str(error)[:500])


async def _lane(endpoint: Endpoint, log: Log, name: str) -> Lane:
    directory = await endpoint.directory(name)
    log.secrets.update(secrets_of(directory))
    return Lane(directory)


def _settings(seed: str) -> dict[str, Any]:
    """Return the settings of an installation: mostly the defaults, with small pages."""
    chance = Random(seed)  # noqa: S311 - as above
    settings = {
        "EXTENSION_SCHEMAS": json.dumps(EXTENSIONS),
        "PAGE_SIZE": str(chance.choice((3, 20, 100))),
        "SCAN_LIMIT": str(chance.choice((100, 20_000))),
        "DELETE_USER_MEANS": chance.choice(("delete", "delete", "disable")),
        "DEACTIVATE_USER_MEANS": chance.choice(("disable", "disable", "delete")),
    }
    if chance.random() < 0.05:
        settings["STRICT"] = "true"
    if chance.random() < 0.08:
        settings["REQUIRED_ATTRIBUTES"] = _REQUIRED
    return settings


def _shown(sent: Sent) -> str:
    query = f"?{sent.query}" if sent.query else ""
    body = sent.raw if sent.raw is not None else json.dumps(sent.body)
    return f"{sent.method} {sent.path}{query} {sent.headers or ''} {body!s:.2000}"
