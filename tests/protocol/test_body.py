"""Promises of reading request bodies."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scim.protocol.body import MAX_DEPTH, read_json, read_object
from scim.protocol.errors import InvalidSyntax


def test_a_body_is_read_as_the_json_it_is() -> None:
    """Objects, lists, numbers and escapes come out as JSON means them."""
    raw = b'{"a" : [1, -2.5, true, null, "\\u00e4 \\"q\\": \\ud83d\\ude00"], "b":{"a":"A"}}'
    assert read_json(raw) == {"a": [1, -2.5, True, None, 'ä "q": 😀'], "b": {"a": "A"}}


def test_a_byte_order_mark_is_passed_over() -> None:
    """A body behind a UTF-8 byte order mark is read (RFC-007)."""
    assert read_object(b'\xef\xbb\xbf{"a":1}') == {"a": 1}


REFUSED = {
    "empty": (b"", "The body is empty"),
    "blank": (b" \r\n", "The body is empty"),
    "only a mark": (b"\xef\xbb\xbf", "The body is empty"),
    "cut off": (b'{"a":', "line 1, column 6"),
    "second line": (b'{"a":1,\n"b":}', "line 2, column 5"),
    "junk": (b"userName=kim", "line 1, column 1"),
    "text behind": (b"{} {}", "line 1, column 4"),
    "not UTF-8": (b'{"a":"\xe4"}', "not UTF-8 at byte 7"),
    "UTF-16": ('{"a":1}'.encode("utf-16"), "not UTF-8 at byte 1"),
    "surrogate as bytes": (b'"\xed\xa0\x80"', "not UTF-8 at byte 2"),
    "NaN": (b'{"a":NaN}', "line 1, column 6"),
    "Infinity": (b'{"a":-Infinity}', "line 1"),
    "beyond a double": (b'{"a":1e999}', "line 1, column 6"),
    "lone surrogate": (b'{"a":"\\ud800"}', "line 1"),
    "second half alone": (b'{"a":"\\udc00x"}', "line 1"),
    "control character": (b'{"a":"\x01"}', "line 1"),
    "single quotes": (b"{'a':1}", "line 1, column 2"),
    "trailing comma": (b'{"a":1,}', "line 1"),
    "nested too deep": (b"[" * 300 + b"]" * 300, f"deeper than {MAX_DEPTH}"),
    "nested far too deep": (b"[" * 100_000, "line 1"),
    "a name twice": (b'{"userName":"a","userName":"b"}', "'userName' twice"),
    "a name twice with one value": (b'{"a":1,"a":1}', "'a' twice"),
    "a name twice in other case": (b'{"userName":"a","USERNAME":"b"}', "'USERNAME' twice"),
    "a name twice in a list": (b'{"a":[{"b":1},{"b":1,"b":2}]}', "'b' twice"),
    "a name twice, once escaped": (b'{"active":true,"\\u0061ctive":false}', "'active' twice"),
    "a name twice beside an escaped colon": (b'{"a":1,"A":2,"x":"\\u003a"}', "'A' twice"),
    "a name twice with space": (b'{"a":1, "a" :2}', "'a' twice"),
    "a long name twice": (b'{"%s":1,"%s":1}' % (b"n" * 999, b"n" * 999), f"'{'n' * 100}' twice"),
}


@pytest.mark.parametrize(("raw", "said"), REFUSED.values(), ids=REFUSED)
def test_what_is_not_strict_json_is_refused_with_its_place(raw: bytes, said: str) -> None:
    """Anything but strict JSON in UTF-8 is invalidSyntax that says where and what is wrong."""
    with pytest.raises(InvalidSyntax) as refusal:
        read_json(raw)
    assert said in refusal.value.detail


@pytest.mark.parametrize("raw", [b"[]", b'"a"', b"1", b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    """Where an object is needed, other JSON is invalidSyntax that asks for one."""
    with pytest.raises(InvalidSyntax, match="send an object"):
        read_object(raw)


def test_what_is_nested_as_deep_as_allowed_is_read() -> None:
    """The limit on nesting is exact."""
    assert read_json(b"[" * MAX_DEPTH + b"]" * MAX_DEPTH)


def test_an_integer_beyond_64_bits_is_no_integer_any_more() -> None:
    """Its digits cannot be kept, so it comes as a float, which integer attributes refuse."""
    assert type(read_json(b"[18446744073709551616]")[0]) is float


DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def _repeats(document: Any) -> bool:
    if isinstance(document, list):
        return any(map(_repeats, document))
    if isinstance(document, dict):
        names = {name.lower() for name in document}
        return len(names) < len(document) or any(map(_repeats, document.values()))
    return False


@given(document=DOCUMENTS, ascii_only=st.booleans())
def test_any_document_without_repeated_names_is_read_as_it_was_written(
    document: Any, *, ascii_only: bool
) -> None:
    """Writing and reading gives the same document, whatever stands in its texts."""
    raw = json.dumps(document, ensure_ascii=ascii_only, indent=1).encode()
    if not _repeats(document):
        assert read_json(raw) == document


NAMES = st.sampled_from(["a", "A", "b", "B:", "c d", 'e":', "\\"])


@given(st.lists(st.tuples(NAMES, st.sampled_from([1, ":", '"a":', "x"])), max_size=6))
def test_a_repeated_name_is_always_found(pairs: list[tuple[str, Any]]) -> None:
    """Objects with a name twice are refused and all others are not."""
    members = b",".join(orjson.dumps(name) + b":" + orjson.dumps(each) for name, each in pairs)
    raw = b'{"x":[{' + members + b"}]}"
    if len({name.lower() for name, _ in pairs}) == len(pairs):
        assert read_json(raw) == {"x": [dict(pairs)]}
    else:
        with pytest.raises(InvalidSyntax, match="twice"):
            read_json(raw)


@given(st.binary() | st.binary().map(lambda junk: b'{"a":' + junk))
def test_no_bytes_do_worse_than_invalid_syntax(raw: bytes) -> None:
    """Whatever comes is read or refused as invalidSyntax."""
    with contextlib.suppress(InvalidSyntax):
        read_json(raw)
