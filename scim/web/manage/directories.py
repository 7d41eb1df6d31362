"""Directories: connections to identity providers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Literal

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from scim.protocol.errors import InvalidValue, ScimError
from scim.protocol.presence import presence
from scim.protocol.schema import Json
from scim.provisioning.directories import stored
from scim.provisioning.directories.directories import NameTaken
from scim.provisioning.directories.stored import Access, Deletion
from scim.provisioning.policy import Policy
from scim.provisioning.profile import check_path
from scim.web.manage import tokens
from scim.web.manage.merge_patch import MERGE_PATCH, merge_patch
from scim.web.manage.models import Label, Sent, Shown, Time
from scim.web.manage.pages import PAGING, Page, page
from scim.web.manage.problems import Refused, checked
from scim.web.manage.routes import JSON_TYPES, Managed, Parameter, Reply, Route
from scim.web.services import Services

_STATES = ("active", "paused", "deleted")


class PolicyOverrides(Policy):
    """What a directory's policy sets otherwise than the installation's."""

    model_config = ConfigDict(extra="forbid", strict=True, populate_by_name=False)

    @field_validator("required_attributes")
    @classmethod
    def _fillable(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for name in names:
            try:
                presence(name, info.context)
            except ScimError as error:
                raise ValueError(error.detail) from None
        return names

    @field_validator("profile")
    @classmethod
    def _readable(cls, profile: Mapping[str, str], info: ValidationInfo) -> Mapping[str, str]:
        for path in profile.values():
            try:
                check_path(path, info.context)
            except ScimError as error:
                raise ValueError(error.detail) from None
        return profile


class NewDirectory(Sent):
    """A directory to be made."""

    name: Label
    policy: PolicyOverrides = Field(default_factory=PolicyOverrides)


class DirectoryChange(NewDirectory):
    """What a merge patch may change; a paused directory answers every SCIM call with 503."""

    state: Literal["active", "paused"]


class DirectoryDeletion(Sent):
    """What becomes of the access that rules grant the users: kept until the purge, or withdrawn."""

    access: Access = "keep"


class Directory(Shown):
    """A directory; `policy` is what it sets itself, `effectivePolicy` what holds."""

    id: str
    name: str
    state: Literal["active", "paused", "deleted"]  # never purging: that is gone
    base_url: str
    created_at: Time
    policy: dict[str, Json]
    effective_policy: Policy
    deleted_at: Time | None
    purge_at: Time | None
    access: Access | None


class CreatedDirectory(Directory):
    """A directory with its first token."""

    token: tokens.CreatedToken


async def _create(call: Managed) -> Reply:
    services = call.services
    new = call.read(NewDirectory, context=services.users.kind)
    with _taken(new.name):
        made = await services.directories.create(new.name, new.policy, call.by)
    token = await services.tokens.create(made.id, "First token", by=call.by)
    directory = _shown(services, made)
    body = CreatedDirectory(**dict(directory), token=tokens.created(token))
    return Reply(body, f"directories/{made.id}", resource=directory)


async def _list(call: Managed) -> Reply:
    services = call.services
    name, state = call.request.query.get("name"), call.request.query.get("state")
    if name is None:
        found = await services.directories.all()
    else:
        named = await services.directories.named(name)
        found = [named] if named else []
    if state not in (None, *_STATES):
        raise InvalidValue(f"state has to be one of {', '.join(_STATES)}.")
    wanted = [each for each in found if (each.state == state if state else not each.deletion)]
    body = await page(
        call,
        wanted,
        lambda each: [each.created_at.isoformat(), each.id],
        lambda each: _shown(services, each),
    )
    return Reply(body)


async def _get(call: Managed) -> Reply:
    return Reply(_shown(call.services, await call.directory()))


async def _patch(call: Managed) -> Reply:
    services = call.services
    patch = call.request.object(media_types=(MERGE_PATCH, *JSON_TYPES))

    def change(directory: stored.Directory) -> stored.Directory:
        call.demand(_shown(services, directory))
        _refuse_deleted(directory)
        known = directory.model_dump(
            mode="json", by_alias=True, include={"name", "policy", "state"}
        )
        new = checked(DirectoryChange, merge_patch(known, patch), context=services.users.kind)
        return directory.model_copy(
            update={"name": new.name, "policy": new.policy, "state": new.state}
        )

    with _taken(str(patch.get("name"))):
        changed = await services.directories.change(call.parts["directory"], change, call.by)
    return Reply(_shown(services, changed))


async def _delete(call: Managed) -> Reply:
    services = call.services
    access = call.read(DirectoryDeletion).access

    def delete(directory: stored.Directory) -> stored.Directory:
        call.demand(_shown(services, directory))
        if directory.deletion is not None:  # repeated, or now with another access
            deletion = directory.deletion.model_copy(update={"access": access})
        else:
            purge_at = call.by.at + services.deleted_for
            deletion = Deletion(deleted_at=call.by.at, purge_at=purge_at, access=access)
        ended = {"state": "deleted", "deletion": deletion, "federation": None}
        return directory.model_copy(update=ended)

    deleted = await services.directories.change(call.parts["directory"], delete, call.by)
    await services.tokens.revoke_all(deleted.id)
    return Reply(_shown(services, deleted))


async def _restore(call: Managed) -> Reply:
    services = call.services
    directory = await call.directory()
    if directory.deletion is None:
        raise Refused("The directory is not deleted.")
    await services.tokens.revoke_all(directory.id)  # what a kill left undone: they stay dead

    def restore(directory: stored.Directory) -> stored.Directory:
        call.demand(_shown(services, directory))
        return directory.model_copy(update={"state": "active", "deletion": None})

    with _taken(directory.name):
        restored = await services.directories.change(directory.id, restore, call.by)
    return Reply(_shown(services, restored))


def _refuse_deleted(directory: stored.Directory) -> None:
    if directory.deletion is not None:
        raise Refused("The directory is deleted; restore it first.")


@contextmanager
def _taken(name: str) -> Iterator[None]:
    try:
        yield
    except NameTaken as taken:
        raise Refused(
            f"The directory {taken.directory_id} has the name {name!r}; choose another."
        ) from taken


def _shown(services: Services, directory: stored.Directory) -> Directory:
    deletion = directory.deletion
    return Directory.model_validate(
        {
            **directory.model_dump(by_alias=True, exclude={"deletion", "federation"}),
            "baseUrl": services.base_url(directory.id),
            "effectivePolicy": services.policy.overridden_by(directory.policy),
            "deletedAt": deletion and deletion.deleted_at,
            "purgeAt": deletion and deletion.purge_at,
            "access": deletion and deletion.access,
        }
    )


_STATE = Parameter(
    "state",
    "Only those in this state; by default all that are not deleted.",
    {"type": "string", "enum": list(_STATES)},
)

ROUTES = (
    Route(
        "GET",
        "",
        _list,
        "List directories",
        gives=Page[Directory],
        query=(Parameter("name", "Only the one of this name, in any case."), _STATE, *PAGING),
    ),
    Route(
        "POST",
        "",
        _create,
        "Connect an identity provider: a directory with its Base URL and first token",
        takes=NewDirectory,
        gives=CreatedDirectory,
        status=201,
    ),
    Route("GET", "{directory}", _get, "Read a directory", gives=Directory),
    Route(
        "PATCH",
        "{directory}",
        _patch,
        "Rename, pause or resume a directory, or change its policy",
        takes=DirectoryChange,
        gives=Directory,
    ),
    Route(
        "DELETE",
        "{directory}",
        _delete,
        "End a connection at once; it can be restored until its data is purged",
        takes=DirectoryDeletion,
        gives=Directory,
    ),
    Route(
        "POST",
        "{directory}/restore",
        _restore,
        "Restore a deleted directory; tokens and secrets stay revoked, a federation is gone",
        gives=Directory,
    ),
)
