"""Pairs of a user and a request: what we make of them, and what scim2-models does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scim.protocol.schema import Json, Resource
from tests.protocol import matching_oracle, patch_oracle, put_oracle
from tests.protocol.random_users import fitting_operations, users


@dataclass(slots=True)
class Compared:
    """What came of some pairs: how many there were, why they differed, the smallest unexplained."""

    name: str
    pairs: int = 0
    departures: Counter[str] = field(default_factory=Counter)
    unexplained: str = ""


@dataclass(frozen=True, slots=True)
class Oracle:
    """What is drawn, and what compares one and names the departures that explain a difference."""

    name: str
    drawn: st.SearchStrategy[Any]
    compare: Callable[[Any], Sequence[str]]


def _match(pair: tuple[Resource, str]) -> Sequence[str]:
    matching_oracle.compare(*pair)
    return ()


def _patch(pair: tuple[Resource, Json]) -> Sequence[str]:
    stored, operation = pair
    return patch_oracle.compare(stored, [operation])


def _put(pair: tuple[Resource, Resource]) -> Sequence[str]:
    return put_oracle.compare(*pair)


ORACLES = (
    Oracle("filter", st.tuples(matching_oracle.users, matching_oracle.conditions), _match),
    Oracle("PATCH", st.tuples(users(), fitting_operations()), _patch),
    Oracle("PUT", st.tuples(users(), put_oracle.bodies), _put),
)


def compare(oracle: Oracle, seed: str, pairs: int) -> Compared:
    """Compare pairs of one kind, the same for the same seed."""
    compared = Compared(oracle.name)

    @hypothesis.seed(seed)
    @settings(
        max_examples=pairs,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(oracle.drawn)
    def check(pair: Any) -> None:
        compared.pairs += 1
        compared.departures.update(oracle.compare(pair))

    try:
        check()
    except Exception as error:  # noqa: BLE001 - whatever either side raises
        notes = "\n".join(getattr(error, "__notes__", []))
        compared.unexplained = f"seed {seed}: {oracle.name}: {error!r}\n{notes}"
    return compared
