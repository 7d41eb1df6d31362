"""Filters and other parameters that cannot be evaluated: never ignored, never "all"."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from tests.endpoint import Directory
from tests.web.refusals import refused

FILTERS = {
    "empty": ("", "Column 1"),
    "blank": ("  ", "it ends"),
    "name alone": ("userName", "expected an operator"),
    "no value": ("userName eq", "expected a value"),
    "unclosed text": ('userName eq "kim', "Column 13"),
    "unknown operator": ('userName is "kim"', "Column 10"),
    "unknown attribute": ('shoeSize eq "46"', "shoeSize (column 1)"),
    "unknown extension": ("urn:x:y eq 1", "urn:x:y (column 1)"),
    "attribute of groups": ('members.value eq "x"', "members.value"),
    "what is never returned": ('password eq "x"', "password"),
    "order of booleans": ("active gt true", "boolean"),
    "no time": ('meta.created gt "yesterday"', "meta.created"),
    "object": ('userName eq {"a": 1}', "expected a value"),
    "list": ("userName eq [1]", "expected a value"),
    "unfinished and": ('userName eq "kim" and', "it ends"),
    "double operator": ('userName eq eq "kim"', "Column"),
    "unopened": ('userName eq "kim")', "Column 18"),
    "unclosed": ('(userName eq "kim"', "it ends"),
    "unclosed bracket": ('emails[type eq "work"', "it ends"),
    "bracket on a text": ('userName[type eq "work"]', "userName"),
    "NUL": ('userName eq "a\0b"', "Column 15"),
    "lone surrogate": (r'userName eq "\ud800"', "Column 14"),
    "number beyond doubles": ("userName eq 1e999", "Column 13"),
    "10 000 characters": ("userName eq " + '"' + "x" * 9_986 + '"', "10000 characters"),
    "20 000 blanks": (" " * 20_000, "20000 characters"),
    "200 parentheses": ("(" * 200 + "active eq true" + ")" * 200, "nested deeper"),
    "200 negations": ("not (" * 200 + "active eq true" + ")" * 200, "nested deeper"),
    "many comparisons": (" or ".join(['title eq "x"'] * 400), "more than 250 comparisons"),
}


@pytest.mark.parametrize(("condition", "says"), FILTERS.values(), ids=FILTERS)
async def test_a_filter_that_cannot_be_evaluated_is_refused(
    directory: Directory, condition: str, says: str
) -> None:
    """400 invalidFilter with the place, in a query as in a search."""
    await directory.create_user(userName="kim")
    query = "filter=" + quote(condition)
    await refused(directory, "GET", "/Users", query=query, scim_type="invalidFilter", says=(says,))
    message = {"filter": condition}
    await refused(
        directory, "POST", "/Users/.search", message, scim_type="invalidFilter", says=(says,)
    )


@pytest.mark.parametrize(
    ("query", "scim_type", "says"),
    [
        ("filter=%ff", "invalidValue", "not UTF-8"),
        ("filter=userName%20eq%20%22%ed%a0%80%22", "invalidValue", "not UTF-8"),
        ("%c3=1", "invalidValue", "not UTF-8"),
        ("&".join(f"unknown{n}=1" for n in range(51)), "invalidSyntax", "more than 50"),
        ("filter=active%20pr&filter=id%20pr", "invalidSyntax", "filter twice"),
        ("count=1&COUNT=2", "invalidSyntax", "COUNT twice"),
        ("attributes=id&excludedAttributes=title", "invalidValue", "not both"),
        ("startIndex=one", "invalidValue", "startIndex has to be an integer"),
        ("startIndex=1.5", "invalidValue", "startIndex"),
        ("startIndex=1%002", "invalidValue", "startIndex"),
        ("count=1e3", "invalidValue", "count has to be an integer"),
        ("count=%D9%A1", "invalidValue", "count"),  # a digit, but no ASCII one
        ("sortBy=shoeSize", "invalidPath", "sortBy has to name an attribute"),
        ("sortBy=%00", "invalidPath", "Column 1"),
        ("sortBy=a.b.c.d", "invalidPath", "Column"),
        ("sortBy=" + "x" * 20_000, "invalidPath", "20000 characters"),
        ("sortBy=title&sortOrder=up", "invalidValue", "sortOrder"),
        ("cursor=%00", "invalidCursor", "nextCursor"),
        ("cursor=" + "A" * 20_000, "invalidCursor", "nextCursor"),
    ],
    ids=lambda text: text[:40],
)
async def test_a_parameter_that_cannot_be_read_is_refused(
    directory: Directory, query: str, scim_type: str, says: str
) -> None:
    """400 names the parameter, and what it has to be."""
    for path in ("/Users", "/Groups"):
        await refused(directory, "GET", path, query=query, scim_type=scim_type, says=(says,))


@pytest.mark.parametrize(
    "query",
    [
        "&".join(f"unknown{n}=1" for n in range(50)),
        "aadOptscim062020&&&=&=",
        "count=10&count=10",
        "startIndex=-99999999999999999999&count=99999999999999999999",
        "attributes=&excludedAttributes=",
        "attributes=%00,%F0%9F%98%80,..,urn:,[[[,emails%5Btype%20eq%20%22work%22%5D",
        "attributes=" + "a," * 20_000,
        "excludedAttributes=" + "x" * 40_000,
        "sortBy=&sortOrder=",
        "a=b;c=d",
        "%zz=%",
    ],
    ids=lambda text: text[:40],
)
async def test_what_does_no_harm_is_passed_over(directory: Directory, query: str) -> None:
    """Unknown parameters and attribute names are ignored; numbers are clamped."""
    kim = await directory.create_user()
    answer = await directory.send("GET", "/Users", query=query)
    assert answer.status == 200
    assert [each["id"] for each in answer.json["Resources"]] == [kim["id"]]
    assert (await directory.send("GET", f"/Users/{kim['id']}", query=query)).status == 200


@pytest.mark.parametrize(
    ("message", "scim_type", "says"),
    [
        ({"filter": 7}, "invalidValue", "filter has to be a text"),
        ({"filter": ["userName pr"]}, "invalidValue", "filter has to be a text"),
        ({"attributes": 7}, "invalidValue", "attributes has to be a list"),
        ({"attributes": ["userName", 7]}, "invalidValue", "attributes has to be a list"),
        ({"excludedAttributes": {"a": 1}}, "invalidValue", "excludedAttributes has to be a list"),
        ({"startIndex": "one"}, "invalidValue", "startIndex"),
        ({"startIndex": True}, "invalidValue", "startIndex"),
        ({"count": 1.5}, "invalidValue", "count"),
        ({"count": []}, "invalidValue", "count"),
        ({"sortBy": 7}, None, "sortBy"),
        ({"sortBy": ["title"]}, None, "sortBy"),
        ({"sortBy": "title", "sortOrder": 7}, "invalidValue", "sortOrder"),
        ({"cursor": 7}, "invalidCursor", "cursor"),
        ({"cursor": "", "count": "x"}, "invalidCount", "count"),
    ],
    ids=str,
)
async def test_a_search_of_wrong_types_is_refused(
    directory: Directory, message: Any, scim_type: str | None, says: str
) -> None:
    """400 names the member of the message."""
    for path in ("/Users/.search", "/Groups/.search"):
        answer = await directory.send("POST", path, message)
        assert answer.status == 400, answer.raw[:500]
        assert says in answer.json["detail"]
        assert scim_type in (None, answer.json["scimType"])


async def test_a_parameter_may_hold_any_text(directory: Directory) -> None:
    """Unicode, quotes and plus signs come through the query as they were meant."""
    for name in (
        "kjærsti@example.com",
        "😀",
        'say "hi"',
        "back\\slash",
        "a+b@x.y",
        "100%",
        "STRASSE",
    ):
        made = await directory.create_user(userName=name)
        text = name.replace("\\", "\\\\").replace('"', '\\"')
        query = "filter=" + quote(f'userName eq "{text}"', safe="")
        answer = await directory.send("GET", "/Users", query=query)
        assert [each["id"] for each in answer.json["Resources"]] == [made["id"]]
