"""The one walk along a schema that brings every known value to its standard shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from scim.dialects.fired import note
from scim.dialects.table import ValueQuirk, Where
from scim.protocol.schema import Attribute, Json, Resource, ResourceType


@dataclass(frozen=True, slots=True)
class Shape:
    """What a value has to pass: its attribute's quirks, then its parts.

    A value of the type `plain` is standard without a look. `parts` holds sub-attributes, or the
    attributes of a resource or extension, by name as the schema writes it and in lower case.
    """

    attribute: Attribute
    quirks: tuple[ValueQuirk, ...] = ()
    plain: type | None = None
    parts: Mapping[str, Shape] | None = None
    entry: Shape | None = None

    def part(self, name: str | None) -> Shape | None:
        """Return the shape of the part of that name in any case; None if unknown."""
        if self.entry:
            return self.entry.part(name)
        return self.parts.get(name.lower()) if self.parts and name else None

    def standard(self, value: Json, fired: list[str]) -> Json:
        """Return the value in standard shape: itself when it is so already."""
        if type(value) is self.plain or value is None:
            return value
        for quirk in self.quirks:
            result = quirk(self.attribute, value)
            if result is not value:
                note(fired, quirk)
                value = result
        if self.entry is not None and isinstance(value, list):
            return self._entries(self.entry, value, fired)
        if self.parts is not None and isinstance(value, dict):
            parts = self._parts(self.parts, value, fired)
            # A quirk may know a value only once its parts are standard.
            return value if parts is value else self.standard(parts, fired)
        return value

    def _entries(self, shape: Shape, entries: list[Json], fired: list[str]) -> list[Json]:
        results = [shape.standard(entry, fired) for entry in entries]
        if all(map(_same, results, entries)):
            return entries
        return [result for result in results if result is not None]

    def _parts(self, parts: Mapping[str, Shape], value: Resource, fired: list[str]) -> Resource:
        changed: Resource | None = None
        for name, each in value.items():
            shape = parts.get(name) or parts.get(name.lower())
            if shape is None or type(each) is shape.plain:
                continue
            result = shape.standard(each, fired)
            if result is not each:
                changed = changed or dict(value)
                changed[name] = result
        return value if changed is None else changed


def _same(one: Json, other: Json) -> bool:
    return one is other


def resource_shape(resource_type: ResourceType, rows: Sequence[tuple[Where, ValueQuirk]]) -> Shape:
    """Return the shape of a resource. Read-only attributes have none: what comes is dropped."""

    def shapes(attributes: Mapping[str, Attribute]) -> dict[str, Shape]:
        found: dict[str, Shape] = {}
        for attribute in attributes.values():
            if not attribute.read_only:
                found[attribute.name] = found[attribute.name.lower()] = shape(attribute)
        return found

    def shape(attribute: Attribute) -> Shape:
        subs = attribute.sub_attributes
        return Shape(
            attribute,
            tuple(quirk for where, quirk in rows if where(attribute)),
            _plain(attribute),
            None if attribute.multi_valued or subs is None else shapes(subs),
            shape(replace(attribute, multi_valued=False)) if attribute.multi_valued else None,
        )

    parts = shapes(resource_type.schema.attributes)
    for extension in resource_type.extensions.values():
        whole = Shape(Attribute(extension.urn, "complex"), parts=shapes(extension.attributes))
        parts[extension.urn] = parts[extension.urn.lower()] = whole
    return Shape(Attribute(resource_type.name, "complex"), parts=parts)


def _plain(attribute: Attribute) -> type | None:
    types: Mapping[str, type] = {"string": str, "boolean": bool}
    return None if attribute.multi_valued else types.get(attribute.type)
