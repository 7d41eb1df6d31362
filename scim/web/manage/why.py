"""Why a user has a role in a tenant, or has not."""

from __future__ import annotations

from scim.protocol.errors import InvalidValue, NotFound
from scim.provisioning import rows
from scim.provisioning.rules.access import shown_to_rules
from scim.provisioning.rules.explanation import Explanation, Verdict, explain
from scim.provisioning.rules.rulings import read_access
from scim.provisioning.stored_users import load_user
from scim.web.manage.models import Shown
from scim.web.manage.routes import Managed, Parameter, Reply, Route


class Part(Shown):
    """A comparison of a rule's condition that decided, and whether it holds for the user."""

    part: str
    holds: bool


class RuleVerdict(Shown):
    """What a rule that names the role comes to for the user."""

    id: str
    name: str
    verdict: Verdict
    decisive: tuple[Part, ...]


class BroughtAbout(Shown):
    """The log entry since which the user has the role."""

    time: str
    message_id: str


class Why(Shown):
    """Whether the user has the role, since when, and what every rule that names it says.

    `pending`: the rules in force are not applied to this user yet.
    """

    tenant: str
    role: str
    granted: bool
    since: BroughtAbout | None
    pending: bool
    rules: tuple[RuleVerdict, ...]


async def _why(call: Managed) -> Reply:
    directory = await call.directory()
    tenant, role = (call.request.query.get(name) for name in ("tenant", "role"))
    if not tenant or not role:
        raise InvalidValue("Say which access: tenant and role in the query.")
    services = call.services
    user = await load_user(services.storage, rows.partition(directory.id), call.parts["user"])
    if user is None or user.leaving:
        raise NotFound(f"There is no user {call.parts['user'][:100]!r} in this directory.")
    in_force = (await services.rules.latest()).stored
    shown = shown_to_rules(user)
    found = [each for each in read_access(user) if (each.tenant, each.role) == (tenant, role)]
    named = [
        rule
        for rule in in_force.rules
        if any((each.tenant, each.role) == (tenant, role) for each in rule.grants)
    ]
    return Reply(
        Why(
            tenant=tenant,
            role=role,
            granted=bool(found),
            since=BroughtAbout(time=found[0].since, message_id=found[0].message_id)
            if found
            else None,
            pending=user.rules < in_force.number,
            rules=tuple(
                _verdict(explain(rule, directory.id, shown, services.rules.kind)) for rule in named
            ),
        )
    )


def _verdict(explanation: Explanation) -> RuleVerdict:
    return RuleVerdict(
        id=explanation.rule.id,
        name=explanation.rule.name,
        verdict=explanation.verdict,
        decisive=tuple(Part(part=each.part, holds=each.holds) for each in explanation.decisive),
    )


WHY = Route(
    "GET",
    "{directory}/users/{user}/why",
    _why,
    "Tell why a user has a role in a tenant, or has not",
    gives=Why,
    query=(Parameter("tenant", "The tenant."), Parameter("role", "The role.")),
)
