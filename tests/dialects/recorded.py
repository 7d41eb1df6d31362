"""The recorded requests in `corpus/`: one file per quirk and shape, a folder per client."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from scim.dialects.pipeline import Pipeline
from scim.dialects.table import QUIRKS, Quirks
from scim.protocol.errors import ScimError
from scim.protocol.filter_parser import parse_filter
from scim.protocol.filter_text import format_filter
from scim.protocol.schema import Json, group_type, user_type

CORPUS = Path(__file__).parent / "corpus"
TYPES = {"User": user_type(), "Group": group_type()}


@dataclass(frozen=True)
class Recorded:
    """A request as a client sends it, its standard form, and the quirks that make it so."""

    name: str
    source: str
    kind: str
    resource_type: str
    request: Json
    standard: Json
    fires: tuple[str, ...]

    def run(self, request: Json, quirks: Quirks = QUIRKS) -> tuple[Json, list[str]]:
        """Pass a request of this kind through the quirks; an error's detail is a result too."""
        pipeline, kind = Pipeline(quirks), TYPES[self.resource_type]
        fired: list[str] = []
        request = deepcopy(request)
        try:
            match self.kind:
                case "resource":
                    result = pipeline.standard_resource(request, kind, fired)
                case "patch":
                    result = pipeline.standard_patch(request, kind, fired)
                case "filter":
                    result = format_filter(pipeline.standard_filter(request, kind, fired))
                case "entry":
                    attribute = kind.attribute(request["attribute"])
                    assert attribute
                    result = pipeline.new_entry(parse_filter(request["filter"]), attribute, fired)
                case _:
                    raise AssertionError(self.kind)
        except ScimError as error:
            return error.detail, fired
        return result, fired


def _read(path: Path) -> Recorded:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Recorded(
        name=path.relative_to(CORPUS).with_suffix("").as_posix(),
        source=document["source"],
        kind=document["kind"],
        resource_type=document["resourceType"],
        request=document["request"],
        standard=document["standard"],
        fires=tuple(document["fires"]),
    )


RECORDED = tuple(_read(path) for path in sorted(CORPUS.rglob("*.json")))


def quirk_names(quirks: Quirks = QUIRKS) -> list[str]:
    """Return the names of all quirks, in the order of the table."""
    return [_name(row) for field in fields(quirks) for row in getattr(quirks, field.name)]


def without(name: str) -> Quirks:
    """Return the table without one quirk, wherever it stands."""
    kept = {
        field.name: tuple(row for row in getattr(QUIRKS, field.name) if _name(row) != name)
        for field in fields(QUIRKS)
    }
    return replace(QUIRKS, **kept)


def _name(row: Any) -> str:
    quirk = row[1] if isinstance(row, tuple) else row
    name: str = quirk.__name__
    return name
