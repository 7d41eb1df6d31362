"""Whether anything stands at a path: how an attribute is required beyond what its schema says."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from scim.protocol.errors import InvalidPath
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Path, ValuePath
from scim.protocol.filter_parser import parse_path
from scim.protocol.matching import matcher
from scim.protocol.schema import Resource, ResourceType

_REMEMBERED: Final = 1000  # paths; a directory requires a handful


@lru_cache(_REMEMBERED)
def presence(text: str, resource_type: ResourceType) -> Callable[[Resource], bool]:
    """Return the test whether a resource has a value at a PATCH path, such as `name.givenName`.

    Raises InvalidPath, or InvalidFilter, for a place that no client can fill.
    """
    path = parse_path(text)
    reference = resource_type.reference(path.urn, path.name, path.sub)
    if reference is None:
        raise InvalidPath(f"{text} is no attribute of {resource_type.name}.")
    for attribute in (reference.attribute, reference.sub_attribute):
        if attribute and attribute.read_only:
            raise InvalidPath(f"{text} is read-only: no client can send it.")
        if attribute and attribute.returned == "never":
            raise InvalidPath(f"{text} is never kept, so it cannot be found missing.")
    return matcher(_present(path), resource_type)


def _present(path: Path) -> Filter:
    urn, name = path.urn, path.name
    if name is None:  # a whole extension, which a filter names by its URN too
        urn, _, name = (urn or "").rpartition(":")
    if path.entries is None:
        return Comparison(AttributePath(urn, name, path.sub), "pr", None)
    entries = path.entries
    if path.sub is not None:
        entries = And((entries, Comparison(AttributePath(None, path.sub), "pr", None)))
    return ValuePath(AttributePath(urn, name), entries)
