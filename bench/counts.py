"""What each call asks of the storage, exactly, against the budget of the design."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import azure.functions as func
import orjson

from bench.calls import Population, message, user_body, user_name
from bench.counting import Counted
from scim.provisioning.groups.work import BATCH
from scim.provisioning.ports import COMMIT_ROWS
from scim.web import scim
from scim.web.services import Services

MANY = 20  # members that one call adds
LONG = 100  # more than one commit can hold
GROUPS = 3  # that the deleted user is in


@dataclass(frozen=True, slots=True)
class Count:
    """What a call took. `size` is that of the directory or the group, whichever might matter."""

    call: str
    size: int
    round_trips: int
    read: int
    written: int
    budget: int  # of round trips

    @property
    def within(self) -> bool:
        """Whether the budget holds."""
        return self.round_trips <= self.budget


@dataclass
class Counting:
    """Calls the product in this process, on a storage that counts."""

    services: Services
    storage: Counted
    directory: Population

    async def directory_counts(self) -> list[Count]:
        """Count the calls on users, whose cost must not depend on the size of the directory."""
        size, ids = len(self.directory.ids), self.directory.ids
        address = user_name(0)
        await self._send("GET", f"/Users/{ids[0]}")  # the token is in the cache from here on
        await self.services.rules.in_force()  # as are the rules
        counts = [
            await self._count("GET user", size, 1, "GET", f"/Users/{ids[0]}"),
            await self._find("filter userName", size, 2, f'userName eq "{address.upper()}"'),
            await self._find("filter userName, nobody", size, 1, 'userName eq "nobody"'),
            await self._find("filter externalId", size, 2, 'externalId eq "external-0"'),
            await self._find("filter emails.value", size, 2, f'emails.value eq "{address}"'),
        ]
        body = user_body(next(self.directory.new))
        counts.append(await self._count("POST user", size, 1, "POST", "/Users", body))
        off, on = (
            message({"op": "replace", "path": "active", "value": value}) for value in (False, True)
        )
        await self._send("PATCH", f"/Users/{ids[0]}", on)
        counts.append(await self._count("PATCH active", size, 2, "PATCH", f"/Users/{ids[0]}", off))
        body = {**user_body(0), "title": "Manager"}
        counts.append(await self._count("PUT user", size, 2, "PUT", f"/Users/{ids[0]}", body))
        counts.append(await self._deletion(size))
        return counts

    async def group_counts(self, size: int, group: str, others: Sequence[str]) -> list[Count]:
        """Count the calls on a group whose members `others` are not; they leave it as it was."""
        path, without = f"/Groups/{group}", "excludedAttributes=members"
        name = (await self._send("GET", f"{path}?{without}"))["displayName"]
        found = f"/Groups?{without}&filter=" + quote(f'displayName eq "{name}"')
        many = 1 + MANY + _commits(1 + 4 * MANY + 2)
        counts = [
            await self._count("GET group, no members", size, 1, "GET", f"{path}?{without}"),
            await self._count("filter displayName", size, 2, "GET", found),
        ]
        # Its group at both ends, the members, the first commit; each batch reads the job anew.
        long = 4 + LONG + 2 * -(-LONG // BATCH)
        for call, budget, ids in (
            ("one member", 3, others[:1]),
            (f"{MANY} members", many, others[:MANY]),
            (f"{LONG} members, a job", long, others[:LONG]),
        ):
            add = message({"op": "add", "path": "members", "value": [{"value": e} for e in ids]})
            counts.append(await self._count(f"add {call}", size, budget, "PATCH", path, add))
            leave = message(*_removals(ids))
            counts.append(await self._count(f"remove {call}", size, budget, "PATCH", path, leave))
        return counts

    async def _deletion(self, size: int) -> Count:
        user = (await self._send("POST", "/Users", user_body(next(self.directory.new))))["id"]
        for number in range(GROUPS):
            body = {"displayName": f"Of one {number}", "members": [{"value": user}]}
            await self._send("POST", "/Groups", body)
        # Memberships, reports and groups are read, side by side where they can be.
        budget = 2 + GROUPS + 1
        call = f"DELETE user in {GROUPS} groups"
        return await self._count(call, size, budget, "DELETE", f"/Users/{user}")

    async def _find(self, call: str, size: int, budget: int, condition: str) -> Count:
        path = f"/Users?filter={quote(condition)}"
        return await self._count(call, size, budget, "GET", path)

    async def _count(
        self,
        call: str,
        size: int,
        budget: int,
        method: str,
        path: str,
        body: Any = None,  # noqa: ANN401 - any JSON
    ) -> Count:
        before = self.storage.round_trips, self.storage.read, self.storage.written
        await self._send(method, path, body)
        after = self.storage.round_trips, self.storage.read, self.storage.written
        trips, read, written = (now - then for then, now in zip(before, after, strict=True))
        return Count(call, size, trips, read, written, budget)

    async def _send(self, method: str, path: str, body: Any = None) -> Any:  # noqa: ANN401 - any JSON
        request = func.HttpRequest(
            method=method,
            url=f"http://127.0.0.1{self.directory.base}{path}",
            headers={"authorization": f"Bearer {self.directory.token}"},
            body=b"" if body is None else orjson.dumps(body),
        )
        response = await scim.answer(lambda: self.services, request)
        content = response.get_body()
        if response.status_code >= 300:
            raise RuntimeError(f"{method} {path} was answered {response.status_code}: {content!r}")
        return orjson.loads(content) if content else None


def _commits(rows: int) -> int:
    return -(-rows // COMMIT_ROWS)


def _removals(ids: Sequence[str]) -> Iterator[dict[str, str]]:
    for each in ids:
        yield {"op": "remove", "path": f'members[value eq "{each}"]'}
