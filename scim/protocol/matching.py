"""Whether a resource matches a filter, and what every match has in common.

Where RFC 7644 §3.4.2.2 is silent: `ne` is the negation of `eq`, so it holds where the attribute is
absent and, on several values, where none is equal. `eq null` is the negation of `pr`, as null and
absent are one state (RFC 7643 §2.5).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never

from scim.protocol.comparison import Test, value_test
from scim.protocol.errors import InvalidFilter
from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, ValuePath
from scim.protocol.filter_text import format_attribute
from scim.protocol.schema import Attribute, Json, Resource, ResourceType

_QUOTED: Final = 120  # characters of a name that an error repeats
_RESOURCE: Final = Attribute("", "complex")


@dataclass(frozen=True, slots=True)
class _Values:
    """Where a name leads: how to read what stands there, a list if `many`."""

    read: Callable[[Json], Json]
    many: bool
    attribute: Attribute
    named: str  # in the client's words


_LookUp = Callable[[AttributePath], _Values]


def matcher(
    condition: Filter, resource_type: ResourceType, beside: Sequence[ResourceType] = ()
) -> Callable[[Resource], bool]:
    """Compile a filter on resources.

    Raises InvalidFilter for a name, operator or literal that the schema does not bear out, so a
    wrong filter is refused even where there is nothing to match. `beside` are other types that are
    searched with the same filter: what only they have is absent here (RFC 7644 §3.4.2.1).
    """
    return _compile(condition, lambda path: _in_resources(path, resource_type, beside))


def entry_matcher(condition: Filter, attribute: Attribute) -> Callable[[Json], bool]:
    """Compile a value filter on the entries of an attribute; raises as `matcher` does.

    Entries that are no objects are called `value`, as in `schemas[value eq "urn:…"]`.
    """
    return _compile(condition, lambda path: _in_entry(path, attribute))


def required_equalities(condition: Filter) -> list[Comparison | ValuePath]:
    """Return the `eq` comparisons, and the value paths with one, that every match satisfies."""
    match condition:
        case Comparison(_, "eq", value) if value is not None:
            return [condition]
        case ValuePath(_, inner) if required_equalities(inner):
            return [condition]
        case And(branches):
            return [each for branch in branches for each in required_equalities(branch)]
    return []


def _compile(condition: Filter, look_up: _LookUp) -> Test:
    match condition:
        case Comparison():
            return _comparison(condition, look_up(condition.path))
        case ValuePath():
            return _value_path(condition, look_up(condition.path))
        case And(branches):
            tests = [_compile(each, look_up) for each in branches]
            return lambda subject: all(test(subject) for test in tests)
        case Or(branches):
            tests = [_compile(each, look_up) for each in branches]
            return lambda subject: any(test(subject) for test in tests)
        case Not(branch):
            return _negation(_compile(branch, look_up))
    assert_never(condition)


def _comparison(comparison: Comparison, values: _Values) -> Test:
    if comparison.operator == "pr":
        return _presence(values)
    if comparison.value is None and comparison.operator in ("eq", "ne"):
        present = _presence(values)
        return _negation(present) if comparison.operator == "eq" else present
    compared = _compared(values)
    holds = _any_of(compared, value_test(comparison, compared.attribute, compared.named))
    return _negation(holds) if comparison.operator == "ne" else holds


def _value_path(condition: ValuePath, values: _Values) -> Test:
    attribute = values.attribute
    if not (attribute.complex or attribute.multi_valued):
        raise InvalidFilter(f"{values.named} has one plain value; compare it without brackets.")
    return _any_of(values, entry_matcher(condition.inner, attribute))


def _any_of(values: _Values, test: Test) -> Test:
    read = values.read
    if values.many:
        return lambda subject: any(test(each) for each in _entries(read(subject)))
    return lambda subject: test(read(subject))


def _negation(test: Test) -> Test:
    return lambda subject: not test(subject)


def _presence(values: _Values) -> Test:
    read = values.read
    return lambda subject: _present(read(subject))


def _present(value: Json) -> bool:
    if isinstance(value, list):
        return any(_present(each) for each in value)
    if isinstance(value, dict):
        return any(_present(each) for each in value.values())
    return value is not None and value != ""


def _compared(values: _Values) -> _Values:
    """Go from a complex attribute to the sub-attribute that a comparison means."""
    attribute = values.attribute
    if not attribute.complex:
        return values
    meant = attribute.sub("value")
    if meant is None and attribute.multi_valued:
        meant = attribute.sub("formatted")
    if meant is None:
        raise InvalidFilter(
            f"{values.named} is complex; compare one of its attributes, or use 'pr'."
        )
    return _sub(values, meant)


def _in_resources(
    path: AttributePath, resource_type: ResourceType, beside: Sequence[ResourceType]
) -> _Values:
    if resource_type.reference(path.urn, path.name, path.sub) is None:
        for other in beside:
            if other.reference(path.urn, path.name, path.sub) is not None:
                return replace(_in_resource(path, other), read=lambda _: None)
    return _in_resource(path, resource_type)


def _in_resource(path: AttributePath, resource_type: ResourceType) -> _Values:
    named = _named(path)
    reference = resource_type.reference(path.urn, path.name, path.sub)
    if reference is None:
        raise InvalidFilter(
            f"{named} is no attribute of {resource_type.name}.{_hint(path, resource_type)}"
        )
    values = _Values(_identity, many=False, attribute=_RESOURCE, named=named)
    # An extension stands in a resource as a complex attribute does (RFC 7643 §3.3).
    extension = Attribute(reference.extension.urn, "complex") if reference.extension else None
    for step in (extension, reference.attribute, reference.sub_attribute):
        if step is not None:
            values = _sub(values, step)
    return values


def _hint(path: AttributePath, resource_type: ResourceType) -> str:
    owners = [
        each.urn
        for each in resource_type.extensions.values()
        if path.urn is None and path.name.lower() in each.attributes
    ]
    return f" It belongs to an extension: write {owners[0]}:{path.name}." if owners else ""


def _in_entry(path: AttributePath, attribute: Attribute) -> _Values:
    entry = _Values(_identity, many=False, attribute=attribute, named=_named(path))
    if path.urn is None and path.sub is None:
        sub = attribute.sub(path.name)
        if sub is not None:
            return _sub(entry, sub)
        if not attribute.complex and path.name.lower() == "value":
            return entry
    known = ", ".join(each.name for each in (attribute.sub_attributes or {}).values()) or "value"
    raise InvalidFilter(f"{entry.named} is unknown within {attribute.name}; it has {known}.")


def _sub(values: _Values, sub: Attribute) -> _Values:
    if sub.returned == "never":
        # Filtering would tell bit by bit what is never to be told.
        raise InvalidFilter(f"{values.named} cannot be filtered.")
    read, name = values.read, sub.name

    def read_one(subject: Json) -> Json:
        return _member(read(subject), name)

    def read_each(subject: Json) -> list[Json]:
        found = [_member(each, name) for each in _entries(read(subject))]
        return [value for each in found for value in _entries(each)] if sub.multi_valued else found

    return _Values(
        read_each if values.many else read_one,
        many=values.many or sub.multi_valued,
        attribute=sub,
        named=values.named,
    )


def _identity(subject: Json) -> Json:
    return subject


def _member(value: Json, name: str) -> Json:
    return value.get(name) if isinstance(value, dict) else None


def _entries(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _named(path: AttributePath) -> str:
    text = format_attribute(path)
    if len(text) > _QUOTED:
        text = f"{text[:_QUOTED]}…"
    return f"{text} (column {path.position})" if path.position else text
