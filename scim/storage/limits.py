"""The limits of Table Storage, which every engine enforces before it touches its store.

Source: https://learn.microsoft.com/rest/api/storageservices/understanding-the-table-service-data-model
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import orjson

from scim.provisioning.ports import (
    COMMIT_BYTES,
    COMMIT_ROWS,
    KEY_LENGTH,
    PROPERTY_BYTES,
    ROW_BYTES,
    ROW_PROPERTIES,
    SCAN_ROWS,
    Delete,
    LimitExceeded,
    Operation,
    Value,
)

_KEY = re.compile(rf"[A-Za-z0-9\-_.:~]{{1,{KEY_LENGTH}}}")
_BOUND = re.compile(rf"[ -~]{{0,{KEY_LENGTH + 1}}}")
_PROPERTY = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")
_SYSTEM_PROPERTIES = frozenset({"PartitionKey", "RowKey", "Timestamp"})
_ROW_OVERHEAD = 38  # bytes that the service counts for the row and its Timestamp
_INTEGER_OVERHEAD = 40  # bytes of JSON that name an integer's type in a request
_EXPANSION = 5  # a row's JSON takes less than so many times the bytes that are stored of it


def is_key(text: str) -> bool:
    """Tell whether a row or partition can have this key."""
    return _KEY.fullmatch(text) is not None


def check_scan(first: str, last: str, limit: int) -> None:
    """Refuse a scan that some engine could not do; bounds are printable ASCII, not only keys."""
    if not _BOUND.fullmatch(first) or not _BOUND.fullmatch(last):
        raise LimitExceeded("the bounds of a scan must be printable ASCII, no longer than a key")
    if not 1 <= limit <= SCAN_ROWS:
        raise LimitExceeded(f"a scan's limit must be 1 to {SCAN_ROWS}, not {limit}")


def check_commit(partition: str, operations: Sequence[Operation]) -> None:
    """Refuse a commit that Table Storage would refuse for its form or size.

    Its size is that of its values as JSON in UTF-8, as they travel.
    """
    if not is_key(partition):
        raise LimitExceeded(f"{partition!a} cannot be the key of a partition")
    if len(operations) > COMMIT_ROWS:
        raise LimitExceeded(f"a commit takes {COMMIT_ROWS} rows, not {len(operations)}")
    seen: set[str] = set()
    stored = 0
    for operation in operations:
        key = operation.key
        if not is_key(key):
            raise LimitExceeded(f"{key[: KEY_LENGTH + 1]!a} cannot be the key of a row")
        if key in seen:
            raise LimitExceeded(f"the row {key} is twice in one commit")
        seen.add(key)
        if not isinstance(operation, Delete):
            stored += _check_row(partition, key, operation.values)
    if stored * _EXPANSION > COMMIT_BYTES:  # only then is it worth a second look
        _check_request(operations)


def _check_request(operations: Sequence[Operation]) -> None:
    size = sum(_request_bytes(each.values) for each in operations if not isinstance(each, Delete))
    if size > COMMIT_BYTES:
        raise LimitExceeded(f"a commit takes {COMMIT_BYTES} bytes, not {size}")


def _check_row(partition: str, key: str, values: Mapping[str, Value]) -> int:
    """Return the stored size of a row that is within its limits."""
    if len(values) > ROW_PROPERTIES:
        raise LimitExceeded(f"the row {key} has {len(values)} properties of {ROW_PROPERTIES}")
    size = _ROW_OVERHEAD + 2 * (len(partition) + len(key))
    for name, value in values.items():
        if not _is_property(name):
            raise LimitExceeded(f"{name[:256]!a} cannot be the name of a property")
        size += 8 + 2 * len(name) + _property_bytes(key, name, value)
    if size > ROW_BYTES:
        raise LimitExceeded(f"the row {key} takes {size} bytes of {ROW_BYTES}")
    return size


@lru_cache(maxsize=1000)
def _is_property(name: str) -> bool:
    return _PROPERTY.fullmatch(name) is not None and name not in _SYSTEM_PROPERTIES


def _property_bytes(key: str, name: str, value: Value) -> int:
    """Return the stored size of a value; subclasses are refused, bool being one of int."""
    if type(value) is int:
        if not -(2**63) <= value < 2**63:
            raise LimitExceeded(f"{name} of the row {key} is beyond 64 bits")
        return 8
    if type(value) is not str:
        raise LimitExceeded(f"{name} of the row {key} must be str or int, not {type(value)}")
    try:
        size = 2 * len(value) if value.isascii() else len(value.encode("utf-16-le"))
    except UnicodeEncodeError:
        raise LimitExceeded(f"{name} of the row {key} holds half a surrogate pair") from None
    if size > PROPERTY_BYTES:
        raise LimitExceeded(f"{name} of the row {key} takes {size} bytes of {PROPERTY_BYTES}")
    return 4 + size


def _request_bytes(values: Mapping[str, Value]) -> int:
    integers = (len(name) for name, value in values.items() if isinstance(value, int))
    return len(orjson.dumps(values)) + sum(_INTEGER_OVERHEAD + length for length in integers)
