"""Writing filters and paths; reading what is written gives the same tree."""

from __future__ import annotations

from typing import assert_never

import orjson

from scim.protocol.filter import And, AttributePath, Comparison, Filter, Not, Or, Path, ValuePath


def format_filter(condition: Filter) -> str:
    """Write a filter with parentheses only where the tree needs them."""
    match condition:
        case Comparison(path, "pr"):
            return f"{format_attribute(path)} pr"
        case Comparison(path, operator, value):
            return f"{format_attribute(path)} {operator} {orjson.dumps(value).decode()}"
        case ValuePath(path, inner):
            return f"{format_attribute(path)}[{format_filter(inner)}]"
        case Not(branch):
            return f"not ({format_filter(branch)})"
        case And(branches):
            return " and ".join(_branch(each, within=And) for each in branches)
        case Or(branches):
            return " or ".join(_branch(each, within=Or) for each in branches)
    assert_never(condition)


def format_path(path: Path) -> str:
    """Write a PATCH path."""
    if path.name is None:
        return path.urn or ""
    text = path.name if path.urn is None else f"{path.urn}:{path.name}"
    if path.entries is not None:
        text += f"[{format_filter(path.entries)}]"
    return text if path.sub is None else f"{text}.{path.sub}"


def format_attribute(path: AttributePath) -> str:
    """Write the name of an attribute."""
    text = path.name if path.urn is None else f"{path.urn}:{path.name}"
    return text if path.sub is None else f"{text}.{path.sub}"


def _branch(condition: Filter, *, within: type[And | Or]) -> str:
    text = format_filter(condition)
    # Nesting of the same operator is kept too: the tree is to come back as it was.
    bare = isinstance(condition, And) and within is Or
    return f"({text})" if isinstance(condition, And | Or) and not bare else text
