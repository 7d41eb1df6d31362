"""Filters, and the value filters of PATCH paths, read with the quirks of those who send them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import TypeVar, assert_never

from scim.dialects.fired import note
from scim.dialects.table import Quirks
from scim.protocol.errors import ScimError
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, ValuePath
from scim.protocol.filter_parser import parse_filter, parse_path
from scim.protocol.filter_text import format_attribute, format_path
from scim.protocol.schema import Attribute, ResourceType

Tree = TypeVar("Tree")
Found = tuple[AttributePath, Attribute | None]
LookUp = Callable[[AttributePath], Found]


def read_filter(text: str, resource_type: ResourceType, quirks: Quirks, fired: list[str]) -> Filter:
    """Read a filter over resources. Raises InvalidFilter, with the columns of the text as sent."""

    def look_up(path: AttributePath) -> Found:
        reference = resource_type.reference(path.urn, path.name, path.sub)
        if reference is None:
            written = format_attribute(path)
            name = standard_name(written, resource_type, quirks, fired)
            if name is written:
                return path, None
            read = parse_path(name)
            reference = resource_type.reference(read.urn, read.name, read.sub)
            path = AttributePath(read.urn, read.name or "", read.sub, path.position)
        return path, reference.leaf if reference else None

    _, tree = _parsed(text, parse_filter, quirks, fired)
    return _standard(tree, look_up, quirks, fired)


def standard_path(text: str, resource_type: ResourceType, quirks: Quirks, fired: list[str]) -> str:
    """Return a PATCH path in standard spelling; one that cannot be read stays as it is."""
    name = standard_name(text, resource_type, quirks, fired)
    if "[" not in name:
        return name
    try:
        name, path = _parsed(name, parse_path, quirks, fired)
    except ScimError:
        return name
    reference = resource_type.reference(path.urn, path.name, None)
    if path.entries is None or reference is None or reference.attribute is None:
        return name
    entries = _standard(path.entries, _in_entry(reference.attribute), quirks, fired)
    return name if entries is path.entries else format_path(replace(path, entries=entries))


def standard_name(name: str, resource_type: ResourceType, quirks: Quirks, fired: list[str]) -> str:
    """Return the name of an attribute, or the path that begins with it, in standard spelling."""
    for quirk in quirks.names:
        result = quirk(name, resource_type)
        if result is not name:
            note(fired, quirk)
            name = result
    return name


def _parsed(
    text: str, parse: Callable[[str], Tree], quirks: Quirks, fired: list[str]
) -> tuple[str, Tree]:
    """Return the text and its tree; where it is not standard, what a quirk makes of it."""
    try:
        return text, parse(text)
    except ScimError:
        for quirk in quirks.texts:
            result = quirk(text)
            if result is text:
                continue
            with suppress(ScimError):
                parsed = result, parse(result)
                note(fired, quirk)
                return parsed
        raise  # what is wrong with the text as it was sent


def _standard(tree: Filter, look_up: LookUp, quirks: Quirks, fired: list[str]) -> Filter:
    """Return the tree with standard names and literals: itself when it has them already."""
    match tree:
        case Comparison():
            return _comparison(tree, look_up, quirks, fired)
        case ValuePath(path, inner):
            found, attribute = look_up(path)
            entries = _in_entry(attribute) if attribute else _unknown
            standard = _standard(inner, entries, quirks, fired)
            same = found is path and standard is inner
            return tree if same else ValuePath(found, standard)
        case And(branches) | Or(branches):
            read = tuple(_standard(each, look_up, quirks, fired) for each in branches)
            same = all(one is other for one, other in zip(read, branches, strict=True))
            return tree if same else replace(tree, branches=read)
        case Not(branch):
            standard = _standard(branch, look_up, quirks, fired)
            return tree if standard is branch else Not(standard)
    assert_never(tree)


def _comparison(
    comparison: Comparison, look_up: LookUp, quirks: Quirks, fired: list[str]
) -> Comparison:
    path, attribute = look_up(comparison.path)
    if path is not comparison.path:
        comparison = replace(comparison, path=path)
    if attribute is None:
        return comparison
    # RFC 7644 §3.4.2.2: a multi-valued complex attribute is compared by its `value`.
    leaf = attribute.sub("value") or attribute
    for quirk in quirks.comparisons:
        result = quirk(leaf, comparison)
        if result is not comparison:
            note(fired, quirk)
            comparison = result
    return comparison


def _in_entry(attribute: Attribute) -> LookUp:
    def look_up(path: AttributePath) -> Found:
        if path.urn or path.sub:
            return path, None
        whole = attribute.sub_attributes is None and path.name.lower() == "value"
        return path, attribute if whole else attribute.sub(path.name)

    return look_up


def _unknown(path: AttributePath) -> Found:
    return path, None
