"""Random rules on random users: that few rules are looked at changes nothing of what is granted."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scim.protocol.filter_parser import parse_filter
from scim.protocol.matching import matcher
from scim.protocol.schema import ENTERPRISE_USER, Resource, user_type
from scim.provisioning.rules.access import CompiledRules
from scim.provisioning.rules.rule import Rule

KIND = user_type()
TEXTS = st.sampled_from(["a", "A", "b"])
PLACES = st.sampled_from(
    [
        "Title",
        "userName",
        "name.givenName",
        "roles",
        "roles.display",
        "Roles.Value",
        "phoneNumbers.type",
        "groups",
        "groups.display",
        f"{ENTERPRISE_USER.upper()}:Division",
    ]
)
COMPARISONS = st.builds(
    '{} {} "{}"'.format, PLACES, st.sampled_from(["eq", "eq", "eq", "ne", "sw"]), TEXTS
) | st.builds('roles[value eq "{}" and type eq "{}"]'.format, TEXTS, TEXTS)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: (
        st.builds("({} and {})".format, inner, inner)
        | st.builds("({} or {})".format, inner, inner)
        | st.builds("not ({})".format, inner)
    ),
    max_leaves=4,
)
ENTRIES = st.lists(
    st.fixed_dictionaries({"value": TEXTS, "display": TEXTS}, optional={"type": TEXTS}), max_size=2
)
USERS = st.fixed_dictionaries(
    {
        "active": st.just(True),
        "userName": TEXTS,
        "title": TEXTS,
        "roles": ENTRIES,
        "groups": ENTRIES,
        ENTERPRISE_USER: st.fixed_dictionaries({}, optional={"division": TEXTS}),
    },
    optional={
        "name": st.fixed_dictionaries({"givenName": TEXTS}),
        "phoneNumbers": ENTRIES,
    },
)


@settings(max_examples=500, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=6), USERS)
def test_rules_grant_what_their_conditions_say(conditions: list[str], user: Resource) -> None:
    """A rule grants if its own condition matches, whatever the other rules are."""
    rules = [
        Rule.model_validate(
            {
                "id": f"rule-{number}",
                "name": "A rule",
                "condition": condition,
                "grants": [{"tenant": "t", "role": f"role-{number}"}],
            }
        )
        for number, condition in enumerate(conditions)
    ]
    granted = {each.rules for each in CompiledRules(rules, KIND).access("d", user)}
    assert granted == {
        (rule.id,) for rule in rules if matcher(parse_filter(rule.condition or ""), KIND)(user)
    }
