"""Lists as CSV (RFC 4180) that a spreadsheet opens without running anything."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from io import StringIO
from typing import Final

from pydantic import BaseModel

# Behind what a spreadsheet may take for the end of a cell or line, where `;` parts cells.
_INSIDE: Final = re.compile(r"[;\t\r\n]\s*(?=[=+\-@\uff1d\uff0b\uff0d\uff20])")
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def csv_text(model: type[BaseModel], items: Sequence[BaseModel]) -> str:
    """Return the items, one a line, under the names of the model's fields.

    What a spreadsheet would take for a formula gets an apostrophe before it.
    """
    text = StringIO()
    writer = csv.writer(text)
    writer.writerow([field.alias or name for name, field in model.model_fields.items()])
    for item in items:
        values = item.model_dump(mode="json").values()
        writer.writerow([_cell(each) for each in values])
    return text.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    text = _INSIDE.sub(lambda found: f"{found[0]}'", text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) or text.startswith(_FORMULA) else text
