"""The tree of a filter (RFC 7644 §3.4.2.2) and of a PATCH path (§3.5.2), names as written."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class AttributePath:
    """`urn:…:name.sub` as written; resolved against a resource type later."""

    urn: str | None
    name: str
    sub: str | None = None
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """`path op value`; `operator` in lower case, `pr` has the value None.

    `literal` is the value's spelling in the filter, quotes included.
    """

    path: AttributePath
    operator: str
    value: str | int | float | bool | None
    literal: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class ValuePath:
    """`path[filter]`: one entry of the attribute matches the whole inner filter."""

    path: AttributePath
    inner: Filter


@dataclass(frozen=True, slots=True)
class And:
    """All branches match."""

    branches: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One branch matches."""

    branches: tuple[Filter, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The branch does not match."""

    branch: Filter


Filter = Comparison | ValuePath | And | Or | Not


def comparisons(condition: Filter) -> int:
    """Return how many values a resource or entry is compared with at most."""
    match condition:
        case And(branches) | Or(branches):
            return sum(comparisons(each) for each in branches)
        case Not(inner) | ValuePath(_, inner):
            return comparisons(inner)
        case _:
            return 1


@dataclass(frozen=True, slots=True)
class Path:
    """A PATCH target: attribute, optional filter on its entries, optional sub-attribute.

    `name` None is a whole extension: `urn:…:User`.
    """

    urn: str | None
    name: str | None
    entries: Filter | None = None
    sub: str | None = None
