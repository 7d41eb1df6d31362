"""User management rules: whoever matches a rule's condition gets its grants."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, ValuePath
from scim.protocol.filter_parser import parse_filter
from scim.protocol.matching import matcher
from scim.protocol.schema import ResourceType

CONDITION_LENGTH: Final = 4_000  # characters; a filter of a request may have more
GRANTS_MOST: Final = 50  # of one rule
RULES_LENGTH: Final = 300_000  # characters of all rules as JSON: a set has to fit a row

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Source = Literal["management", "settings"]


class Grant(BaseModel):
    """A role in a tenant."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tenant: Name
    role: Name


class RuleContent(BaseModel):
    """What is said of a rule; exactly one of `condition`, `group` and `userRole`.

    `condition` is a SCIM filter over the user with its groups and roles. The short forms stand for
    conditions: `group` for the displayName of a group that the user is in, `userRole` for the value
    of a role that the identity provider sends. `directory` is the id of the only one that the rule
    is for. Validated with a resource type as context, a condition that it does not bear out is
    refused.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True
    )

    name: Name
    enabled: StrictBool = True
    condition: str | None = Field(default=None, max_length=CONDITION_LENGTH)
    group: Name | None = None
    user_role: Name | None = None
    directory: Name | None = None
    grants: tuple[Grant, ...] = Field(min_length=1, max_length=GRANTS_MOST)

    @field_validator("condition")
    @classmethod
    def _testable(cls, condition: str | None, info: ValidationInfo) -> str | None:
        if condition is not None and isinstance(info.context, ResourceType):
            try:
                compiled = parse_filter(condition)
                _check_testable(compiled)
                matcher(compiled, info.context)
            except InvalidFilter as error:
                raise ValueError(error.detail) from None
        return condition

    @model_validator(mode="after")
    def _one_condition(self) -> RuleContent:
        if sum(each is not None for each in (self.condition, self.group, self.user_role)) != 1:
            raise ValueError("send exactly one of condition, group and userRole")
        return self

    def tested(self) -> Filter:
        """Return the condition as a filter. Raises InvalidFilter."""
        if self.group is not None:
            return Comparison(AttributePath(None, "groups", "display"), "eq", self.group)
        if self.user_role is not None:
            return Comparison(AttributePath(None, "roles", "value"), "eq", self.user_role)
        return parse_filter(self.condition or "")


class Rule(RuleContent):
    """A rule; those from the app setting RULES are read-only elsewhere."""

    id: str
    source: Source = "management"


def _check_testable(condition: Filter) -> None:
    """Raise InvalidFilter for what changes by itself, or is not stored."""
    match condition:
        case And(branches) | Or(branches):
            for each in branches:
                _check_testable(each)
        case Not(branch):
            _check_testable(branch)
        case ValuePath(path, inner):
            _check_name(path)
            _check_testable(inner)
        case Comparison(path):
            _check_name(path)


def _check_name(path: AttributePath) -> None:
    names = [(each or "").lower() for each in (path.name, path.sub)]
    if names[0] == "meta":
        raise InvalidFilter(f"meta (column {path.position}) cannot be tested by a rule.")
    if "$ref" in names:
        raise InvalidFilter(f"$ref (column {path.position}) cannot be tested; compare the value.")
