"""What one PATCH operation does to the values along its path (RFC 7644 §3.5.2.1 to §3.5.2.3).

Values are never changed in place: each function returns the value after the change.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import orjson

from scim.protocol.errors import InvalidPath, Mutability, NoTarget, TooMany
from scim.protocol.filter import Filter, comparisons
from scim.protocol.folding import fold
from scim.protocol.matching import entry_matcher
from scim.protocol.resource import (
    check_object,
    check_primary,
    check_size,
    holds_attributes,
    is_blank,
    note,
    prefix,
    read_entry,
    read_members,
    read_value,
)
from scim.protocol.schema import Attribute, Json

# Comparisons of entries by one message, one each where no filter selects; about two seconds.
MAX_VISITS: Final = 2_000_000

NewEntry = Callable[[Filter, Attribute], dict[str, Any] | None]
Object = dict[str, Any]


@dataclass(slots=True)
class Context:
    """What all changes of a message share."""

    new_entry: NewEntry
    ignored: list[str]
    visits: int = 0

    def visit(self, entries: Collection[Any], condition: Filter | None = None) -> None:
        """Count entries that a change looks at. Raises TooMany beyond MAX_VISITS."""
        self.visits += len(entries) * (comparisons(condition) if condition else 1)
        if self.visits > MAX_VISITS:
            raise TooMany(
                "The operations look through too many entries; send fewer, or one with a list."
            )


@dataclass(frozen=True, slots=True)
class Change:
    """`add`, `replace` or `remove` of a value; `entries` selects among those of `selected`."""

    op: str
    value: Json
    context: Context
    selected: Attribute | None = None
    entries: Filter | None = None

    def applied(
        self, parent: Attribute, before: Object, steps: Sequence[Attribute], where: str
    ) -> Object:
        """Return an object after the change to the member where `steps` lead, or to all of it."""
        if not steps:
            return self._merged(parent, before, self.value, where)
        member, *rest = steps
        path = prefix(where, parent) + member.name
        old = before.get(member.name)
        if member.read_only and (not rest or member.multi_valued or member is self.selected):
            if rest or member is self.selected or not self._keeps(old, self.value):
                raise Mutability(f"{path} is read-only.")
            return before
        return _put(before, member, self._changed(member, old, rest, path), path)

    def _changed(
        self, attribute: Attribute, old: Json, rest: Sequence[Attribute], where: str
    ) -> Json:
        if attribute is self.selected or (rest and attribute.multi_valued):
            return self._in_entries(attribute, old, rest, where)
        if rest:
            return self.applied(attribute, old or {}, rest, where) or None
        if self.op == "remove":
            return None
        return self._assigned(attribute, old, self.value, where)

    def _assigned(self, attribute: Attribute, old: Json, value: Json, where: str) -> Json:
        ignored = self.context.ignored
        if attribute.returned == "never":
            read_value(attribute, value, where, ignored)
            return old
        if _clears(value):
            return old if attribute.multi_valued and self.op == "add" else None
        if attribute.complex and not attribute.multi_valued:
            return self._merged(attribute, old or {}, value, where) or None
        read = read_value(attribute, value, where, ignored)
        if attribute.multi_valued and self.op == "add":
            return self._added(attribute, old or [], read or [], where)
        return read

    def _merged(self, parent: Attribute, before: Object, value: Json, where: str) -> Object:
        check_object(parent, value, where)
        start = prefix(where, parent)
        after = before
        for name, item in value.items():
            member = parent.sub(name)
            if member is None:
                note(self.context.ignored, start + name)
                continue
            path = start + member.name
            old = after.get(member.name)
            if path == "schemas":
                continue
            if member.read_only:
                # Within a value, such as a manager's $ref, it is what the server made of the value.
                if holds_attributes(parent) and not self._keeps(old, item):
                    raise Mutability(f"{path} is read-only.")
                continue
            after = _put(after, member, self._assigned(member, old, item, path), path)
        return after

    def _added(
        self, attribute: Attribute, old: list[Any], values: list[Any], where: str
    ) -> list[Any] | None:
        self.context.visit(old)
        entries = list(old)
        places: dict[Any, int] = {}
        for place, entry in enumerate(entries):
            places.setdefault(_identity(attribute, entry), place)
        touched: set[int] = set()
        for value in values:
            place = places.setdefault(_identity(attribute, value), len(entries))
            touched.add(place)
            if place == len(entries):
                entries.append(value)
            elif attribute.complex:
                entries[place] = {**value, **entries[place], **_mutable(attribute, value)}
        check_size(entries, where)
        _settle_primary(attribute, entries, touched, where)
        return entries or None

    def _in_entries(
        self, attribute: Attribute, old: Json, rest: Sequence[Attribute], where: str
    ) -> Json:
        if attribute.multi_valued:
            entries = list(old or [])
        elif attribute.complex:
            # As `manager[value eq "…"]` treats a single value as the only entry (Entra).
            entries = [] if old is None else [old]
        else:
            raise InvalidPath(f"{where} has one plain value; name it without brackets.")
        self.context.visit(entries, self.entries)
        matches = _any_entry if self.entries is None else entry_matcher(self.entries, attribute)
        chosen = {place for place, entry in enumerate(entries) if matches(entry)}
        new = not chosen
        if new:
            if self.op == "remove" or _clears(self.value):
                return old
            chosen = {len(entries)}
            entries.append(self._new_entry(attribute, entries, where))
        for place in chosen:
            entries[place] = self._entry(attribute, entries[place], rest, f"{where}[{place}]")
        if new and entries[-1] is not None and not matches(entries[-1]):
            # Repeating the request would add one more each time.
            raise _no_target(where)
        _settle_primary(attribute, entries, chosen, where)
        kept = [each for each in entries if each is not None]
        if not attribute.multi_valued:
            return kept[0] if kept else None
        check_size(kept, where)
        return kept or None

    def _new_entry(self, attribute: Attribute, entries: list[Any], where: str) -> Object:
        if self.entries is None:
            return {}
        made = None
        if attribute.complex and (attribute.multi_valued or not entries):
            made = self.context.new_entry(self.entries, attribute)
        if made is None:
            raise _no_target(where)
        return read_members(attribute, made, where, self.context.ignored)

    def _entry(
        self, attribute: Attribute, entry: Json, rest: Sequence[Attribute], where: str
    ) -> Json:
        if rest:
            after = self.applied(attribute, entry, rest, where)
            if rest[0].name == "value" and "value" not in after:
                return None
        elif self.op == "remove":
            return None
        elif _clears(self.value):
            return entry if self.op == "add" else None
        elif attribute.complex:
            after = self._merged(attribute, entry, self.value, where)
        else:
            return read_entry(attribute, self.value, where, self.context.ignored)
        return None if is_blank(after) else after

    def _keeps(self, old: Json, value: Json) -> bool:
        return self.op != "remove" and _same(old, value)


def _any_entry(_: Json) -> bool:
    return True


def _no_target(where: str) -> NoTarget:
    return NoTarget(
        f"No entry of {where} matches the filter in the path, and none can be made from filter and "
        f"value; add the entry to {where}."
    )


def _clears(value: Json) -> bool:
    return value is None or value in ("", [])


def _same(old: Json, value: Json) -> bool:
    """Whether a read-only value is the stored one, as far as it is sent."""
    if _clears(value):
        return old is None
    if isinstance(old, dict) and isinstance(value, dict):
        return all(_same(old.get(name), each) for name, each in value.items())
    return bool(old == value)


def _put(before: Object, member: Attribute, new: Json, path: str) -> Object:
    old = before.get(member.name)
    if new == old:
        return before
    if old is not None:
        _check_immutable(member, old, new, path)
    after = {**before, member.name: new}
    if new is None:
        del after[member.name]
    return after


def _check_immutable(attribute: Attribute, old: Json, new: Json, path: str) -> None:
    if attribute.mutability == "immutable" and old is not None and new != old:
        raise Mutability(f"{path} is immutable; it keeps the value that it was given first.")
    if attribute.complex and not attribute.multi_valued and old is not None:
        for sub in _immutable_within(attribute):
            name = sub.name
            _check_immutable(
                sub, old.get(name), (new or {}).get(name), prefix(path, attribute) + name
            )


@cache
def _immutable_within(attribute: Attribute) -> tuple[Attribute, ...]:
    """Return the sub-attributes that are immutable or have immutable ones."""
    subs = (attribute.sub_attributes or {}).values()
    return tuple(
        each
        for each in subs
        if each.mutability == "immutable" or (not each.multi_valued and _immutable_within(each))
    )


def _mutable(attribute: Attribute, entry: Object) -> Object:
    fixed = {each.name for each in _immutable_within(attribute)}
    return {name: each for name, each in entry.items() if name not in fixed}


def _identity(attribute: Attribute, entry: Json) -> Any:  # noqa: ANN401 - any hashable value
    """Return what makes an entry the same as another: value and type, else all of it."""
    if not attribute.complex:
        return _folded(attribute, entry)
    value = entry.get("value")
    if value is None:
        folded = {name: _folded(attribute.sub(name), each) for name, each in entry.items()}
        return orjson.dumps(folded, option=orjson.OPT_SORT_KEYS)
    return _folded(attribute.sub("value"), value), _folded(attribute.sub("type"), entry.get("type"))


def _folded(attribute: Attribute | None, value: Json) -> Json:
    exact = attribute is None or attribute.case_exact or attribute.type == "binary"
    return value if exact or not isinstance(value, str) else fold(value)


def _settle_primary(
    attribute: Attribute, entries: list[Any], touched: set[int], where: str
) -> None:
    """Leave primary true only where the change put it (RFC 7644 §3.5.2)."""
    if attribute.sub("primary") is None:
        return
    primary = [n for n, entry in enumerate(entries) if entry and entry.get("primary") is True]
    fresh = touched.intersection(primary)
    if not fresh or len(primary) == 1:
        return
    check_primary(attribute, [entries[place] for place in fresh], where)
    for place in primary:
        if place not in fresh:
            entries[place] = {**entries[place], "primary": False}
