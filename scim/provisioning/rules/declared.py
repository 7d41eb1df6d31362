"""The rules that an admin declares in the app setting RULES."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, Final

import orjson
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from scim.protocol.schema import ResourceType
from scim.provisioning.rules.rule import RULES_LENGTH, Rule, RuleContent


class _DeclaredRule(RuleContent):
    id: str = Field(default="", pattern="^[a-z0-9-]{0,40}$")

    def rule(self) -> Rule:
        # Of the name alone: a rule that is changed stays the same rule.
        identifier = self.id or f"declared-{_digest(self.name, 6)}"
        return Rule(**self.model_dump(exclude={"id"}), id=identifier, source="settings")


@dataclass(frozen=True, slots=True)
class Declared:
    """The rules in the app setting, and a digest of its text."""

    rules: tuple[Rule, ...] = ()
    digest: str = ""


def read_declared(text: str, kind: ResourceType, problems: list[str]) -> Declared:
    """Return the rules in a JSON list, as the management API takes them.

    A rule may have an `id`; without one it is known by its name. What is wrong is added to
    `problems`, each with its place in the list; then there are none.
    """
    if len(text) > RULES_LENGTH:
        problems.append(f"has {len(text)} characters; at most {RULES_LENGTH} are taken")
        return Declared()
    try:
        found = _LIST.validate_python(orjson.loads(text), context=kind)
    except orjson.JSONDecodeError as error:
        problems.append(f"is not JSON: line {error.lineno}, column {error.colno}")
    except ValidationError as error:
        problems += [_problem(each["loc"], each["msg"]) for each in error.errors()]
    else:
        return Declared(tuple(each.rule() for each in found), _digest(text, 16))
    return Declared()


def _distinct(rules: list[_DeclaredRule]) -> list[_DeclaredRule]:
    ids = [each.rule().id for each in rules]
    twice = sorted({each.name for each in rules if ids.count(each.rule().id) > 1})
    if twice:
        raise ValueError(f"has twice, by id or name: {', '.join(twice)}")
    return rules


_LIST: Final[TypeAdapter[Any]] = TypeAdapter(
    Annotated[list[_DeclaredRule], AfterValidator(_distinct)]
)


def _digest(text: str, size: int) -> str:
    return blake2b(text.encode(), digest_size=size).hexdigest()


def _problem(place: tuple[int | str, ...], complaint: str) -> str:
    where = "".join(f"[{each}]" if isinstance(each, int) else f".{each}" for each in place)
    return f"{where} {complaint.removeprefix('Value error, ')}".strip()
