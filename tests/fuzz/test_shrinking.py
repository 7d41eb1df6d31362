"""What is told of a finding is small."""

from __future__ import annotations

import pytest

from tests.fuzz.requests import Sent
from tests.fuzz.shrinking import Steps, smallest

NOISE = [Sent("GET", f"/Users/{number}") for number in range(20)]
BODY = {"title": "a long text with x in it", "roles": [{"value": "a"}, {"value": "b"}], "y": 1}
POST = Sent("POST", "/Users", query="a=1&filter=x", body=BODY, headers={"Accept": "*"})


@pytest.mark.parametrize(
    ("steps", "needed", "left"),
    [
        ([*NOISE, POST], ["POST"], [Sent("POST", "/Users")]),
        ([POST, *NOISE], ["POST", "/Users/7"], [Sent("POST", "/Users"), NOISE[7]]),
        ([POST], ["filter=x"], [Sent("POST", "/Users", query="filter=x")]),
        ([POST], ["'y'"], [Sent("POST", "/Users", body={"y": 1})]),
        ([Sent("POST", "/", raw=b"[[[[x]]]]")], ["x"], [Sent("POST", "/", raw=b"x")]),
    ],
)
async def test_what_is_not_needed_is_left_out(steps: Steps, needed: list[str], left: Steps) -> None:
    """Steps, parameters, headers, members and bytes without which it fails as well are gone."""

    async def fails(steps: Steps) -> bool:
        return all(each in str(steps) for each in needed)

    assert await smallest(steps, fails) == left


async def test_texts_become_short() -> None:
    """Of a text the half that matters is left, again and again."""

    async def fails(steps: Steps) -> bool:
        return "x" in str(steps[-1].body or "")

    [sent] = await smallest([POST], fails)
    assert len(sent.body["title"]) < 4
