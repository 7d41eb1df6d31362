"""The policy of a directory: what its identity provider has to send, and what it may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict, field_validator
from pydantic.alias_generators import to_camel

from scim.provisioning.masking import is_secret
from scim.provisioning.profile import DEFAULTS as PROFILE

REQUIRED_MOST: Final = 50  # attributes; each is looked for in every user that is written
PROFILE_MOST: Final = 50  # names; an application's answer stays small
LOGGED_MOST: Final = 20  # attributes; an entry of the log stays small

AttributeName = Annotated[str, Field(min_length=1, max_length=200)]
Removal = Literal["delete", "disable"]


class Policy(BaseModel):
    """The rules of one directory, or of the installation; as an override, the fields that are set.

    `required_attributes` are PATCH paths of a user. `delete_user_means`: DELETE removes the user,
    or keeps a record of it for admins, as `former_users` does. `deactivate_user_means`: a user that
    becomes inactive stays, or is deleted as by DELETE. `strict`: a request that needs a quirk of
    `dialects` is refused. `logged_values` are the attributes whose old and new values stand in the
    log, not only their names; secrets never do. `profile` maps the names that applications use to
    PATCH paths of a user.
    """

    model_config = ConfigDict(frozen=True, alias_generator=to_camel, populate_by_name=True)

    required_attributes: Annotated[
        tuple[AttributeName, ...], Field(max_length=REQUIRED_MOST), Strict(strict=False)
    ] = ("userName",)
    create_users: bool = True
    update_users: bool = True
    deactivate_users: bool = True
    delete_users: bool = True
    create_groups: bool = True
    update_groups: bool = True
    delete_groups: bool = True
    change_memberships: bool = True
    delete_user_means: Removal = "delete"
    deactivate_user_means: Removal = "disable"
    strict: bool = False
    logged_values: Annotated[
        tuple[AttributeName, ...], Field(max_length=LOGGED_MOST), Strict(strict=False)
    ] = ("active", "userType")
    requests_per_second: int = Field(default=100, ge=1, le=10_000)
    profile: Annotated[Mapping[AttributeName, AttributeName], Field(max_length=PROFILE_MOST)] = (
        PROFILE
    )

    @field_validator("logged_values")
    @classmethod
    def _harmless(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if is_secret(name):
                raise ValueError(f"{name} is never logged")
        return names

    def overridden_by(self, other: Policy) -> Policy:
        """Return this policy with the fields that the other one sets."""
        if not other.model_fields_set:
            return self
        return self.model_copy(
            update={name: getattr(other, name) for name in other.model_fields_set}
        )
