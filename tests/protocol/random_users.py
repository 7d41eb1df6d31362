"""Users, and operations that fit them, drawn at random."""

from __future__ import annotations

import contextlib
from typing import Any

from hypothesis import strategies as st

from scim.protocol.errors import ScimError
from scim.protocol.resource import read_resource, with_schemas
from scim.protocol.schema import ENTERPRISE_USER, Resource
from tests.protocol.sample_types import badge_type, user

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
