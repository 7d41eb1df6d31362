"""Rows in one table of Azure Table Storage."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest
from azure.data.tables.aio import TableClient

from scim.provisioning.ports import (
    SCAN_ROWS,
    Conflict,
    Delete,
    LimitExceeded,
    Operation,
    Page,
    Replace,
    Row,
    Unavailable,
)
from scim.storage import batch, entities, limits

CONNECT_TIMEOUT = 3.0  # seconds; the service is in the same region
RETRY_AFTER = 5  # seconds; where the service does not say
ANSWER_TIMEOUT = 10.0  # seconds for a whole call; the service itself gives up a page after 5

_JSON = {"Accept": "application/json;odata=minimalmetadata", "DataServiceVersion": "3.0"}
_CONTINUATION = ("NextPartitionKey", "NextRowKey")
_CODE = "x-ms-error-code"
_ETAG = re.compile(r'W/"[!#-~]+"')  # any other would match no row, or ("*") every row
_NO_TABLE = frozenset({"TableNotFound", "TableBeingDeleted"})
_TOO_LARGE = frozenset(
    {"EntityTooLarge", "PropertyValueTooLarge", "RequestBodyTooLarge", "TooManyProperties"}
)


@dataclass(frozen=True, slots=True)
class _Answer:
    """What the service answered."""

    response: Any  # typed by the SDK as what its oldest transport gives
    body: bytes

    @property
    def status(self) -> int:
        return int(self.response.status_code)

    @property
    def headers(self) -> Mapping[str, str]:
        found: Mapping[str, str] = self.response.headers
        return found

    def expecting(self, status: int) -> _Answer:
        """Return the answer if it has this status. Raises HttpResponseError."""
        if self.status != status:
            raise HttpResponseError(response=self.response)
        return self

    def json(self) -> Any:  # noqa: ANN401 - any JSON
        return orjson.loads(self.body)


class TablesStorage:
    """The port `Storage` on Table Storage; one object, with its connections, per process.

    `timeout` bounds each call in seconds. Nothing is tried twice, but for reads on a connection
    that turns out to be closed: whether a commit without an answer took effect is for its caller
    to find out.
    """

    def __init__(
        self,
        endpoint: str,
        credential: AsyncTokenCredential | AzureNamedKeyCredential,
        table: str,
        *,
        create_table: bool = False,
        timeout: float = ANSWER_TIMEOUT,
    ) -> None:
        self._timeout = timeout
        self._table = table
        self._table_missing = create_table
        self._client = TableClient(
            endpoint,
            table,
            credential=credential,
            # Else the proxy settings and .netrc are read again for every request.
            transport=AioHttpTransport(
                use_env_settings=False, connection_timeout=min(CONNECT_TIMEOUT, timeout)
            ),
            retry_total=0,  # clients wait and repeat, as Retry-After tells them to
        )

    @classmethod
    def from_connection_string(
        cls,
        connection_string: str,
        table: str,
        *,
        create_table: bool = False,
        timeout: float = ANSWER_TIMEOUT,
    ) -> TablesStorage:
        """Return the storage of an account with a key, as Azurite has it."""
        parts = dict(part.split("=", 1) for part in connection_string.split(";") if part)
        try:
            credential = AzureNamedKeyCredential(parts["AccountName"], parts["AccountKey"])
            endpoint = parts["TableEndpoint"]
        except KeyError as missing:
            raise ValueError(f"the connection string has no {missing.args[0]}") from None
        return cls(endpoint, credential, table, create_table=create_table, timeout=timeout)

    async def get(self, partition: str, key: str) -> Row | None:
        """See `Storage.get`."""
        if not (limits.is_key(partition) and limits.is_key(key)):
            return None
        async with self._service():
            answer = await self._send("GET", entities.address(self._table, partition, key), _JSON)
            if answer.status == 404 and answer.headers.get(_CODE) not in _NO_TABLE:
                return None
            return entities.row(answer.expecting(200).json())

    async def scan(
        self,
        partition: str,
        first: str,
        last: str,
        limit: int = SCAN_ROWS,
        after: str | None = None,
    ) -> Page:
        """See `Storage.scan`; `after` is the service's own continuation."""
        limits.check_scan(first, last, limit)
        continuation = {} if after is None else _continuation(after)
        if not limits.is_key(partition):
            return Page((), after=None)
        query = entities.page_query(partition, first, last, limit, continuation)
        async with self._service():
            answer = await self._send("GET", f"{self._table}()?{query}", _JSON)
            found = [entities.row(each) for each in answer.expecting(200).json()["value"]]
        more = {name: answer.headers.get(f"x-ms-continuation-{name}") for name in _CONTINUATION}
        return Page(found, after=orjson.dumps(more).decode() if all(more.values()) else None)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `Storage.commit`."""
        limits.check_commit(partition, operations)
        if not operations:
            return
        for operation in operations:
            etag = operation.etag if isinstance(operation, Replace | Delete) else None
            if etag is not None and not _ETAG.fullmatch(etag):
                raise Conflict(operation.key)
        content_type, body = batch.encode(self._client.url, self._table, partition, operations)
        headers = {"Content-Type": content_type, "DataServiceVersion": "3.0"}
        async with self._service():
            answer = await self._send("POST", "$batch", headers, body)
            refusal = batch.refusal(answer.expecting(202).body, len(operations))
        if refusal is not None:
            raise _refused(refusal, operations[refusal.index].key)

    async def close(self) -> None:
        """See `Storage.close`."""
        await self._client.close()

    async def _send(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> _Answer:
        """Send a request through the SDK's pipeline: credentials, time-outs, telemetry.

        What the SDK does around it (models, paging, decoding by type) costs as much again.
        """
        request = HttpRequest(
            method, f"{self._client.url}/{path}", headers=dict(headers), content=body
        )
        # The SDK publishes its pipeline in no other way.
        send = self._client._client.send_request  # noqa: SLF001 - see above
        # Streamed, because the pipeline would decode the answer, and takes a batch's for JSON.
        response = await send(request, stream=True)
        return _Answer(response, await response.read())

    @asynccontextmanager
    async def _service(self) -> AsyncIterator[None]:
        """Bound the time of a call, and tell every failure of the service in the port's terms."""
        try:
            async with asyncio.timeout(self._timeout):
                if self._table_missing:
                    await self._create_table()
                yield
        except HttpResponseError as error:
            if error.status_code == 413:
                raise LimitExceeded("Table Storage finds the commit too large") from error
            told = f"answers {error.status_code} {_header(error, _CODE)}"
            unread = f"cannot be used: {type(error).__name__}"  # credentials, or no answer of its
            message = f"Table Storage {told if error.status_code else unread}"
            raise Unavailable(message, _retry_after(error)) from error
        except AzureError as error:
            raise Unavailable("Table Storage cannot be reached") from error
        except TimeoutError as error:
            raise Unavailable(f"Table Storage gave no answer in {self._timeout} s") from error
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # What the SDK stumbles over when something else answers in the service's place.
            raise Unavailable("Table Storage gave an answer that cannot be read") from error

    async def _create_table(self) -> None:
        with suppress(ResourceExistsError):
            await self._client.create_table()
        self._table_missing = False


def _continuation(after: str) -> dict[str, str]:
    try:
        found = orjson.loads(after)
        return {name: str(found[name]) for name in _CONTINUATION}
    except (orjson.JSONDecodeError, TypeError, KeyError):
        raise ValueError("this is no continuation of a page") from None


def _refused(refusal: batch.Refusal, key: str) -> Conflict | LimitExceeded | Unavailable:
    if refusal.status in {404, 409, 412} and refusal.code not in _NO_TABLE:
        return Conflict(key)
    if refusal.status == 413 or refusal.code in _TOO_LARGE:
        return LimitExceeded(f"Table Storage refuses the row {key}: {refusal.code}")
    return Unavailable(f"Table Storage answers {refusal.status} {refusal.code}")


def _retry_after(error: HttpResponseError) -> int:
    told = _header(error, "Retry-After")
    return int(told) if told.isdecimal() else RETRY_AFTER


def _header(error: HttpResponseError, name: str) -> str:
    response: Any = error.response  # typed by the SDK as what its oldest transport gives
    return response.headers.get(name, "") if response is not None else ""
