"""What holds for any PATCH, and how ours compares with that of scim2-models."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import EnterpriseUser, PatchOp, ScimPolicy, User
from scim2_models.exceptions import SCIMException

from scim.protocol.errors import NoTarget, ScimError
from scim.protocol.filter import And, Comparison, Filter
from scim.protocol.patch import PATCH_OP, apply_patch, read_operations
from scim.protocol.resource import read_resource, with_schemas
from scim.protocol.schema import ENTERPRISE_USER, Attribute, Json, Resource
from tests.protocol.sample_types import BADGE, badge_type, user

KIND = badge_type()

TEXTS = st.sampled_from(["a", "A", "b", "Kim", "work", "home", "é"])
NAMES = st.fixed_dictionaries({}, optional={"givenName": TEXTS, "familyName": TEXTS})
LABELS = {"type": TEXTS, "primary": st.booleans()}
ENTRIES = st.one_of(
    st.fixed_dictionaries({"value": TEXTS}, optional={**LABELS, "display": TEXTS}),
    st.fixed_dictionaries({"display": TEXTS}, optional=LABELS),
)
ADDRESSES = st.fixed_dictionaries({"locality": TEXTS}, optional={"type": TEXTS, "region": TEXTS})
ENTERPRISES = st.fixed_dictionaries({}, optional={"department": TEXTS, "division": TEXTS})
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS,
    "nickName": TEXTS,
    "active": st.booleans(),
    "name": NAMES,
    "roles": st.lists(ENTRIES, max_size=3),
    "phoneNumbers": st.lists(ENTRIES, max_size=3),
    "addresses": st.lists(ADDRESSES, max_size=2),
    ENTERPRISE_USER: ENTERPRISES,
}
FILTERS = st.one_of(
    st.builds('{} eq "{}"'.format, st.sampled_from(["type", "value", "TYPE"]), TEXTS),
    st.builds('type eq "{}" and value eq "{}"'.format, TEXTS, TEXTS),
    st.sampled_from(["primary eq true", 'type ne "work"', "display pr", 'value sw "K"']),
)
SUBS = st.sampled_from(["value", "type", "display", "primary", "Value"])


def value_at(path: str) -> st.SearchStrategy[Any]:
    """Return values that fit a path."""
    name = path.rpartition(":")[2].partition("[")[0].partition(".")[0]
    sub = path.rpartition("]")[2].rpartition(".")[2] if "." in path.rpartition("]")[2] else ""
    if path == ENTERPRISE_USER:
        return ENTERPRISES
    if sub:
        return st.booleans() if sub.lower() == "primary" else TEXTS
    if "[" in path:
        return ENTRIES
    return MEMBERS.get(name, TEXTS)


PATHS = st.one_of(
    st.sampled_from(
        [
            *MEMBERS,
            "TITLE",
            "name.givenName",
            "name.familyName",
            f"{ENTERPRISE_USER}:department",
            f"{ENTERPRISE_USER}:division",
            "userName",
        ]
    ),
    st.builds("{}[{}].{}".format, st.sampled_from(["roles", "phoneNumbers"]), FILTERS, SUBS),
    st.builds("{}[{}]".format, st.sampled_from(["roles", "phoneNumbers"]), FILTERS),
    st.builds("roles.{}".format, SUBS),
)


@st.composite
def fitting_operations(draw: st.DrawFn) -> dict[str, Any]:
    """Draw an operation whose value has the type that its path wants."""
    op = draw(st.sampled_from(["add", "replace", "remove"]))
    if op != "remove" and draw(st.integers(0, 4)) == 0:
        return {"op": op, "value": draw(st.fixed_dictionaries({}, optional=MEMBERS))}
    path = draw(PATHS)
    if op == "remove":
        return {"op": op, "path": path}
    return {"op": op, "path": path, "value": draw(value_at(path))}


@st.composite
def users(draw: st.DrawFn) -> Resource:
    """Draw a stored user."""
    body = draw(st.fixed_dictionaries({"userName": TEXTS}, optional=MEMBERS))
    with contextlib.suppress(ScimError):
        return with_schemas({"id": "0199", **read_resource(body, KIND, [])}, KIND)
    return user()


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


def any_json() -> st.SearchStrategy[Json]:
    """Return a strategy of JSON with names and texts that mean something here."""
    leaves = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXTS
    names = TEXTS | st.sampled_from([*MEMBERS, BADGE, "value", "type", "primary", "id", "schemas"])
    return st.recursive(
        leaves | st.just("\0"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
        max_leaves=12,
    )


BADGE_PATHS = [
    f"{BADGE}:{name}"
    for name in ("number", "weight", "issued", "doors", 'doors[value eq "a"]', "stamp", "printed")
]
SERVER_PATHS = [
    "id",
    "meta",
    "meta.version",
    "groups.value",
    "schemas",
    "password",
    BADGE,
    "userName",
]
ANY_PATHS = (
    PATHS
    | st.sampled_from([*BADGE_PATHS, *SERVER_PATHS, f"{BADGE}:stamps[by eq 1].seal", "name.x"])
    | st.builds("{}[{}]".format, st.sampled_from(["title", "name", "active"]), FILTERS)
    | st.text(max_size=8)
)
ANY_OPERATIONS = fitting_operations() | st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace", "remove"]), "value": any_json()},
    optional={"path": ANY_PATHS},
)


@given(users(), st.lists(ANY_OPERATIONS, min_size=1, max_size=4))
def test_any_patch_leaves_a_valid_resource_or_is_refused(
    stored: Resource, operations: list[Json]
) -> None:
    """The result reads as itself, the arguments stay as they were, and no other error is raised."""
    before = copy.deepcopy((stored, operations))
    with contextlib.suppress(ScimError):
        result = ours(stored, operations)
        content = {k: v for k, v in result.items() if k not in ("schemas", "id", "meta")}
        ignored: list[str] = []
        assert read_resource(content, KIND, ignored) == content
        assert not ignored
        assert with_schemas(result, KIND) == result
        assert (result is stored) == (result == stored)
    assert (stored, operations) == before


@given(st.recursive(st.none() | st.booleans() | st.integers() | TEXTS, st.lists) | any_json())
def test_any_body_reads_as_something_valid_or_is_refused(body: Json) -> None:
    """What is read reads as itself, and no other error than a ScimError is raised."""
    with contextlib.suppress(ScimError):
        content = read_resource(body, KIND, [])
        assert read_resource(content, KIND, []) == content


@given(users(), ANY_OPERATIONS)
def test_repeating_an_operation_changes_nothing_more(stored: Resource, operation: Json) -> None:
    """A client may send a request again: nothing changes, or the filter has lost its entry."""
    with contextlib.suppress(ScimError):
        once = ours(stored, [operation])
        with contextlib.suppress(NoTarget):
            assert ours(once, [operation]) is once


# --- scim2-models as oracle. Each departure from it has a name, a reason and an example.

THEIR_USER = User[EnterpriseUser]
THEIR_POLICY = ScimPolicy(
    unknown=ScimPolicy.Unknown.ignore,
    unmatched_path_filter=ScimPolicy.UnmatchedPathFilter.create,
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


ROLES = user(roles=[{"value": "a", "type": "b", "primary": True}, {"value": "b", "display": "B"}])
DEPARTURES: dict[str, tuple[Resource, Json, Resource | str, Resource | str]] = {
    # Entra removes `phoneNumbers[type eq "mobile"].value` to remove the number.
    "an entry goes with its value": (
        ROLES,
        {"op": "remove", "path": "roles.value"},
        user(),
        user(roles=[{"type": "b", "primary": True}, {"display": "B"}]),
    ),
    # What is answered 2xx is stored.
    "a sub-attribute of no entry makes one": (
        user(),
        {"op": "add", "path": "roles.value", "value": "a"},
        user(roles=[{"value": "a"}]),
        user(),
    ),
    # As above: Entra leaves the type behind.
    "labels alone are no entry": (
        user(),
        {"op": "add", "path": 'roles[type eq "a"].primary', "value": True},
        user(),
        user(roles=[{"type": "a", "primary": True}]),
    ),
    # RFC 7644 §3.5.2.3 has noTarget for a filter without a match.
    "an entry that contradicts its filter has no target": (
        user(),
        {"op": "replace", "path": 'roles[value eq "a"].value', "value": "b"},
        "noTarget",
        "invalidValue",
    ),
    # They take the one that was not primary before; which is meant cannot be known.
    "two made primary at once are refused": (
        ROLES,
        {"op": "replace", "path": "roles.primary", "value": True},
        "invalidValue",
        user(
            roles=[
                {"value": "a", "type": "b", "primary": False},
                {"value": "b", "display": "B", "primary": True},
            ]
        ),
    ),
    # RFC 7643 §2.4: no type and value twice.
    "an equal entry is updated": (
        ROLES,
        {"op": "add", "path": "roles", "value": [{"value": "b", "display": "New"}]},
        user(
            roles=[{"value": "a", "type": "b", "primary": True}, {"value": "b", "display": "New"}]
        ),
        user(roles=[*ROLES["roles"], {"value": "b", "display": "New"}]),
    ),
}


@pytest.mark.parametrize("name", DEPARTURES)
def test_we_depart_from_scim2_models_for_a_reason(name: str) -> None:
    """Each departure is as its example shows; when either side changes, this says so."""
    stored, operation, our, their = DEPARTURES[name]
    expected = [each if isinstance(each, str) else content_of(each) for each in (our, their)]
    outcomes = our_outcome(stored, operation), their_outcome(stored, operation)
    assert list(outcomes) == expected
    assert departure(stored, operation, *outcomes) == name


@settings(deadline=None)  # theirs takes milliseconds, and more on a busy machine
@given(users(), st.lists(fitting_operations(), min_size=1, max_size=3))
def test_we_agree_with_scim2_models_on_all_else(stored: Resource, operations: list[Json]) -> None:
    """On values that fit, each operation has the same outcome, or a departure explains it."""
    for operation in operations:
        our, their = our_outcome(stored, operation), their_outcome(stored, operation)
        if our != their:
            assert departure(stored, operation, our, their), (our, their)
        with contextlib.suppress(ScimError):
            stored = ours(stored, [operation])
