"""Rules: what is taken, what is refused and where, and what they grant."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from scim.protocol.schema import ENTERPRISE_USER, user_type
from scim.provisioning.rules.access import CompiledRules, Granted, shown_to_rules
from scim.provisioning.rules.declared import read_declared
from scim.provisioning.rules.rule import Rule, RuleContent
from scim.provisioning.stored_users import Membership, StoredUser

KIND = user_type()
GRANT = {"tenant": "home", "role": "Designer"}
KIM = StoredUser(
    {
        "userName": "kim@example.com",
        "active": True,
        "userType": "Employee",
        "roles": [{"value": "Lead"}],
        ENTERPRISE_USER: {"department": "Tunnels"},
    },
    etag="",
    memberships=(Membership("0190-a", "HR Designers", 1), Membership("0190-b", "Crew", 1)),
)


def rule(identifier: str = "one", **content: Any) -> Rule:
    """Return a rule; one for everybody when nothing is said."""
    said = {"name": "A rule", "grants": [GRANT]} | content
    if not {"condition", "group", "userRole"} & said.keys():
        said["condition"] = "userName pr"
    return Rule.model_validate({"id": identifier, **said}, context=KIND)


def granted(*rules: Rule, user: StoredUser = KIM, directory: str = "d") -> tuple[Granted, ...]:
    """Return what rules grant."""
    return CompiledRules(rules, KIND).access(directory, shown_to_rules(user))


@pytest.mark.parametrize(
    ("said", "matches"),
    [
        ({"group": "hr designers"}, True),
        ({"group": "HR"}, False),
        ({"userRole": "Lead"}, True),
        ({"userRole": "Other"}, False),
        ({"condition": 'groups.display eq "HR Designers" and userType ne "Contractor"'}, True),
        ({"condition": 'groups.display eq "HR Designers" and userType eq "Contractor"'}, False),
        ({"condition": 'groups.value eq "0190-b"'}, True),
        ({"condition": 'groups eq "0190-b"'}, True),
        ({"condition": 'groups[display eq "Crew" and value eq "0190-b"]'}, True),
        ({"condition": 'groups[display eq "Crew" and value eq "0190-a"]'}, False),
        ({"condition": 'not (groups.display eq "HR Designers")'}, False),
        ({"condition": 'groups.display eq "Nobody" or roles.value eq "lead"'}, True),
        ({"condition": f'{ENTERPRISE_USER}:department eq "tunnels"'}, True),
        ({"condition": 'groups.display sw "HR "'}, True),
        ({"condition": "groups pr", "directory": "d"}, True),
        ({"condition": "groups pr", "directory": "other"}, False),
        ({"condition": "groups pr", "enabled": False}, False),
    ],
)
def test_whoever_matches_gets_the_grants(said: dict[str, Any], *, matches: bool) -> None:
    """Short forms and filters over groups, roles and extensions decide; so does the directory."""
    assert bool(granted(rule(**said))) is matches


def test_grants_add_up() -> None:
    """What several rules grant stands once, with all of them, in the order of tenants and roles."""
    rules = [
        rule("b", grants=[{"tenant": "west", "role": "Lead"}, GRANT]),
        rule("a", grants=[GRANT]),
    ]
    assert granted(*rules) == (
        Granted("home", "Designer", ("a", "b")),
        Granted("west", "Lead", ("b",)),
    )


def test_inactive_users_have_no_access() -> None:
    """Neither one that is set inactive nor one that is not said to be active."""
    for resource in ({**KIM.resource, "active": False}, {"userName": "kim@example.com"}):
        assert granted(rule(), user=StoredUser(resource, etag="")) == ()


@pytest.mark.parametrize(
    ("said", "place", "words"),
    [
        ({"condition": 'userName eq "kim" or'}, ("condition",), "Column 21"),
        ({"condition": 'usrName eq "kim"'}, ("condition",), "usrName (column 1)"),
        ({"condition": 'active eq "maybe"'}, ("condition",), "active"),
        ({"condition": 'meta.version eq "1"'}, ("condition",), "meta (column 1)"),
        ({"condition": 'not (groups.$ref co "x")'}, ("condition",), "$ref (column 6)"),
        ({"condition": "password pr"}, ("condition",), "password"),
        ({"condition": "active eq true", "group": "x"}, (), "exactly one"),
        ({"grants": [], "group": "x"}, ("grants",), "at least 1"),
        ({"grants": [{"tenant": " ", "role": "x"}], "group": "x"}, ("grants", 0, "tenant"), "1"),
        ({"group": "x", "colour": "red"}, ("colour",), "not permitted"),
    ],
)
def test_what_cannot_be_applied_is_refused(
    said: dict[str, Any], place: tuple[str | int, ...], words: str
) -> None:
    """A mistake is named with its place, within a condition with its column."""
    with pytest.raises(ValidationError) as refusal:
        RuleContent.model_validate({"name": "A rule", "grants": [GRANT], **said}, context=KIND)
    error = refusal.value.errors()[0]
    assert error["loc"] == place
    assert words in error["msg"]


def test_a_rule_that_cannot_be_read_any_more_matches_nobody() -> None:
    """Its extension is declared no more: the others are applied."""
    odd = Rule.model_validate(
        {"id": "odd", "name": "Odd", "condition": "urn:x:1.0:User:floor pr", "grants": [GRANT]}
    )
    compiled = CompiledRules([odd, rule("one")], KIND)
    assert compiled.access("d", shown_to_rules(KIM)) == (Granted("home", "Designer", ("one",)),)


def test_declared_rules_are_known_by_id_or_name() -> None:
    """A rule of the app setting keeps its identity when its content changes."""
    text = json.dumps([{"name": "Leads", "userRole": "Lead", "grants": [GRANT]}])
    other = text.replace('"Lead"', '"Head"')
    found, changed = (read_declared(each, KIND, []) for each in (text, other))
    assert [each.source for each in found.rules] == ["settings"]
    assert found.rules[0].id == changed.rules[0].id
    assert found.digest != changed.digest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[", "is not JSON: line 1, column"),
        ('[{"name": "x", "group": "x"}]', "[0].grants Field required"),
        (
            json.dumps([{"name": "x", "condition": "nope pr", "grants": [GRANT]}]),
            "[0].condition nope (column 1)",
        ),
        (json.dumps([{"name": "x", "group": "y", "grants": [GRANT]}] * 2), "has twice"),
    ],
)
def test_mistakes_in_the_setting_are_placed(text: str, problem: str) -> None:
    """Each is told with its place in the list, and no rule is taken."""
    problems: list[str] = []
    assert read_declared(text, KIND, problems).rules == ()
    [found] = problems
    assert problem in found
