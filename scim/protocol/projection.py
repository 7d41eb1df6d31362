"""Which attributes an answer holds (RFC 7644 §3.4.2.5, §3.9; `returned` of RFC 7643 §2.2)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from scim.protocol.errors import InvalidPath, InvalidValue
from scim.protocol.filter_parser import parse_path
from scim.protocol.schema import COMMON, Attribute, Json, Resource, ResourceType

# What to keep, or to drop, of an object: None means the member as a whole.
_Plan = Mapping[str, "_Plan | None"]
_Attributes = Mapping[str, Attribute]
_Steps = Sequence[Attribute]  # from the resource down to the attribute that a name means

_BRACKETS: Final = re.compile(r"\[[^\]]*\]")
_REMEMBERED: Final = 64  # resource types; an installation has two


@dataclass(frozen=True, slots=True)
class Projection:
    """What to keep or, where that is None, what to drop."""

    _kept: _Plan | None
    _dropped: _Plan

    def apply(self, resource: Resource) -> Resource:
        """Return the resource as it is to be shown: itself when nothing has to be left out."""
        shown: Resource = (
            _without(resource, self._dropped) if self._kept is None else _only(resource, self._kept)
        )
        return shown

    def wants(self, name: str) -> bool:
        """Whether anything of the attribute or extension, named in schema case, is shown."""
        if self._kept is not None:
            return name in self._kept
        return name not in self._dropped or self._dropped[name] is not None


def read_projection(
    attributes: list[str] | None, excluded: list[str] | None, resource_type: ResourceType
) -> Projection:
    """Read `attributes` and `excludedAttributes`; a blank list counts as absent.

    Unknown names are ignored, and value filters within names. Raises InvalidValue when both lists
    are given.
    """
    wanted, unwanted = _names(attributes), _names(excluded)
    if wanted and unwanted:
        raise InvalidValue("Send either attributes or excludedAttributes, not both.")
    tree = _tree(resource_type)
    if wanted:
        asked = (_asked(tree, steps) or {} for steps in _resolved(wanted, resource_type))
        return Projection(_union(_minimum(resource_type), *asked), {})
    refused = (_refused(tree, steps) or {} for steps in _resolved(unwanted, resource_type))
    return Projection(None, _union(_hidden_by_default(resource_type), *refused))


def _names(parameter: list[str] | None) -> list[str]:
    text = _BRACKETS.sub("", ",".join(parameter or ()))
    return [name for part in text.split(",") if (name := part.strip())]


def _resolved(names: Iterable[str], resource_type: ResourceType) -> Iterator[_Steps]:
    """Resolve the names that are known; the URN of the core schema means its attributes."""
    tree = _tree(resource_type)
    for name in names:
        if name.lower() == resource_type.schema.urn.lower():
            attributes = resource_type.schema.attributes.values()
            yield from ([each] for each in attributes if each.returned == "default")
            continue
        try:
            path = parse_path(name)
        except InvalidPath:
            continue
        found = resource_type.reference(path.urn, path.name, path.sub)
        if found is not None:
            extension = tree[found.extension.urn.lower()] if found.extension else None
            steps = (extension, found.attribute, found.sub_attribute)
            yield [each for each in steps if each is not None]


@lru_cache(_REMEMBERED)
def _tree(resource_type: ResourceType) -> _Attributes:
    """Return all that stands in a resource; an extension is like a complex attribute there."""
    extensions = {
        urn: Attribute(each.urn, "complex", sub_attributes=each.attributes)
        for urn, each in resource_type.extensions.items()
    }
    return {**COMMON, **resource_type.schema.attributes, **extensions}


@lru_cache(_REMEMBERED)
def _minimum(resource_type: ResourceType) -> _Plan:
    """Return what is shown whatever was asked for."""
    within = {each.urn: _always(each.attributes) for each in resource_type.extensions.values()}
    return _union(
        _always(_tree(resource_type)), {urn: plan for urn, plan in within.items() if plan}
    )


@lru_cache(_REMEMBERED)
def _hidden_by_default(resource_type: ResourceType) -> _Plan:
    return _hidden(_tree(resource_type))


def _always(attributes: _Attributes) -> _Plan:
    return {
        each.name: _shown(each.sub_attributes or {})
        for each in attributes.values()
        if each.returned == "always"
    }


def _hidden(attributes: _Attributes) -> _Plan:
    """Return what is dropped unless it is asked for, and what is never shown."""
    plan: dict[str, _Plan | None] = {}
    for each in attributes.values():
        if each.returned in ("request", "never"):
            plan[each.name] = None
        elif within := _hidden(each.sub_attributes or {}):
            whole = list(within.values()) == [None] * len(each.sub_attributes or {})
            plan[each.name] = None if whole else within
    return plan


def _shown(attributes: _Attributes) -> _Plan | None:
    """Return what is kept of an object that is asked for as a whole."""
    if not _hidden(attributes):
        return None
    return {
        each.name: _shown(each.sub_attributes or {})
        for each in attributes.values()
        if each.returned in ("always", "default")
    }


def _asked(attributes: _Attributes, steps: _Steps) -> _Plan | None:
    """Return what is kept of an object when the end of the steps is asked for."""
    if not steps:
        return _shown(attributes)
    first, *rest = steps
    if first.returned == "never":
        return {}
    return _union(_always(attributes), {first.name: _asked(first.sub_attributes or {}, rest)})


def _refused(attributes: _Attributes, steps: _Steps) -> _Plan | None:
    """Return what is dropped from an object when the end of the steps is refused."""
    if not steps:
        optional = [each.name for each in attributes.values() if each.returned != "always"]
        return None if len(optional) == len(attributes) else dict.fromkeys(optional)
    first, *rest = steps
    if first.returned == "always" and not rest:
        return {}
    return {first.name: _refused(first.sub_attributes or {}, rest)}


def _union(*plans: _Plan) -> _Plan:
    united: dict[str, _Plan | None] = {}
    for plan in plans:
        for name, more in plan.items():
            known = united.get(name, {})
            united[name] = None if known is None or more is None else _union(known, more)
    return united


def _only(value: Json, plan: _Plan) -> Json:
    if isinstance(value, list):
        return [part for each in value if (part := _only(each, plan))]
    if not isinstance(value, dict):
        return value
    kept = {}
    for name, within in plan.items():
        if name in value:
            part = value[name] if within is None else _only(value[name], within)
            if within is None or part:
                kept[name] = part
    return kept


def _without(value: Json, plan: _Plan) -> Json:
    if isinstance(value, list):
        return [part for each in value if (part := _without(each, plan))]
    if not isinstance(value, dict):
        return value
    rest = value
    for name, within in plan.items():
        if name in value:
            if rest is value:
                rest = dict(value)
            part = None if within is None else _without(value[name], within)
            if part:
                rest[name] = part
            else:
                del rest[name]
    return rest
