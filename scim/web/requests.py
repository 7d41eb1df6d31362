"""The platform's request as plain values, read by the rules of HTTP and of the Functions host."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

import azure.functions as func

from scim.protocol.body import read_object
from scim.protocol.errors import (
    InvalidSyntax,
    InvalidValue,
    LengthRequired,
    PayloadTooLarge,
    ScimError,
    UnsupportedMediaType,
)
from scim.protocol.schema import Json

BODY_BYTES = 1024 * 1024  # a user or a question; far above what any identity provider sends
_TRACEPARENT = re.compile("[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
JSON_TYPES = ("application/scim+json", "application/json")


@dataclass(frozen=True, slots=True)
class Request:
    """Method, path segments without empty ones, query as sent, headers by lower-case name.

    A query that cannot be read raises as soon as somebody looks at it: the caller is known by then.
    """

    method: str
    segments: Sequence[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    def object(self, limit: int = BODY_BYTES, media_types: Sequence[str] = JSON_TYPES) -> Json:
        """Return the body as a JSON object. Raises the ScimError that says what to send."""
        if not self.body and "chunked" in self.headers.get("transfer-encoding", "").lower():
            # The host hands over nothing of a chunked body.
            raise LengthRequired("Send the body with a Content-Length, not chunked.")
        if len(self.body) > limit:
            raise PayloadTooLarge(
                f"The body has {len(self.body)} bytes; at most {limit} are taken."
            )
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type and media_type not in media_types:
            raise UnsupportedMediaType(
                f"Content-Type is {media_type[:100]}; send {media_types[0]}."
            )
        return read_object(self._decoded(limit))

    def check_query(self) -> None:
        """Raise the ScimError that says why the query cannot be read, if it cannot."""
        len(self.query)

    def _decoded(self, limit: int) -> bytes:
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return self.body
        if encoding in ("gzip", "x-gzip"):
            return _gunzip(self.body, limit)
        raise UnsupportedMediaType(
            f"Content-Encoding is {encoding[:100]}; send gzip, or the body as it is.",
            headers={"Accept-Encoding": "gzip"},  # RFC 7694 §3
        )

    @property
    def traceparent(self) -> str:
        """Return the caller's trace (W3C Trace Context §3.2); empty if there is none."""
        sent = self.headers.get("traceparent", "").strip()
        return sent if _TRACEPARENT.fullmatch(sent) else ""

    def names(self, parameter: str) -> list[str] | None:
        """Return a query parameter that lists attribute names; None when it is absent."""
        text = self.query.get(parameter.lower())
        return None if text is None else text.split(",")


def read_request(request: func.HttpRequest) -> Request:
    """Read the parts of a request that the platform leaves as they came.

    The query is taken from the URL, because the host drops empty values from `params` and joins
    repeated ones.
    """
    # Not urlsplit: what it does for other addresses costs as much as all the rest.
    path, _, query = request.url.partition("://")[2].partition("#")[0].partition("?")
    return Request(
        method=request.method.upper(),
        segments=tuple(unquote(part) for part in path.split("/")[1:] if part),
        query=_query(query) if query else {},
        headers={name.lower(): value for name, value in request.headers.items()},
        body=request.get_body() or b"",
    )


class _Unreadable(Mapping[str, str]):
    """A query that cannot be read: whoever looks at it is told why."""

    def __init__(self, error: ScimError) -> None:
        self._error = error

    def __getitem__(self, name: str) -> str:
        raise self._error

    def __iter__(self) -> Iterator[str]:
        raise self._error

    def __len__(self) -> int:
        raise self._error


def _query(text: str) -> Mapping[str, str]:
    try:
        return _parsed(text)
    except ScimError as error:
        return _Unreadable(error)


def _parsed(text: str) -> Mapping[str, str]:
    # Names are compared without regard to case, as attribute names are; unknown ones are ignored.
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, max_num_fields=50, errors="strict", encoding="utf-8"
        )
    except UnicodeDecodeError as error:
        raise InvalidValue("The query is not UTF-8; percent-encode it as UTF-8.") from error
    except ValueError as error:
        raise InvalidSyntax("The query has more than 50 parameters.") from error
    query: dict[str, str] = {}
    for name, value in pairs:
        # Which of two is meant cannot be known, and no filter may be passed over.
        if query.setdefault(name.lower(), value) != value:
            raise InvalidSyntax(f"The query has {name[:100]} twice; send it once.")
    return query


def _gunzip(packed: bytes, limit: int) -> bytes:
    """Unpack one gzip member (RFC 1952), and never more than the limit allows."""
    member = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = member.decompress(packed, limit + 1)
    except zlib.error:
        raise InvalidSyntax("The body is no gzip, as Content-Encoding says.") from None
    if len(unpacked) > limit:
        raise PayloadTooLarge(f"The body unpacks to more than {limit} bytes; send less.")
    if not member.eof or member.unused_data:
        raise InvalidSyntax("The body is not one whole gzip stream, as Content-Encoding says.")
    return unpacked
