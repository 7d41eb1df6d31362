"""How a policy is enforced: the refusals of what it does not allow, requires, or tolerates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic.alias_generators import to_camel

from scim import dialects
from scim.protocol.errors import InvalidSyntax, InvalidValue, NotImplementedHere, ScimError
from scim.protocol.presence import presence
from scim.protocol.schema import Resource, ResourceType
from scim.provisioning.log.entries import Call, Did

# What a call does, in the words of the log, by the switch of the policy that allows it.
_SWITCHES: Final[Mapping[str, Mapping[Did, str]]] = {
    "User": {
        Did.CREATE: "create_users",
        Did.UPDATE: "update_users",
        Did.ENABLE: "update_users",
        Did.DISABLE: "deactivate_users",
        Did.DELETE: "delete_users",
    },
    "Group": {
        Did.CREATE: "create_groups",
        Did.UPDATE: "update_groups",
        Did.DELETE: "delete_groups",
        Did.ADD_MEMBERS: "change_memberships",
        Did.REMOVE_MEMBERS: "change_memberships",
    },
}


def check_allowed(call: Call, kind: ResourceType, did: Sequence[Did]) -> None:
    """Raise NotImplementedHere for something that a switch of the policy turns off.

    501, because Entra ID takes 403 and 405 for a credential fault and quarantines the whole job.
    """
    for each in did:
        switch = _SWITCHES[kind.name][each]
        if not getattr(call.policy, switch):
            raise NotImplementedHere(
                f"{to_camel(switch)} is off for this directory. An admin of the endpoint can turn "
                f"it on: in the policy of /manage/v1/directories/{call.directory}, or for all "
                f"directories by the app setting ALLOW_{switch.upper()}."
            )


def check_required(
    call: Call, kind: ResourceType, after: Resource, before: Resource | None = None
) -> None:
    """Raise InvalidValue for a required attribute that a user has not.

    What was missing `before`, because the policy came later, must not hold up a change: it may
    be the one that deactivates the user.
    """
    missing = [
        path
        for path in call.policy.required_attributes
        if not _present(path, kind, after) and (before is None or _present(path, kind, before))
    ]
    if missing:
        raise InvalidValue(
            f"{', '.join(missing)}: must not be empty; the policy of this directory requires it."
        )


def _present(path: str, kind: ResourceType, resource: Resource) -> bool:
    try:
        return presence(path, kind)(resource)
    except ScimError:
        return False  # its extension schema is declared no more: nothing of it is kept


def check_standard(call: Call, refusal: type[ScimError] = InvalidSyntax) -> None:
    """Raise the refusal if the directory is strict and a quirk fired."""
    if call.policy.strict and call.quirks:
        named = " ".join(f"{name}: {dialects.MEANINGS[name]}" for name in call.quirks)
        raise refusal(
            "This directory is strict, and the request needs what no standard says; send it as "
            f"RFC 7644 does. Needed: {named}"
        )
