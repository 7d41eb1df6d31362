"""Good requests, changed at random: never a fault, always a SCIM error, the store consistent."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from scim.protocol.errors import ERROR_SCHEMA
from scim.provisioning import rows
from scim.provisioning.checker import check
from tests.endpoint import SCIM_JSON, Answer, Directory, running
from tests.web.mutations import GOOD, Sent, requests

EXAMPLES = 300  # under 10 s
CHECKED_EVERY = 40  # examples; a check reads the whole directory


class Target:
    """A directory with somebody in it; whoever was deleted is made anew."""

    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.ids: dict[str, str] = {}

    async def prepare(self) -> None:
        """Make `{user}`, `{other}` and `{group}`, as far as they are gone."""
        for name, collection in (("user", "/Users"), ("other", "/Users"), ("group", "/Groups")):
            path = f"{collection}/{self.ids.get(name, 'none')}"
            if (await self.directory.send("GET", path)).status == 404:
                unique = len(await self.directory.log())
                body = {"userName": f"{name}{unique}", "displayName": f"{name}{unique}"}
                answer = await self.directory.send("POST", collection, body)
                assert answer.status == 201, answer.raw
                self.ids[name] = answer.json["id"]

    async def send(self, sent: Sent) -> Answer:
        """Send a request with the ids of what is there."""

        def named(text: str) -> str:
            for name, value in self.ids.items():
                text = text.replace(f"{{{name}}}", value)
            return text

        content = sent.content()
        if content is not None:
            for name, value in self.ids.items():
                content = content.replace(f"{{{name}}}".encode(), value.encode())
        return await self.directory.send(
            sent.method,
            named(sent.path),
            raw=content,
            headers={"Content-Type": SCIM_JSON, **sent.headers},
            query=named(sent.query),
        )

    async def check(self) -> None:
        """Check that all rows fit each other, and that everything stored can be shown."""
        endpoint, directory = self.directory.endpoint, self.directory
        partition = rows.partition(directory.id)
        assert await check(endpoint.services.storage, partition, endpoint.clock()) == []
        for collection in ("/Users", "/Groups"):
            answer = await directory.send("GET", collection, query="count=1000")
            assert answer.status == 200
            assert answer.json["totalResults"] == len(answer.json["Resources"])


def judge(answer: Answer, sent: Sent) -> None:
    """Check what holds for every answer."""
    assert answer.status < 500 or answer.status == 501, (sent, answer.raw)
    if answer.status == 400 and not answer.raw and "%00" in sent.path:
        return  # the host's own
    if answer.status >= 400 and sent.method != "HEAD":
        error = answer.json
        assert error["schemas"] == [ERROR_SCHEMA], (sent, error)
        assert error["status"] == str(answer.status)
        assert error["detail"]
        assert len(error["detail"]) < 1500


async def test_the_requests_are_good_before_they_are_changed(tmp_path: Path) -> None:
    """More than half succeed, so that what is changed reaches deep into the endpoint."""
    async with running(tmp_path, REQUESTS_PER_SECOND="10000") as endpoint:
        target = Target(await endpoint.directory("demo"))
        succeeded = 0
        for sent in GOOD:
            await target.prepare()
            answer = await target.send(sent)
            judge(answer, sent)
            succeeded += answer.status < 400
        await target.check()
        assert succeeded > len(GOOD) / 2


def test_changed_requests_are_answered_and_leave_the_store_whole(tmp_path: Path) -> None:
    """Bodies, messages, filters, paths, queries, methods and headers, changed at random."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        product = running(tmp_path, REQUESTS_PER_SECOND="10000", PAGE_SIZE_MAX="1000")
        endpoint = runner.run(stack.enter_async_context(product))
        target = Target(runner.run(endpoint.directory("demo")))
        seen = 0

        async def example(sent: Sent) -> None:
            nonlocal seen
            seen += 1
            await target.prepare()
            judge(await target.send(sent), sent)
            if seen % CHECKED_EVERY == 0:
                await target.check()

        @settings(
            max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        )
        @given(requests())
        def mutated(sent: Sent) -> None:
            runner.run(example(sent))

        try:
            mutated()
            runner.run(target.check())
        finally:
            runner.run(stack.aclose())
