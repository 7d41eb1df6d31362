"""What the models of the management API have in common: camelCase names, times, secrets."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, SerializationInfo
from pydantic.alias_generators import to_camel
from pydantic.json_schema import WithJsonSchema

from scim.provisioning.versions import timestamp

AGAIN: Final = "again"  # the context in which an answer is kept, and given a second time


class Sent(BaseModel):
    """A body that a client sends; a name that is not known is refused."""

    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=False,
        extra="forbid",
        str_strip_whitespace=True,
        defer_build=True,
    )


class Shown(BaseModel):
    """A body that is answered."""

    model_config = ConfigDict(
        frozen=True, alias_generator=to_camel, populate_by_name=True, defer_build=True
    )


def _in_utc(moment: datetime) -> str:
    return timestamp(moment.astimezone(UTC))


def _once(value: str | None, info: SerializationInfo) -> str | None:
    return None if info.context == AGAIN else value


Time = Annotated[
    datetime,
    PlainSerializer(_in_utc, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}, mode="serialization"),
]
# What people call something: one line.
Label = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
# A secret: in the answer that makes it, and never in what is kept of that answer.
OnceShown = Annotated[str | None, Field(repr=False), PlainSerializer(_once)]
