"""PUT as we carry it out and as scim2-models does; each departure from it has a name."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping

from hypothesis import strategies as st
from pydantic import ValidationError
from scim2_models import Context
from scim2_models.exceptions import SCIMException

from scim.protocol.errors import ScimError
from scim.protocol.resource import is_blank, read_resource, replace
from scim.protocol.schema import ENTERPRISE_USER, USER, Json, Resource
from tests.protocol.patch_oracle import THEIR_POLICY, THEIR_USER, content_of
from tests.protocol.random_users import KIND, MEMBERS, TEXTS

Outcome = Resource | str  # the content afterwards, or the scimType of the refusal

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


def our_outcome(stored: Resource, body: Json) -> Outcome:
    """Return the content afterwards, or the scimType of the refusal."""
    try:
        return content_of(replace(stored, read_resource(body, KIND, []), KIND))
    except ScimError as error:
        return error.scim_type or ""


def their_outcome(stored: Resource, body: Json) -> Outcome:
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


# Where we part from it: what turns their outcome into ours.


def _without_blanks(_their: Outcome, stored: Resource, body: Resource) -> Outcome:
    return their_outcome(stored, {name: _filled(each) for name, each in body.items()})


def _filled(value: Json) -> Json:
    if isinstance(value, dict):
        return {name: each for name, each in value.items() if each != ""}
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str) or not is_blank(each)]
    return None if value == "" else value


def _with_active(their: Outcome, stored: Resource, body: Resource) -> Outcome:
    if not isinstance(their, dict) or "active" in body or "active" not in stored:
        return their
    return {**their, "active": stored["active"]}


def _without_password(their: Outcome, _stored: Resource, _body: Resource) -> Outcome:
    if not isinstance(their, dict):
        return their
    return {name: each for name, each in their.items() if name != "password"}


def _without_reference(their: Outcome, _stored: Resource, _body: Resource) -> Outcome:
    enterprise = their.get(ENTERPRISE_USER, {}) if isinstance(their, dict) else {}
    if not isinstance(their, dict) or "manager" not in enterprise:
        return their
    manager = {name: each for name, each in enterprise["manager"].items() if name != "$ref"}
    return {**their, ENTERPRISE_USER: {**enterprise, "manager": manager}}


DEPARTURES: Mapping[str, Callable[[Outcome, Resource, Resource], Outcome]] = {
    "an empty text is no value, and labels alone are no entry": _without_blanks,
    "an omitted active stays": _with_active,
    "no password is kept": _without_password,
    "a manager's $ref is the server's": _without_reference,
}


def compare(stored: Resource, body: Resource) -> list[str]:
    """Return the departures that explain a different outcome; fail if they do not."""
    our, their = our_outcome(stored, body), their_outcome(stored, body)
    departures = []
    for name, departure in DEPARTURES.items():
        if our != their and their != (adapted := departure(their, stored, body)):
            departures.append(name)
            their = adapted
    assert our == their, (our, their)
    return departures
