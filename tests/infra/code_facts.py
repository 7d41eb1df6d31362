"""What the tests read from the code of the product: log records and the services it calls."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from local.setup import ROOT
from scim.provisioning.telemetry import KINDS


def records() -> dict[str, set[str]]:
    """Return the events that log records name, with the fields beside them."""
    return {event.value: {"event", *kind.facts} for event, kind in KINDS.items()}


def azure_packages() -> set[str]:
    """Return the packages of Azure's SDK that the product imports, wherever it does."""
    found = set()
    for node in _nodes():
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{each.name}" for each in node.names)}
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names}
    return {name for name in found if name.startswith("azure.")}


def methods_called() -> set[str]:
    """Return the names of all methods that the product calls."""
    return {
        node.func.attr
        for node in _nodes()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }


def _nodes() -> Iterator[ast.AST]:
    for path in sorted((ROOT / "scim").rglob("*.py")):
        yield from ast.walk(ast.parse(path.read_text("utf-8")))
