"""Lists of the management API: `limit` and `cursor`, answered as {items, nextCursor}."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel

from scim.protocol.errors import InvalidValue
from scim.web.manage.models import Shown
from scim.web.manage.routes import Managed, Parameter

LIMIT: Final = 100  # items, where the client does not say
LIMIT_MAX: Final = 1000

Item = TypeVar("Item", bound=BaseModel)
Found = TypeVar("Found")

PAGING: Final = (
    Parameter(
        "limit",
        f"Most items, 1 to {LIMIT_MAX}; default {LIMIT}.",
        {"type": "integer", "minimum": 1},
    ),
    Parameter("cursor", "The nextCursor of the page before."),
)


class Page(Shown, Generic[Item]):
    """A page of a list; `next_cursor` is null on the last one."""

    items: tuple[Item, ...]
    next_cursor: str | None


async def page(
    call: Managed,
    found: Iterable[Found],
    place: Callable[[Found], list[str]],
    show: Callable[[Found], Item],
) -> Page[Item]:
    """Return the page that the call asks for, in the order of the places.

    For lists that are read whole because they are short. Raises InvalidValue, InvalidCursor,
    ExpiredCursor.
    """
    limit = limit_of(call)
    question = call.question("limit", "cursor")
    after: Any = []
    if cursor := call.request.query.get("cursor"):
        after = await call.services.cursors.open("", question, cursor)
    following = sorted((place(each), number, each) for number, each in enumerate(found))
    following = [each for each in following if each[0] > after]
    shown = following[:limit]
    next_cursor = None
    if len(following) > limit:
        next_cursor = await call.services.cursors.seal("", question, shown[-1][0])
    return Page(items=tuple(show(each) for _, _, each in shown), next_cursor=next_cursor)


def limit_of(call: Managed) -> int:
    """Return how many items the call asks for. Raises InvalidValue."""
    text = call.request.query.get("limit", str(LIMIT))
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) >= 1):
        raise InvalidValue(f"limit has to be a number from 1 to {LIMIT_MAX}.")
    return min(int(text), LIMIT_MAX)
