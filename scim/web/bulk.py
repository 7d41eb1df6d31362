"""POST /Bulk (RFC 7644 §3.7): every operation behaves, and is logged, as the same call alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

import azure.functions as func
import orjson

from scim.protocol.bulk import (
    BULK_RESPONSE,
    MAX_PAYLOAD_SIZE,
    BulkRequest,
    Operation,
    Step,
    plan,
    read_bulk,
)
from scim.protocol.errors import InvalidValue, NotFound, ServiceUnavailable, Unresolved
from scim.provisioning.identifiers import resource_id
from scim.provisioning.log.entries import Call
from scim.web import failures, groups, responses, users
from scim.web.exchange import Exchange, Handler, by_method
from scim.web.requests import Request, read_request

# The platform cuts a request after 230 s; one operation may wait 75 s for jobs of its group.
BUDGET: Final = timedelta(seconds=100)

_ENDPOINTS: Final[Mapping[str, Handler]] = {"users": users.serve, "groups": groups.serve}


async def serve(exchange: Exchange) -> func.HttpResponse:
    """Answer a call on /Bulk: the outcome of each operation, in the order of the request."""

    async def bulk() -> func.HttpResponse:
        if exchange.rest:
            raise NotFound("Nothing is served below Bulk.")
        request = read_bulk(exchange.request.object(MAX_PAYLOAD_SIZE))
        outcomes = await _Run(exchange, request).outcomes()
        body = {"schemas": [BULK_RESPONSE], "Operations": outcomes}
        return responses.scim(exchange.request, 200, body)

    return await by_method(exchange, {"POST": bulk})


class _Run:
    """The operations of a request, carried out one after the other."""

    def __init__(self, exchange: Exchange, request: BulkRequest) -> None:
        self._exchange = exchange
        self._now = exchange.services.now
        self._until = self._now() + BUDGET
        self._operations = request.operations
        self._fail_on_errors = request.fail_on_errors
        self._created_here = {each.bulk_id for each in request.operations if each.method == "POST"}
        self._ids: dict[str, str] = {}  # of what was created, by bulkId
        self._outcomes: dict[int, dict[str, Any]] = {}
        self._failed: set[int] = set()

    async def outcomes(self) -> list[dict[str, Any]]:
        for step in plan(self._operations):
            operation = self._operations[step.index]
            if step.completes:
                if operation.bulk_id in self._ids:
                    await self._complete(step, operation)
            elif self._fail_on_errors is None or len(self._failed) < self._fail_on_errors:
                await self._carry_out(step, operation)
        return [self._outcomes[index] for index in sorted(self._outcomes)]

    async def _carry_out(self, step: Step, operation: Operation) -> None:
        outcome = self._outcomes[step.index] = {"method": operation.method}
        if operation.bulk_id is not None:
            outcome["bulkId"] = operation.bulk_id
        response = await self._attempt(step, operation.without(step.later))
        if response is None:
            return
        outcome["status"] = str(response.status_code)
        if "ETag" in response.headers:
            outcome["version"] = response.headers["ETag"]
        if operation.method == "POST" and operation.bulk_id is not None:
            outcome["location"] = response.headers["Location"]
            self._ids[operation.bulk_id] = outcome["location"].rpartition("/")[2]

    async def _complete(self, step: Step, operation: Operation) -> None:
        outcome = self._outcomes[step.index]
        path = outcome["location"].removeprefix(self._exchange.base)
        response = await self._attempt(step, operation.completion(step.later, path))
        if response is not None:
            outcome["version"] = response.headers["ETag"]
        elif operation.bulk_id is not None:
            # It stays: others refer to it already. Its location tells that it is there.
            del self._ids[operation.bulk_id]

    async def _attempt(self, step: Step, operation: Operation) -> func.HttpResponse | None:
        """Make the call; a refusal or fault is the outcome of the operation, and gives None."""
        started, outcome = self._now(), self._outcomes[step.index]
        call = dataclasses.replace(
            self._exchange.call,
            message_id=resource_id(started),
            started=started,
            if_match=operation.version,
            if_none_match=None,
            quirks=[],
            ignored=[],
        )
        path: Sequence[str] = operation.path.strip("/").split("/")
        try:
            self._check_time(step)
            request = self._request(operation)
            path = request.segments[3:]
            if operation.method != "POST":
                outcome.setdefault("location", self._location(request))
            response = await self._dispatch(request, call)
            self._note(call, changed=True)
        except Exception as error:  # noqa: BLE001 - one operation fails, the others go on
            self._failed.add(step.index)
            refusal = responses.to_error(error, call.message_id)
            outcome["status"] = str(refusal.status)
            outcome["response"] = responses.error_body(refusal, call.message_id)
            self._note(call, changed=False)
            services = self._exchange.services
            await failures.keep(services, call, operation.method, path, operation.data, refusal)
            return None
        return response

    def _note(self, call: Call, *, changed: bool) -> None:
        contacts = self._exchange.services.contacts
        contacts.note(call.directory, call.quirks, read=False, changed=changed)

    def _check_time(self, step: Step) -> None:
        # What was begun is completed, late or not.
        if not step.completes and self._now() > self._until:
            raise ServiceUnavailable(
                f"The bulk request has run for {BUDGET.seconds} seconds, and this operation was "
                "not begun. Send it again."
            )

    def _request(self, operation: Operation) -> Request:
        """Return the request that the operation would be alone. Raises InvalidValue, Unresolved."""
        for name in operation.references():
            if name not in self._created_here:
                raise InvalidValue(
                    f"bulkId:{name[:100]} refers to no POST of this request; give one this bulkId."
                )
            if name not in self._ids:
                raise Unresolved(
                    f"bulkId:{name[:100]} was not created; its own operation tells why. Send this "
                    "one again together with it."
                )
        resolved = operation.resolved(self._ids)
        return read_request(
            func.HttpRequest(
                method=resolved.method,
                url=f"{self._exchange.base}/{resolved.path.lstrip('/')}",
                headers={"content-type": responses.SCIM_JSON},
                body=b"" if resolved.data is None else orjson.dumps(resolved.data),
            )
        )

    async def _dispatch(self, request: Request, call: Call) -> func.HttpResponse:
        request.check_query()
        match request.segments[3:]:
            case (endpoint, *rest) if endpoint.lower() in _ENDPOINTS and not _is_search(rest):
                handler = _ENDPOINTS[endpoint.lower()]
            case _:
                raise InvalidValue(
                    "The path of a bulk operation is /Users or /Groups, alone or with an id."
                )
        alone = dataclasses.replace(self._exchange, request=request, call=call, rest=tuple(rest))
        return await handler(alone)

    def _location(self, request: Request) -> str:
        return "/".join([self._exchange.base, *(quote(part) for part in request.segments[3:])])


def _is_search(rest: list[str]) -> bool:
    return [each.lower() for each in rest] == [".search"]
