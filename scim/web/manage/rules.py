"""Rules: whoever matches gets their grants; and the tenants and roles that they name."""

from __future__ import annotations

from collections import defaultdict

from pydantic import ConfigDict

from scim.protocol.errors import InvalidFilter, NotFound
from scim.protocol.matching import matcher
from scim.protocol.schema import ResourceType
from scim.provisioning.identifiers import lower_id
from scim.provisioning.log.entries import Did, Target
from scim.provisioning.rule_sync.changes import Rules
from scim.provisioning.rules import rule as stored
from scim.provisioning.rules.rule_sets import RULE_ID
from scim.web.manage.merge_patch import MERGE_PATCH, merge_patch
from scim.web.manage.models import Shown
from scim.web.manage.pages import PAGING, Page, page
from scim.web.manage.problems import Fault, Invalid, Refused, checked
from scim.web.manage.routes import JSON_TYPES, Managed, Reply, Route


class NewRule(stored.RuleContent):
    """A rule to be made; exactly one of condition, group and userRole."""

    model_config = ConfigDict(populate_by_name=False, defer_build=True)


class RuleChange(NewRule):
    """What a merge patch may change."""


class Rule(Shown):
    """A rule as it was last said; until `inForce` it waits for its set to be counted or confirmed.

    Those with the source `settings` are declared in the app setting RULES, and read-only here. With
    a `problem` it matches nobody: its condition names what EXTENSION_SCHEMAS declares no more.
    """

    id: str
    name: str
    enabled: bool
    condition: str | None
    group: str | None
    user_role: str | None
    directory: str | None
    grants: tuple[stored.Grant, ...]
    source: stored.Source
    in_force: bool
    problem: str | None


class Tenant(Shown):
    """A tenant, its roles, and the ids of the rules that grant them."""

    tenant: str
    roles: tuple[str, ...]
    rules: tuple[str, ...]


async def _list(call: Managed) -> Reply:
    known = await call.services.rule_changes.read()
    body = await page(
        call,
        known.latest,
        lambda each: [each.name, each.id],
        lambda each: _shown(call, each, known),
    )
    return Reply(body)


async def _get(call: Managed) -> Reply:
    known = await call.services.rule_changes.read()
    return Reply(_shown(call, _named(call, known.latest), known))


async def _create(call: Managed) -> Reply:
    new = call.read(NewRule, context=call.services.rules.kind)
    await check_directory(call, new)
    rule = stored.Rule(**new.model_dump(), id=lower_id(RULE_ID))
    known = await call.services.rule_changes.change(
        lambda rules: (*rules, rule), call.by, Did.CREATE, _target(rule)
    )
    return Reply(_shown(call, rule, known), f"rules/{rule.id}")


async def _patch(call: Managed) -> Reply:
    patch = call.request.object(media_types=(*JSON_TYPES, MERGE_PATCH))
    known = await call.services.rule_changes.read()
    before = _named(call, known.latest)
    call.demand(_shown(call, before, known))
    after = _patched(call, before, patch)
    await check_directory(call, after)

    def decide(rules: tuple[stored.Rule, ...]) -> tuple[stored.Rule, ...]:
        now = _named(call, rules)
        changed = after if now == before else _patched(call, now, patch)
        return tuple(changed if each.id == now.id else each for each in rules)

    known = await call.services.rule_changes.change(decide, call.by, Did.UPDATE, _target(after))
    return Reply(_shown(call, _named(call, known.latest), known))


async def _delete(call: Managed) -> Reply:
    known = await call.services.rule_changes.read()
    before = _named(call, known.latest)
    call.demand(_shown(call, before, known))
    _refuse_declared(before)

    def decide(rules: tuple[stored.Rule, ...]) -> tuple[stored.Rule, ...]:
        return tuple(each for each in rules if each.id != before.id)

    known = await call.services.rule_changes.change(decide, call.by, Did.DELETE, _target(before))
    return Reply(_shown(call, before, known))


async def _tenants(call: Managed) -> Reply:
    known = await call.services.rule_changes.read()
    roles: dict[str, set[str]] = defaultdict(set)
    rules: dict[str, set[str]] = defaultdict(set)
    for rule in known.latest:
        for grant in rule.grants:
            roles[grant.tenant].add(grant.role)
            rules[grant.tenant].add(rule.id)
    tenants = [
        Tenant(tenant=each, roles=tuple(sorted(roles[each])), rules=tuple(sorted(rules[each])))
        for each in roles
    ]
    return Reply(await page(call, tenants, lambda each: [each.tenant], lambda each: each))


async def check_directory(call: Managed, rule: stored.RuleContent) -> None:
    """Raise Invalid for a rule that is for a directory which does not exist."""
    name = rule.directory
    if name is not None and await call.services.directories.read(name) is None:
        raise Invalid((Fault(pointer="/directory", detail="there is no directory of this id"),))


def _patched(call: Managed, before: stored.Rule, patch: object) -> stored.Rule:
    _refuse_declared(before)
    known = before.model_dump(mode="json", by_alias=True, exclude={"id", "source"})
    after = checked(RuleChange, merge_patch(known, patch), context=call.services.rules.kind)
    return stored.Rule(**after.model_dump(), id=before.id)


def _named(call: Managed, rules: tuple[stored.Rule, ...]) -> stored.Rule:
    for each in rules:
        if each.id == call.parts["rule"]:
            return each
    raise NotFound(f"There is no rule {call.parts['rule'][:100]!r}.")


def _target(rule: stored.Rule) -> Target:
    return Target(type="Rule", id=rule.id, identifier=rule.name)


def _refuse_declared(rule: stored.Rule) -> None:
    if rule.source == "settings":
        raise Refused("The rule is declared in the app setting RULES; change it there.")


def _shown(call: Managed, rule: stored.Rule, known: Rules) -> Rule:
    return Rule(
        **rule.model_dump(),
        in_force=rule in known.in_force.rules,
        problem=_problem(rule, call.services.rules.kind),
    )


def _problem(rule: stored.Rule, kind: ResourceType) -> str | None:
    try:
        matcher(rule.tested(), kind)
    except InvalidFilter as error:
        return error.detail
    return None


ROUTES = (
    Route("GET", "", _list, "List rules", gives=Page[Rule], query=PAGING),
    Route("POST", "", _create, "Make a rule", takes=NewRule, gives=Rule, status=201),
    Route("GET", "{rule}", _get, "Read a rule", gives=Rule),
    Route("PATCH", "{rule}", _patch, "Change a rule", takes=RuleChange, gives=Rule),
    Route(
        "DELETE",
        "{rule}",
        _delete,
        "Delete a rule; it is in force until nobody, or few, or a confirmed number lose access",
        gives=Rule,
    ),
)
TENANTS = (
    Route(
        "GET",
        "",
        _tenants,
        "List the tenants and roles that rules name",
        gives=Page[Tenant],
        query=PAGING,
    ),
)
