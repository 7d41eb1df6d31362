"""PATCH as we apply it and as scim2-models does; each departure from it has a name."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

from pydantic import ValidationError
from scim2_models import EnterpriseUser, PatchOp, ScimPolicy, User
from scim2_models.exceptions import SCIMException

from scim.protocol.errors import ScimError
from scim.protocol.filter import And, Comparison, Filter
from scim.protocol.patch import PATCH_OP, apply_patch, read_operations
from scim.protocol.schema import Attribute, Json, Resource
from tests.protocol.random_users import KIND

THEIR_USER = User[EnterpriseUser]
THEIR_POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
)


def described(entries: Filter, attribute: Attribute) -> dict[str, Any] | None:
    """Make the entry that comparisons with `eq` describe."""
    branches = entries.branches if isinstance(entries, And) else (entries,)
    entry: dict[str, Any] = {}
    for each in branches:
        if not isinstance(each, Comparison) or each.operator != "eq":
            return None
        sub = attribute.sub(each.path.name)
        assert sub
        entry[sub.name] = each.value
    return entry


def ours(stored: Resource, operations: list[Json]) -> Resource:
    """Apply operations as we do."""
    return apply_patch(
        stored,
        read_operations({"schemas": [PATCH_OP], "Operations": operations}, KIND),
        KIND,
        new_entry=described,
        ignored=[],
    )


def content_of(resource: Resource) -> Resource:
    """Return what both must agree on."""
    return {k: v for k, v in resource.items() if k not in ("schemas", "meta")}


def our_outcome(stored: Resource, operation: Json) -> Resource | str:
    """Return the content afterwards, or the scimType of the refusal."""
    try:
        return content_of(ours(stored, [operation]))
    except ScimError as error:
        return error.scim_type or ""


def their_outcome(stored: Resource, operation: Json) -> Resource | str:
    """Do with scim2-models what `our_outcome` does with our code."""
    message = {"schemas": [PATCH_OP], "Operations": [copy.deepcopy(operation)]}
    try:
        with THEIR_POLICY:
            resource = THEIR_USER.model_validate(copy.deepcopy(stored))
            PatchOp[THEIR_USER].model_validate(message).patch(resource)
            return content_of(resource.model_dump())
    except SCIMException as error:
        return error.scim_type or ""
    except ValidationError as error:
        return error.errors()[0]["type"].removeprefix("scim_")


def entries_in(resource: Json) -> Iterator[Json]:
    """Yield the entries of all lists."""
    for each in resource.values() if isinstance(resource, dict) else ():
        yield from each if isinstance(each, list) else ()


def _identity(entry: Json) -> str:
    told = {"value": entry["value"], "type": entry.get("type")} if "value" in entry else entry
    return str(sorted(told.items())).casefold()


def repeats_an_entry(stored: Resource, operation: Json) -> bool:
    """Whether an `add` names an entry that is there, by value and type or else by all of it."""
    names = [operation["path"]] if "path" in operation else list(operation.get("value", {}))
    for name in names:
        added = operation["value"] if "path" in operation else operation["value"][name]
        if isinstance(added, list):
            keys = [_identity(entry) for entry in [*stored.get(name, []), *added]]
            if len(set(keys)) < len(keys):
                return True
    return False


def departure(
    stored: Resource, operation: Json, our: Resource | str, their: Resource | str
) -> str | None:
    """Return the name of the departure that explains two different outcomes."""
    path = operation.get("path", "")
    holds = {
        "an entry goes with its value": (
            operation["op"] == "remove" and path.lower().endswith(".value")
        ),
        "a sub-attribute of no entry makes one": (
            path.startswith("roles.") and "roles" not in stored
        ),
        "labels alone are no entry": (
            any(set(each) <= {"type", "primary"} for each in entries_in(their))
            or ("[" in path and (our, their) == (content_of(stored), "invalidValue"))
        ),
        "an entry that contradicts its filter has no target": (
            (our, their) == ("noTarget", "invalidValue")
        ),
        "two made primary at once are refused": (
            our == "invalidValue" and "primary" in str(operation)
        ),
        "an equal entry is updated": (
            operation["op"] == "add" and repeats_an_entry(stored, operation)
        ),
    }
    return next((name for name, explains in holds.items() if explains), None)


def compare(stored: Resource, operations: list[Json]) -> list[str]:
    """Apply one operation after the other; return the departures that explain differences.

    Fails where an operation has another outcome and no departure explains it.
    """
    departures = []
    for operation in operations:
        our, their = our_outcome(stored, operation), their_outcome(stored, operation)
        if our != their:
            name = departure(stored, operation, our, their)
            assert name, (our, their)
            departures.append(name)
        with contextlib.suppress(ScimError):
            stored = ours(stored, [operation])
    return departures
