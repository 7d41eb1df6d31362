"""Which quirks there are, where each applies, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scim.dialects import common, entra, entra_values, keycloak, onelogin, ping
from scim.protocol.filter import Comparison, Filter
from scim.protocol.schema import Attribute, Json, ResourceType

MessageQuirk = Callable[[Json, ResourceType], Json]
OperationQuirk = Callable[[dict[str, Any], ResourceType], dict[str, Any] | list[dict[str, Any]]]
NameQuirk = Callable[[str, ResourceType], str]
ValueQuirk = Callable[[Attribute, Json], Json]
Where = Callable[[Attribute], bool]


@dataclass(frozen=True, slots=True)
class Quirks:
    """Each is pure and *fires* when its result is another object than its argument.

    `names` read the names of attributes wherever a client writes them: keys, PATCH paths and
    filters. `values` see the value of an attribute; the entries of a multi-valued attribute are
    values of the same attribute taken as single-valued. `texts` read a filter or path that is
    not standard as it stands.
    """

    bodies: tuple[MessageQuirk, ...]
    messages: tuple[MessageQuirk, ...]
    names: tuple[NameQuirk, ...]
    operations: tuple[OperationQuirk, ...]
    values: tuple[tuple[Where, ValueQuirk], ...]
    texts: tuple[Callable[[str], str], ...]
    comparisons: tuple[Callable[[Attribute, Comparison], Comparison], ...]
    entries: tuple[Callable[[Filter, Attribute], dict[str, Any] | None], ...]

    def meanings(self) -> Mapping[str, str]:
        """Return what each quirk does, by its name: the first line of its docstring."""
        values = tuple(quirk for _, quirk in self.values)
        lists: tuple[tuple[Callable[..., Any], ...], ...] = (
            *(self.bodies, self.messages, self.names, self.operations),
            *(values, self.texts, self.comparisons, self.entries),
        )
        return {
            quirk.__name__: (quirk.__doc__ or "").partition("\n")[0]
            for quirks in lists
            for quirk in quirks
        }


def _list(attribute: Attribute) -> bool:
    return attribute.multi_valued


def _single(attribute: Attribute) -> bool:
    return not attribute.multi_valued


def _boolean(attribute: Attribute) -> bool:
    return _single(attribute) and attribute.type == "boolean"


def _text(attribute: Attribute) -> bool:
    return _single(attribute) and attribute.type == "string"


def _object_with_value(attribute: Attribute) -> bool:
    return _single(attribute) and attribute.sub("value") is not None


def _no_text(attribute: Attribute) -> bool:
    # Not boolean: to clear `active` would mean what nobody asked for.
    if attribute.complex and not attribute.multi_valued:
        return attribute.sub("value") is None
    return attribute.multi_valued or attribute.type in {"integer", "decimal"}


def _writable_reference(attribute: Attribute) -> bool:
    reference = attribute.sub("$ref")
    return _single(attribute) and reference is not None and not reference.read_only


def _manager(attribute: Attribute) -> bool:
    return _object_with_value(attribute) and attribute.name.lower() == "manager"


def _role(attribute: Attribute) -> bool:
    return _object_with_value(attribute) and attribute.name.lower() == "roles"


QUIRKS = Quirks(
    bodies=(
        entra.drop_foreign_schemas,
        common.infer_schemas,
        entra.nest_flat_names,
        entra.add_extension_schemas,
    ),
    messages=(common.infer_patch_schema, common.wrap_single_operation),
    names=(entra.lift_extension_attributes, entra.colon_for_legacy_dot),
    operations=(
        entra.lower_case_op,
        entra.split_pathless_value,
        keycloak.drop_null_of_remove,
        entra.remove_listed_entries,
        entra.drop_value_of_remove,
    ),
    values=(
        (_single, entra_values.unwrap_single_value),
        (_no_text, entra_values.clear_with_empty_text),
        (_list, onelogin.wrap_single_entry),
        (_list, common.drop_null_entries),
        (_boolean, entra_values.read_boolean_words),
        (_text, common.spell_whole_numbers),
        (_object_with_value, entra_values.wrap_bare_value),
        (_manager, onelogin.read_manager_id),
        (_manager, entra_values.clear_empty_manager),
        (_role, entra_values.unpack_role_document),
        (_role, entra_values.rename_role_display_name),
        (_writable_reference, keycloak.drop_relative_ref),
    ),
    texts=(ping.quote_literals,),
    comparisons=(entra.read_boolean_literals, ping.spell_literals),
    entries=(entra.create_missing_entry,),
)
