"""PATCH (RFC 7644 §3.5.2): the message, and its operations applied in order, all or none.

Where the RFC leaves a choice, or clients need another than its own:
- A value object is merged into what it is written to, for `replace` as for `add`; a member that is
  null is cleared. §3.5.2.3 says so of complex attributes; we do the same for filtered entries.
- null, "" and [] as a value clear (RFC 7643 §2.5); `add` of no values to a list changes nothing.
- `add` of an entry whose value and type are there updates that entry, so that nothing answered
  2xx is lost; an entry without a value is there when an equal one is.
- A value filter that matches no entry creates one where `new_entry` can tell it (§3.5.2.3 wants
  noTarget; Entra needs the entry). `remove` of what is not there is no error.
- Unknown attributes are passed over and noted: an error would hold up the rest of the message,
  such as a deactivation, for ever.
- What is required may be missing between two operations, as clients remove and add again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scim.protocol.errors import (
    InvalidPath,
    InvalidSyntax,
    InvalidValue,
    Mutability,
    NoTarget,
    TooMany,
)
from scim.protocol.filter import Path
from scim.protocol.filter_parser import parse_path
from scim.protocol.patch_change import Change, Context, NewEntry
from scim.protocol.resource import missing_values, note, whole_resource, with_schemas
from scim.protocol.schema import Attribute, Json, Resource, ResourceType

PATCH_OP: Final = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
# In one message, removals apart: Entra sends a thousand members one by one.
MAX_OPERATIONS: Final = 10_000

_OPS: Final = ("add", "remove", "replace")
_QUOTED: Final = 40  # characters of a wrong op that an error repeats


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of a message; without a path it is about the resource.

    `steps` lead from the resource to what the path names; they are None when there is no such
    attribute.
    """

    op: str
    text: str
    path: Path | None
    value: Json
    steps: tuple[Attribute, ...] | None


def read_operations(message: Json, resource_type: ResourceType) -> list[Operation]:
    """Return the operations of a PatchOp message in standard form.

    Raises InvalidSyntax for a message or an operation that is built wrongly, TooMany for more
    than MAX_OPERATIONS, InvalidPath, InvalidValue for a value that is missing, NoTarget for a
    `remove` without a path.
    """
    if not isinstance(message, dict):
        raise InvalidSyntax("A PATCH message must be an object with schemas and Operations.")
    members = {name.lower(): each for name, each in message.items()}
    schemas = members.get("schemas")
    if not isinstance(schemas, list) or PATCH_OP not in schemas:
        raise InvalidSyntax(f'A PATCH message must have "schemas": ["{PATCH_OP}"].')
    operations = members.get("operations")
    if not isinstance(operations, list) or not operations:
        raise InvalidSyntax(
            "Operations must be a list of one operation or more, such as "
            '{"op": "replace", "path": "displayName", "value": "Kim"}.'
        )
    read = [
        _read_operation(operation, f"Operations[{index}]", resource_type)
        for index, operation in enumerate(operations)
    ]
    # A dialect makes a removal of each value in a list: the body's size bounds both alike.
    writing = sum(operation.op != "remove" for operation in read)
    if writing > MAX_OPERATIONS:
        raise TooMany(
            f"The message has {writing} operations that add or replace; at most {MAX_OPERATIONS} "
            "are taken. Put more values into one operation."
        )
    return read


def apply_patch(
    stored: Resource,
    operations: Sequence[Operation],
    resource_type: ResourceType,
    *,
    new_entry: NewEntry,
    ignored: list[str],
) -> Resource:
    """Return the resource after all operations; `stored` itself when they change nothing.

    `new_entry` gives the entry that `add` or `replace` creates where a value filter matches none,
    or None. Unknown attributes are noted in `ignored`. Raises ScimError, and then nothing is done:
    InvalidValue, InvalidFilter, InvalidPath, NoTarget, TooMany, and Mutability for what is
    read-only or immutable and for the removal of what is required (§3.5.2.2).
    """
    whole = whole_resource(resource_type)
    context = Context(new_entry, ignored)
    # What was missing before, because its schema came later, must not hold up this change.
    missing_before = set(missing_values(whole, stored))
    refusal: InvalidValue | Mutability | None = None
    resource = stored
    for operation in operations:
        steps = operation.steps
        if steps is None:
            note(ignored, operation.text)
            continue
        if steps and steps[0].name == "schemas":
            continue  # they follow from the content
        resource = _change(operation, steps, context).applied(whole, resource, steps, "")
        missing = next(
            (e for e in missing_values(whole, resource) if e not in missing_before), None
        )
        if missing is None:
            refusal = None
        elif refusal is None:
            error = Mutability if operation.op == "remove" else InvalidValue
            refusal = error(f"{missing} must not be empty; it is required.")
    if refusal is not None:
        raise refusal
    return stored if resource == stored else with_schemas(resource, resource_type)


def _read_operation(operation: Json, where: str, resource_type: ResourceType) -> Operation:
    if not isinstance(operation, dict):
        raise InvalidSyntax(f"{where} must be an object with op, path and value.")
    members = {name.lower(): each for name, each in operation.items()}
    op, text = members.get("op"), members.get("path")
    if op not in _OPS:
        said = f", not {op[:_QUOTED]!r}" if isinstance(op, str) else ""
        raise InvalidSyntax(f"{where}.op must be add, remove or replace{said}.")
    if text is not None and not isinstance(text, str):
        raise InvalidPath(f"{where}.path must be a string.")
    if op != "remove" and "value" not in members:
        raise InvalidValue(f"{where}.value is missing; {op} needs it.")
    value = members.get("value")
    if text is None:
        if op == "remove":
            raise NoTarget(f"{where} removes nothing: name it in path.")
        if not isinstance(value, dict):
            raise InvalidValue(f"{where} has no path, so its value must be an object.")
        return Operation(op, "", None, value, ())
    path = parse_path(text)
    return Operation(op, text, path, value, _steps(path, resource_type))


def _steps(path: Path, resource_type: ResourceType) -> tuple[Attribute, ...] | None:
    reference = resource_type.reference(path.urn, path.name, path.sub)
    if reference is None:
        return None
    urn = reference.extension.urn if reference.extension else None
    extension = whole_resource(resource_type).sub(urn) if urn else None
    steps = (extension, reference.attribute, reference.sub_attribute)
    return tuple(step for step in steps if step is not None)


def _change(operation: Operation, steps: Sequence[Attribute], context: Context) -> Change:
    path = operation.path
    selected = None
    if path is not None and path.entries is not None:
        selected = steps[-1] if path.sub is None else steps[-2]
    return Change(operation.op, operation.value, context, selected, path.entries if path else None)
