"""One directory and what is sent to it, one request after the other."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

from scim.protocol.schema import GROUP, USER
from tests.endpoint import SCIM_JSON, Answer, Directory
from tests.fuzz.judging import Finding, judge, judge_state, secrets_of
from tests.fuzz.requests import Sent

READ_BACK = 8  # every so many changes are read back


@dataclass
class Lane:
    """A directory that has two users and a group at least, whatever is sent."""

    directory: Directory
    ids: dict[str, list[str]] = field(default_factory=lambda: {"Users": [], "Groups": []})
    cursors: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    made: int = 0

    def __post_init__(self) -> None:
        self._secrets = secrets_of(self.directory)

    async def run(self, sent: Sent) -> Finding | None:
        """Send a request and return what is wrong with the answer; raises if it cannot be read."""
        await self._prepare()
        sent = self._named(sent)
        begun = time.perf_counter()
        answer = await self._send(sent)
        seconds = time.perf_counter() - begun
        self.statuses[answer.status] += 1
        finding = judge(sent, answer, seconds, self._secrets)
        return finding or await self._learn(sent, answer)

    async def finish(self) -> Finding | None:
        """Check what is stored, and that what is read can be written back as it is."""
        if finding := await judge_state(self.directory):
            return finding
        for collection, ids in self.ids.items():
            for each in ids[:5]:
                if finding := await self._put_back(f"/{collection}/{each}"):
                    return finding
        return await judge_state(self.directory)

    async def _prepare(self) -> None:
        while len(self.ids["Users"]) < 2 or not self.ids["Groups"]:
            collection = "Groups" if len(self.ids["Users"]) >= 2 else "Users"
            self.made += 1
            name = f"made{self.made}"
            body: dict[str, Any] = {
                "schemas": [USER],
                "userName": name,
                "displayName": name,
                "name": {"givenName": "Made", "familyName": name},
                "emails": [{"value": f"{name}@example.com", "type": "work"}],
                "active": True,
            }
            if collection == "Groups":
                body = {"schemas": [GROUP], "displayName": name}
            answer = await self.directory.send("POST", f"/{collection}", body)
            assert answer.status == 201, answer.raw
            self.ids[collection].append(answer.json["id"])

    def _named(self, sent: Sent) -> Sent:
        """Return the request with ids in the places of the names."""
        users, groups = self.ids["Users"], self.ids["Groups"]
        there = {
            "{user}": users[sent.pick % len(users)],
            "{other}": users[(sent.pick + 1) % len(users)],
            "{group}": groups[sent.pick % len(groups)],
            "{cursor}": self.cursors[sent.pick % len(self.cursors)] if self.cursors else "",
        }
        path, query, content = sent.path, sent.query, sent.content()
        for name, each in there.items():
            path, query = path.replace(name, each), query.replace(name, each)
            content = content and content.replace(name.encode(), each.encode())
        return replace(sent, path=path, query=query, raw=content)

    async def _send(self, sent: Sent) -> Answer:
        headers = {"Content-Type": SCIM_JSON, **sent.headers}
        return await self.directory.send(
            sent.method, sent.path, raw=sent.raw, query=sent.query, headers=headers
        )

    async def _learn(self, sent: Sent, answer: Answer) -> Finding | None:
        if answer.status == 404 or (sent.method, answer.status) == ("DELETE", 204):
            for ids in self.ids.values():
                ids[:] = [each for each in ids if each not in sent.path]
        if answer.status not in (200, 201) or not answer.raw:
            return None
        body = answer.json
        if cursor := body.get("nextCursor"):
            self.cursors = [*self.cursors[-9:], cursor]
        for each in body.get("Operations", []):
            if each.get("status") == "201":
                self._remember(each["location"])
        if answer.status == 201:
            self._remember(answer.headers["Location"])
        changed = sent.method in ("PUT", "PATCH") or answer.status == 201
        if changed and not sent.query and sent.pick % READ_BACK == 0:
            return await self._read_back(body)
        return None

    def _remember(self, location: str) -> None:
        *_, collection, new = location.split("/")
        self.ids[collection] = [*self.ids[collection][-30:], new]

    async def _read_back(self, body: dict[str, Any]) -> Finding | None:
        """Check that what was answered is what is stored."""
        path = "/" + "/".join(body["meta"]["location"].rsplit("/", 2)[1:])
        answer = await self.directory.send("GET", path)
        policy = self.directory.endpoint.services.policy
        if answer.status == 404 and policy.deactivate_user_means == "delete":
            return None
        if answer.status == 200 and answer.json == body:
            return None
        return Finding("answered, not stored", f"{body} reads as {answer.raw.decode()}")

    async def _put_back(self, path: str) -> Finding | None:
        """Check that writing what was read changes nothing."""
        answer = await self.directory.send("GET", path)
        if answer.status == 404:  # deleted by a bulk request, or by being deactivated
            return None
        again = await self.directory.send("PUT", path, raw=answer.raw)
        if again.status == 200 and again.json == answer.json:
            return None
        said = f"{answer.raw.decode()} is answered {again.status} {again.raw.decode()}"
        return Finding("GET, then PUT", said)
