"""Rule sync: how far the rules are applied to everyone, and sets that wait to be confirmed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from scim.provisioning import rows
from scim.provisioning.changes import totals
from scim.provisioning.rule_sync.changes import Rules
from scim.provisioning.rule_sync.effects import Effect, Effects
from scim.provisioning.rule_sync.walk import SyncState
from scim.provisioning.versions import timestamp
from scim.web.manage.models import Sent, Shown, Time
from scim.web.manage.problems import Refused
from scim.web.manage.routes import Managed, Reply, Route


class Changed(Shown):
    """How many users gain or lose a role in a tenant, and the first of them by name."""

    tenant: str
    role: str
    users: int
    user_names: tuple[str, ...]


class Saved(Shown):
    """A set that is saved, not in force: `counting` whom it affects, or `held` until confirmed.

    `losing` of the `having` users who have access would lose some. Each list holds at most 200
    roles.
    """

    state: Literal["counting", "held"]
    saved_at: Time
    users: int
    having: int
    losing: int
    gained: tuple[Changed, ...]
    lost: tuple[Changed, ...]


class DirectoryProgress(Shown):
    """How far a directory is; `closing`: all are visited, late changes are looked for once more.

    `done` of `total` users were visited in this walk, `rate` a second; `changed` have other access.
    While it is due, `number` is the set before.
    """

    directory: str
    state: Literal["due", "running", "closing", "synced"]
    number: int
    done: int
    total: int
    changed: int
    rate: float | None


class RuleSync(Shown):
    """The set in force by its number, the one that waits, and every directory."""

    number: int
    stored_at: Time
    saved: Saved | None
    directories: tuple[DirectoryProgress, ...]


class Decision(Sent):
    """Which saved set is meant, by its `savedAt`; without one, whichever is saved by now."""

    saved_at: Time | None = None


async def _get(call: Managed) -> Reply:
    return Reply(await _shown(call, await call.services.rule_changes.read()))


async def _reapply(call: Managed) -> Reply:
    known = await call.services.rule_changes.reapply(call.by)
    return Reply(await _shown(call, known), "rule-sync")


async def _confirm(call: Managed) -> Reply:
    known = await call.services.rule_changes.confirm(call.by, await _meant(call))
    return Reply(await _shown(call, known))


async def _cancel(call: Managed) -> Reply:
    known = await call.services.rule_changes.cancel(call.by, await _meant(call))
    return Reply(await _shown(call, known))


async def _meant(call: Managed) -> Callable[[Rules], None]:
    """Return what refuses another set than the one that the admin has seen."""
    meant = call.read(Decision).saved_at
    call.demand(await _shown(call, await call.services.rule_changes.read()))

    def check(known: Rules) -> None:
        if meant and known.saved and timestamp(known.saved.saved_at) != timestamp(meant):
            raise Refused("Another set is saved by now; read it and decide again.")

    return check


def changed(effects: list[Effect]) -> tuple[Changed, ...]:
    """Return effects in the order of tenants and roles."""
    ordered = sorted(effects, key=lambda each: (each.tenant, each.role))
    return tuple(
        Changed(
            tenant=each.tenant,
            role=each.role,
            users=each.users,
            user_names=tuple(each.user_names),
        )
        for each in ordered
    )


async def _shown(call: Managed, known: Rules) -> RuleSync:
    services = call.services
    number = known.in_force.number
    directories = []
    for directory in sorted(await services.rule_changes.directories()):
        state = await services.rule_sync.state(directory)
        counted = await totals.read(services.storage, rows.partition(directory), services.now())
        directories.append(_progress(directory, state, number, counted.get("users", 0)))
    return RuleSync(
        number=number,
        stored_at=known.in_force.stored_at,
        saved=_saved(known),
        directories=tuple(directories),
    )


def _saved(known: Rules) -> Saved | None:
    if known.saved is None:
        return None
    effects: Effects = known.saved.effects
    return Saved(
        state=known.saved.state,
        saved_at=known.saved.saved_at,
        users=effects.users,
        having=effects.having,
        losing=effects.losing,
        gained=changed(effects.gained),
        lost=changed(effects.lost),
    )


def _progress(directory: str, state: SyncState, number: int, total: int) -> DirectoryProgress:
    name: Literal["due", "running", "closing", "synced"]
    if state.number != number:
        # What stands there is how far the set before had come.
        name, state = "due", SyncState(number=state.number)
    elif state.finished:
        name = "synced"
    elif state.walked or state.began_at != state.started_at:
        name = "closing"
    else:
        name = "running"
    rate = None
    if state.began_at and state.noted_at and state.noted_at > state.began_at:
        rate = round(state.done / (state.noted_at - state.began_at).total_seconds(), 1)
    return DirectoryProgress(
        directory=directory,
        state=name,
        number=state.number,
        done=state.done,
        total=total,
        changed=state.changed,
        rate=rate,
    )


ROUTES = (
    Route("GET", "", _get, "Read how far the rules are applied", gives=RuleSync),
    Route(
        "POST",
        "",
        _reapply,
        "Apply the rules in force to everyone again",
        gives=RuleSync,
        status=202,
    ),
    Route(
        "POST",
        "confirm",
        _confirm,
        "Put the saved rules in force, whoever loses access",
        takes=Decision,
        gives=RuleSync,
    ),
    Route("POST", "cancel", _cancel, "Discard the saved rules", takes=Decision, gives=RuleSync),
)
