"""Reports: long lists that are read on from a place, as JSON or as CSV."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import urlencode

from pydantic import BaseModel

from scim.protocol.errors import InvalidValue
from scim.provisioning.queries.cursors import Cursors
from scim.web.manage.csv_text import csv_text
from scim.web.manage.pages import PAGING, Item, Page, limit_of
from scim.web.manage.routes import Managed, Parameter, Reply

REPORTING: Final = (
    Parameter(
        "format", "json or csv; else Accept decides.", {"type": "string", "enum": ["json", "csv"]}
    ),
    *PAGING,
)


async def report(
    call: Managed,
    read: Callable[[object, int], Awaitable[tuple[Sequence[Item], object]]],
    page: type[Page[Item]],
    line: tuple[type[BaseModel], Callable[[Item], BaseModel]],
) -> Reply:
    """Answer with the items that `read` returns behind a place, and with the cursor to the next.

    `read` takes the place (None for the first page) and the limit; the place that it returns is
    None at the end. `page` is the model of the answer in JSON; `line` that of a line of CSV, and
    how an item becomes one.
    """
    as_csv = _as_csv(call)
    cursors: Cursors = call.services.cursors
    limit, question = limit_of(call), call.question("limit", "cursor", "format")
    cursor = call.request.query.get("cursor")
    after = await cursors.open("", question, cursor) if cursor else None
    items, place = await read(after, limit)
    next_cursor = None if place is None else await cursors.seal("", question, place)
    if as_csv:
        model, shown = line
        text = csv_text(model, [shown(each) for each in items])
        return Reply(csv=text, headers=_following(call, next_cursor))
    return Reply(page(items=tuple(items), next_cursor=next_cursor))


def _following(call: Managed, next_cursor: str | None) -> dict[str, str]:
    """Return the header that leads to the next page (RFC 8288)."""
    if next_cursor is None:
        return {}
    path = "/".join(call.request.segments)
    query = urlencode({**call.request.query, "cursor": next_cursor})
    return {"Link": f'<{call.services.public_base}/{path}?{query}>; rel="next"'}


def _as_csv(call: Managed) -> bool:
    wanted = call.request.query.get("format")
    if wanted not in (None, "json", "csv"):
        raise InvalidValue("format has to be json or csv.")
    accept = call.request.headers.get("accept", "").lower()
    return wanted == "csv" or (wanted is None and "text/csv" in accept)
