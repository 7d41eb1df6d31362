"""Rows in one table of Azure Table Storage."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import orjson
from azure.core.credentials import AzureNamedKeyCredential
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.exceptions import (
    AzureError,
    HttpResponseError,
    ResourceExistsError,
    ResourceNotFoundError,
)
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import HttpRequest
from azure.data.tables import EntityProperty, TableEntity
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
    Value,
)
from scim.storage import batch, limits

CONNECT_TIMEOUT = 3.0  # seconds; the service is in the same region
RETRY_AFTER = 5  # seconds; where the service does not say
ANSWER_TIMEOUT = 10.0  # seconds for a whole call; the service itself gives up a page after 5

_RANGE = "PartitionKey eq @partition and RowKey ge @first and RowKey lt @last"
_ETAG = re.compile(r'W/"[!#-~]+"')  # any other would match no row, or ("*") every row
_NO_TABLE = frozenset({"TableNotFound", "TableBeingDeleted"})
_TOO_LARGE = frozenset(
    {"EntityTooLarge", "PropertyValueTooLarge", "RequestBodyTooLarge", "TooManyProperties"}
)


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
            try:
                return _row(await self._client.get_entity(partition, key))
            except ResourceNotFoundError as error:
                if _code(error) in _NO_TABLE:
                    raise
                return None

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
        continuation = None if after is None else _continuation(after)
        if not limits.is_key(partition):
            return Page((), after=None)
        async with self._service():
            found = self._client.query_entities(
                _RANGE,
                parameters={"partition": partition, "first": first, "last": last},
                results_per_page=limit,
            )
            pages: Any = found.by_page(continuation)
            rows = [_row(entity) async for entity in await anext(pages)]
        more = pages.continuation_token
        return Page(rows, after=orjson.dumps(more).decode() if more else None)

    async def commit(self, partition: str, operations: Sequence[Operation]) -> None:
        """See `Storage.commit`."""
        limits.check_commit(partition, operations)
        if not operations:
            return
        for operation in operations:
            etag = operation.etag if isinstance(operation, Replace | Delete) else None
            if etag is not None and not _ETAG.fullmatch(etag):
                raise Conflict(operation.key)
        url, table = self._client.url, self._client.table_name
        content_type, body = batch.encode(url, table, partition, operations)
        headers = {"Content-Type": content_type, "DataServiceVersion": "3.0"}
        request = HttpRequest("POST", f"{url}/$batch", headers=headers, content=body)
        async with self._service():
            # The SDK publishes its pipeline (credentials, time-outs, telemetry) in no other way.
            send = self._client._client.send_request  # noqa: SLF001 - see above
            # Streamed, because the pipeline would take the answer for JSON.
            response = await send(request, stream=True)
            answer = await response.read()
            if response.status_code != 202:
                raise HttpResponseError(response=response)
            refusal = batch.refusal(answer, len(operations))
        if refusal is not None:
            raise _refused(refusal, operations[refusal.index].key)

    async def close(self) -> None:
        """See `Storage.close`."""
        await self._client.close()

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
            told = f"answers {error.status_code} {_code(error)}"
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


def _row(entity: TableEntity) -> Row:
    values: dict[str, Value] = {
        # A 64-bit integer comes with its type.
        name: value.value if isinstance(value, EntityProperty) else value
        for name, value in entity.items()
        if name not in {"PartitionKey", "RowKey"}
    }
    return Row(entity["RowKey"], entity.metadata["etag"] or "", values)


def _continuation(after: str) -> Any:  # noqa: ANN401 - the SDK says str, but takes a mapping
    try:
        token = orjson.loads(after)
    except orjson.JSONDecodeError:
        token = None
    if not isinstance(token, dict):
        raise ValueError("this is no continuation of a page")  # noqa: TRY004 - of the wrong value
    return token


def _refused(refusal: batch.Refusal, key: str) -> Conflict | LimitExceeded | Unavailable:
    if refusal.status in {404, 409, 412} and refusal.code not in _NO_TABLE:
        return Conflict(key)
    if refusal.status == 413 or refusal.code in _TOO_LARGE:
        return LimitExceeded(f"Table Storage refuses the row {key}: {refusal.code}")
    return Unavailable(f"Table Storage answers {refusal.status} {refusal.code}")


def _code(error: HttpResponseError) -> str:
    """Return the service's word for the error, which the SDK adds where it has read the body."""
    code = getattr(error, "error_code", None) or _header(error, "x-ms-error-code")
    return str(getattr(code, "value", code))


def _retry_after(error: HttpResponseError) -> int:
    told = _header(error, "Retry-After")
    return int(told) if told.isdecimal() else RETRY_AFTER


def _header(error: HttpResponseError, name: str) -> str:
    response: Any = error.response  # typed by the SDK as what its oldest transport gives
    return response.headers.get(name, "") if response is not None else ""
