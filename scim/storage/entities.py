"""Rows as entities of the Table service: their JSON, their addresses, and what asks for a range.

Source: https://learn.microsoft.com/rest/api/storageservices/payload-format-for-table-service-operations
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from scim.provisioning.ports import Row, Value

_KEYS = frozenset({"PartitionKey", "RowKey", "Timestamp"})


def entity(partition: str, key: str, values: Mapping[str, Value]) -> dict[str, str]:
    """Return the JSON object of a row."""
    written = {"PartitionKey": partition, "RowKey": key}
    for name, value in values.items():
        if isinstance(value, int):
            written[f"{name}@odata.type"] = "Edm.Int64"
        written[name] = str(value)
    return written


def row(read: Mapping[str, Any]) -> Row:
    """Return the row of a JSON object; raises KeyError if it is none."""
    values: dict[str, Value] = {}
    for name, value in read.items():
        if name in _KEYS or "odata." in name:
            continue
        is_long = read.get(f"{name}@odata.type") == "Edm.Int64"
        values[name] = int(value) if is_long else value
    return Row(read["RowKey"], read["odata.etag"], values)


def address(table: str, partition: str, key: str) -> str:
    """Return the URL of an entity below that of the account; keys are of the port's alphabet."""
    return f"{table}(PartitionKey='{quote(partition)}',RowKey='{quote(key)}')"


def page_query(
    partition: str, first: str, last: str, limit: int, continuation: Mapping[str, str]
) -> str:
    """Return the query for a page of first <= key < last."""
    bounds = f"RowKey ge {_literal(first)} and RowKey lt {_literal(last)}"
    query = {
        "$filter": f"PartitionKey eq {_literal(partition)} and {bounds}",
        "$top": str(limit),
        **continuation,
    }
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
