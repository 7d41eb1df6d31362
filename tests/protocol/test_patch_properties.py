"""What holds for any PATCH, and how ours compares with that of scim2-models."""

from __future__ import annotations

import contextlib
import copy

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.errors import NoTarget, ScimError
from scim.protocol.resource import read_resource, with_schemas
from scim.protocol.schema import Json, Resource
from tests.protocol.patch_oracle import (
    compare,
    content_of,
    departure,
    our_outcome,
    ours,
    their_outcome,
)
from tests.protocol.random_users import (
    FILTERS,
    KIND,
    MEMBERS,
    PATHS,
    TEXTS,
    fitting_operations,
    users,
)
from tests.protocol.sample_types import BADGE, user


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
    compare(stored, operations)
