"""Bulk (RFC 7644 §3.7): the request, the references within it, and the order that satisfies them.

An operation that needs what another creates refers to it by `bulkId:` and the other's bulkId: as
a value anywhere in its data, in the address of a `$ref`, in the filter of a PATCH path, in its own
path. Creations move forward to the first operation that needs them; all else keeps its order. In
a cycle the reference that closes it is left out of the creation and added afterwards.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from scim.protocol import bulk_references
from scim.protocol.errors import InvalidSyntax, PayloadTooLarge
from scim.protocol.patch import PATCH_OP
from scim.protocol.schema import Json

BULK_REQUEST: Final = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
BULK_RESPONSE: Final = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"

MAX_OPERATIONS: Final = 1_000  # at 100 ms each they end well before a platform cuts the request
MAX_PAYLOAD_SIZE: Final = 10 * 1024 * 1024  # bytes; as one group of the largest size

_METHODS: Final = ("POST", "PUT", "PATCH", "DELETE")
_QUOTED: Final = 100  # characters of a name that an error repeats


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation; `data` is as sent, and None for DELETE."""

    method: str
    path: str
    bulk_id: str | None = None
    version: str | None = None
    data: Json = field(default=None, repr=False)

    def references(self) -> list[str]:
        """Return the bulkIds that it refers to, each once."""
        in_path = bulk_references.of(self.path, "path")
        return list(dict.fromkeys([*in_path, *bulk_references.of(self.data)]))

    def resolved(self, ids: Mapping[str, str]) -> Operation:
        """Return the operation with an id in the place of every reference."""
        return replace(
            self,
            path=bulk_references.resolve(self.path, ids, "path"),
            data=bulk_references.resolve(self.data, ids),
        )

    def without(self, later: frozenset[str]) -> Operation:
        """Return the creation without its references to the bulkIds in `later`."""
        return replace(self, data=bulk_references.split(self.data, later)[0]) if later else self

    def completion(self, later: frozenset[str], path: str) -> Operation:
        """Return the PATCH of the created resource that adds what `without` left out."""
        _, cut = bulk_references.split(self.data, later)
        message = {"schemas": [PATCH_OP], "Operations": [{"op": "add", "value": cut}]}
        return Operation("PATCH", path, data=message)


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """A request; after `fail_on_errors` failures nothing more is begun."""

    operations: Sequence[Operation]
    fail_on_errors: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """The operation at `index` carried out, but for its references to the bulkIds in `later`.

    `completes`: it was carried out before, and these references are added now.
    """

    index: int
    later: frozenset[str] = frozenset()
    completes: bool = False


def read_bulk(message: Json) -> BulkRequest:
    """Read a BulkRequest. Raises InvalidSyntax, and PayloadTooLarge beyond MAX_OPERATIONS."""
    members = {name.lower(): value for name, value in message.items()}
    schemas = members.get("schemas")
    if not isinstance(schemas, list) or BULK_REQUEST not in schemas:
        raise InvalidSyntax(f'A bulk request must have "schemas": ["{BULK_REQUEST}"].')
    limit = members.get("failonerrors")
    if limit is not None and (type(limit) is not int or limit < 1):
        raise InvalidSyntax(
            "failOnErrors must be a whole number from 1; leave it out to go on whatever fails."
        )
    sent = members.get("operations")
    if not isinstance(sent, list) or not sent:
        raise InvalidSyntax(
            "Operations must be a list of one operation or more, such as "
            '{"method": "POST", "path": "/Users", "bulkId": "kim", "data": {...}}.'
        )
    if len(sent) > MAX_OPERATIONS:
        # RFC 7644 §3.7.4: the answer names the limit.
        raise PayloadTooLarge(
            f"The bulk request has {len(sent)} operations; maxOperations is {MAX_OPERATIONS}. "
            "Send them in several requests."
        )
    operations = [_read_operation(each, f"Operations[{index}]") for index, each in enumerate(sent)]
    _check_unique(operations)
    return BulkRequest(operations, limit)


def plan(operations: Sequence[Operation]) -> list[Step]:
    """Return the steps in order: every operation once, after whatever it refers to.

    Only creations can be referred to, so only they stand in a cycle; the one that closes it is
    carried out without that reference and completed as soon as the reference can be resolved.
    References to what no operation creates are left to whoever carries the steps out.
    """
    walk = _Walk(operations)
    for index in range(len(operations)):
        walk.visit(index)
    return walk.steps


def _read_operation(sent: Json, where: str) -> Operation:
    if not isinstance(sent, dict):
        raise InvalidSyntax(f"{where} must be an object with method, path and data.")
    members = {name.lower(): value for name, value in sent.items()}

    def text(name: str) -> str | None:
        value = members.get(name.lower())
        if value is not None and (not isinstance(value, str) or not value):
            raise InvalidSyntax(f"{where}.{name} must be a string, and not empty.")
        return value

    method, path, bulk_id = (text("method") or "").upper(), text("path"), text("bulkId")
    if method not in _METHODS:
        said = f", not {method[:_QUOTED]!r}" if method else ""
        raise InvalidSyntax(f"{where}.method must be one of {', '.join(_METHODS)}{said}.")
    if path is None:
        raise InvalidSyntax(f"{where}.path is missing; send /Users, or /Users/ and an id.")
    if method == "POST" and bulk_id is None:
        raise InvalidSyntax(f"{where}.bulkId is missing; POST needs one, unique in the request.")
    data = None if method == "DELETE" else members.get("data")
    return Operation(method, path, bulk_id, text("version"), data)


def _check_unique(operations: Iterable[Operation]) -> None:
    seen: set[str | None] = set()
    for index, operation in enumerate(operations):
        if operation.method != "POST":
            continue
        if operation.bulk_id in seen:
            raise InvalidSyntax(
                f"Operations[{index}].bulkId {(operation.bulk_id or '')[:_QUOTED]!r} stands at an "
                "operation before it; give each POST its own."
            )
        seen.add(operation.bulk_id)


class _Walk:
    """A walk through the references, depth first; a loop, because chains may be long."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.steps: list[Step] = []
        self._operations = operations
        self._makers = {
            each.bulk_id: index for index, each in enumerate(operations) if each.method == "POST"
        }
        self._begun: set[int] = set()
        self._open: dict[int, Iterator[str]] = {}  # from the root to where the walk stands
        self._later: dict[int, set[str]] = {}
        self._waiting: dict[int, list[int]] = {}  # what to complete, by what it waits for

    def visit(self, root: int) -> None:
        if root not in self._begun:
            self._enter(root)
        while self._open:
            index = next(reversed(self._open))
            name = next(self._open[index], None)
            if name is None:
                self._leave(index)
            elif (maker := self._makers.get(name)) in self._open:
                self._later.setdefault(index, set()).add(name)
            elif maker is not None and maker not in self._begun:
                self._enter(maker)

    def _enter(self, index: int) -> None:
        self._begun.add(index)
        self._open[index] = iter(self._operations[index].references())

    def _leave(self, index: int) -> None:
        later = self._later.get(index, set())
        if later:
            waited_for = {self._makers[name] for name in later}
            last = next(each for each in self._open if each in waited_for)  # nearest to the root
            self._waiting.setdefault(last, []).append(index)
        del self._open[index]
        self.steps.append(Step(index, frozenset(later)))
        for each in self._waiting.pop(index, []):
            self.steps.append(Step(each, frozenset(self._later[each]), completes=True))
