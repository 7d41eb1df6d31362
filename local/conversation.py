"""Calls that have to be answered alike by the local host and under Microsoft's worker library."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientSession

UNTOLD = {"date", "server"}  # the HTTP server's own headers
VOLATILE = {
    "<uuid>": r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}",
    "<time>": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    "<version>": r'W/\\?"[^"]*"',
    "<tag>": r'"[0-9a-f]{32}"',
}
USER = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "babs@example.com",
    "externalId": "701984",
    "name": {"givenName": "Barbara", "familyName": "Jensen-Ødegård"},
    "emails": [{"value": "babs@example.com", "type": "work", "primary": True}],
}
DISABLE = {
    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
    "Operations": [{"op": "Replace", "path": "active", "value": "False"}],
}


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call, and the answer without what differs between any two runs."""

    call: str
    status: int
    headers: dict[str, str]
    body: str


@dataclass
class Conversation:
    """One client of one installation, as `start --json` describes it."""

    installation: dict[str, Any]
    exchanges: list[Exchange] = field(default_factory=list)

    async def run(self) -> list[Exchange]:
        """Make all calls and return what was answered."""
        directory = self.installation["directories"][0]
        scim = {"authorization": f"Bearer {directory['token']}"}
        key = {"x-functions-key": self.installation["managementKey"]}
        users = f"{directory['baseUrl']}/Users"
        async with ClientSession() as session:
            await self._call(session, "GET", users)
            await self._call(session, "GET", users, headers={"authorization": "Bearer rc_x_y"})
            made = await self._call(session, "POST", users, headers=scim, json=USER)
            user = f"{users}/{made['id']}"
            await self._call(session, "POST", users, headers=scim, json=USER)
            await self._call(session, "POST", users, headers=scim, data=b"{")
            await self._call(session, "GET", user, headers=scim)
            await self._call(session, "HEAD", user, headers=scim)
            for search in ('userName eq "BABS@example.com"', 'userName eq "nobody"', "userName eq"):
                await self._call(session, "GET", users, headers=scim, params={"filter": search})
            await self._call(session, "PATCH", user, headers=scim, json=DISABLE)
            await self._call(session, "PUT", user, headers=scim, json=USER)
            await self._call(session, "DELETE", user, headers=scim)
            await self._call(session, "GET", user, headers=scim)
            await self._call(session, "DELETE", users, headers=scim)
            await self._call(session, "GET", f"{directory['baseUrl']}/Schemas", headers=scim)
            await self._call(session, "GET", f"{directory['baseUrl']}//Users", headers=scim)
            await self._call(session, "GET", f"{directory['baseUrl']}/Nothing", headers=scim)
            manage = f"{self.installation['origin']}/manage/v1/directories"
            await self._call(session, "GET", manage)
            await self._call(session, "GET", manage, headers=key)
            await self._call(session, "POST", manage, headers=key, json={"nome": "x"})
            await self._call(session, "GET", f"{self.installation['origin']}/health")
            await self._call(session, "GET", f"{self.installation['origin']}/nowhere")
        return self.exchanges

    async def _call(
        self,
        session: ClientSession,
        method: str,
        url: str,
        **arguments: Any,  # noqa: ANN401 - of aiohttp
    ) -> dict[str, Any]:
        async with session.request(method, url, **arguments) as response:
            headers = {
                name.lower(): self._settled(value)
                for name, value in response.headers.items()
                if name.lower() not in UNTOLD
            }
            body = self._settled(await response.text())
            call = f"{method} {self._settled(str(response.url))}"
            self.exchanges.append(Exchange(call, response.status, headers, body))
            if "json" in response.content_type and method != "HEAD":
                answer: dict[str, Any] = await response.json(content_type=None)
                return answer
            return {}

    def _settled(self, text: str) -> str:
        """Return the text with everything that belongs to this run by its name instead."""
        directory = self.installation["directories"][0]
        text = text.replace(self.installation["origin"], "<origin>")
        text = text.replace(directory["id"], "<directory>")
        for name, pattern in VOLATILE.items():
            text = re.sub(pattern, name, text)
        return text
