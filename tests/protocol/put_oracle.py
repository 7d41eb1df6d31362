"""PUT as we carry it out and as scim2-models does; each departure from it has a name."""

from __future__ import annotations

import copy
from collections.abc import Callable

from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context
from scim2_models.exceptions import SCIMException

from scim.protocol.errors import ScimError
from scim.protocol.resource import is_blank, read_resource, replace
from scim.protocol.schema import ENTERPRISE_USER, USER, Json, Resource
from tests.protocol.patch_oracle import THEIR_POLICY, THEIR_USER, content_of
from tests.protocol.random_users import KIND, MEMBERS, TEXTS

_UNASSIGNED: st.SearchStrategy[Json] = st.sampled_from([None, ""])
_LABELED = st.fixed_dictionaries({}, optional={"type": TEXTS, "primary": st.booleans()})
_MANAGER = st.builds("https://example.com/Users/{}".format, TEXTS).flatmap(
    lambda uri: st.fixed_dictionaries({"value": TEXTS, "$ref": st.just(uri)})
)

bodies: st.SearchStrategy[Resource] = st.fixed_dictionaries(
    {"schemas": st.just([USER, ENTERPRISE_USER])},
    optional={
        **MEMBERS,
        "title": TEXTS | _UNASSIGNED,
        "roles": MEMBERS["roles"] | st.lists(_LABELED, max_size=2) | st.none(),
        "name": MEMBERS["name"] | st.none(),
        ENTERPRISE_USER: st.fixed_dictionaries(
            {}, optional={"department": TEXTS | _UNASSIGNED, "manager": _MANAGER}
        ),
        "id": st.sampled_from(["0199", "other"]),
        "meta": st.just({"version": "none"}),
        "groups": st.just([{"value": "g1", "display": "Tunnels"}]),
        "password": TEXTS,
    },
).flatmap(lambda body: st.sampled_from([{**body, "userName": "kim"}] * 9 + [body]))

# Theirs has types of its own for what RFC 7644 §3.12 calls invalidValue.
_THEIR_REFUSALS = {"required_error": "invalidValue", "primary_uniqueness_error": "invalidValue"}


def our_outcome(stored: Resource, body: Json) -> Resource | str:
    """Return the content afterwards, or the scimType of the refusal."""
    try:
        return content_of(replace(stored, read_resource(body, KIND, []), KIND))
    except ScimError as error:
        return error.scim_type or ""


def their_outcome(stored: Resource, body: Json) -> Resource | str:
    """Do with scim2-models what `our_outcome` does with our code."""
    try:
        with THEIR_POLICY:
            before = THEIR_USER.model_validate(copy.deepcopy(stored))
            after = THEIR_USER.model_validate(
                copy.deepcopy(body), scim_ctx=Context.RESOURCE_REPLACEMENT_REQUEST
            )
            after.replace(before)
            return content_of(after.model_dump())
    except SCIMException as error:
        return error.scim_type or ""
    except ValidationError as error:
        name = error.errors()[0]["type"].removeprefix("scim_")
        return _THEIR_REFUSALS.get(name, name)


def _active_stays(after: Resource, stored: Resource, body: Resource) -> Resource:
    told = "active" in body or "active" not in stored
    return after if told else {**after, "active": stored["active"]}


def _no_password(after: Resource, _stored: Resource, _body: Resource) -> Resource:
    return {name: each for name, each in after.items() if name != "password"}


def _no_blanks(after: Resource, _stored: Resource, _body: Resource) -> Resource:
    kept = {name: _without_blanks(each) for name, each in after.items()}
    return {name: each for name, each in kept.items() if each not in (None, [], {})}


def _without_blanks(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if each != ""}
    if isinstance(value, list):
        return [each for each in value if not is_blank(each)]
    return value if value != "" else None


def _no_reference(after: Resource, _stored: Resource, _body: Resource) -> Resource:
    enterprise = after.get(ENTERPRISE_USER, {})
    if "manager" not in enterprise:
        return after
    manager = {name: each for name, each in enterprise["manager"].items() if name != "$ref"}
    return {**after, ENTERPRISE_USER: {**enterprise, "manager": manager}}


# What turns their outcome into ours.
Departure = Callable[[Resource, Resource, Resource], Resource]
DEPARTURES: dict[str, Departure] = {
    "an omitted active stays": _active_stays,
    "no password is kept": _no_password,
    "a manager's $ref is the server's": _no_reference,
    "an empty text is no value, and labels alone are no entry": _no_blanks,
}


def compare(stored: Resource, body: Resource) -> None:
    """Check that both have the same outcome once the departures are taken into account."""
    our, their = our_outcome(stored, body), their_outcome(stored, body)
    if isinstance(their, dict):
        for departure in DEPARTURES.values():
            their = departure(their, stored, body)
    assert our == their
