"""Previews: who would gain and lose what by a change of the rules, before anyone saves it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from scim.protocol.errors import NotFound
from scim.provisioning.rule_sync.effects import Comparison, Effects
from scim.provisioning.rules import rule as stored
from scim.web.manage.models import Sent, Shown
from scim.web.manage.problems import Fault, Invalid
from scim.web.manage.routes import Managed, Reply, Route
from scim.web.manage.rule_sync import Changed, changed
from scim.web.manage.rules import NewRule, check_directory

TIME: Final = timedelta(seconds=20)  # that a client may be kept waiting
NAMES: Final = 20  # of the users who gain a role, and who lose it


class PreviewRequest(Sent):
    """A change of the rules: a new `rule`, or another content for the one with the `id`.

    An id without a rule is a removal.
    """

    id: str | None = None
    rule: NewRule | None = None


class Preview(Shown):
    """What the change would do to `users`; not all were looked at unless it is `complete`.

    `losing` of the `having` users who have access would lose some; `held`: so many that the change
    would wait to be confirmed. Each list holds at most 200 roles.
    """

    complete: bool
    users: int
    having: int
    losing: int
    held: bool
    gained: tuple[Changed, ...]
    lost: tuple[Changed, ...]


async def _preview(call: Managed) -> Reply:
    services = call.services
    asked = call.read(PreviewRequest, context=services.rules.kind)
    if asked.rule is not None:
        await check_directory(call, asked.rule)
    before = (await services.rule_changes.read()).latest
    comparison = Comparison(await services.rules.latest(), before, _after(asked, before), NAMES)
    effects = await comparison.look_on(
        services.storage,
        await services.rule_changes.directories(),
        Effects(),
        services.now,
        call.by.at + TIME,
    )
    return Reply(
        Preview(
            complete=effects.complete,
            users=effects.users,
            having=effects.having,
            losing=effects.losing,
            held=services.rule_changes.guard.holds(effects.losing, effects.having),
            gained=changed(effects.gained),
            lost=changed(effects.lost),
        )
    )


def _after(asked: PreviewRequest, rules: tuple[stored.Rule, ...]) -> list[stored.Rule]:
    if asked.id is None and asked.rule is None:
        raise Invalid((Fault(pointer="", detail="send a rule, an id, or both"),))
    named = asked.id or ""
    if asked.id is not None and asked.id not in [each.id for each in rules]:
        raise NotFound(f"There is no rule {asked.id[:100]!r}.")
    others = [each for each in rules if each.id != named]
    if asked.rule is None:
        return others
    return [*others, stored.Rule(**asked.rule.model_dump(), id=named)]


ROUTES = (
    Route(
        "POST",
        "",
        _preview,
        "Tell who would gain and lose access by a change of the rules; nothing is stored",
        takes=PreviewRequest,
        gives=Preview,
    ),
)
