from __future__ import annotations

import pytest

from local.functions import HttpFunction, Refused
from local.routes import Routes, Template, decode

GUID = "0198a8bd-5f0e-7c7e-8a57-0d2cfa0c1a11"


@pytest.mark.parametrize(
    ("template", "path", "expected"),
    [
        ("scim/v2/{directory}/Users/{id?}", "/scim/v2/d1/Users", {"directory": "d1"}),
        ("scim/v2/{d}/Users/{id?}", "/scim/v2/d1/Users/7", {"d": "d1", "id": "7"}),
        ("scim/v2/{d}/Users/{id?}", "/scim/v2/d1/Users/7/x", None),
        ("scim/v2/{d}/Users", "/SCIM/V2/D1/users", {"d": "D1"}),
        ("scim/v2/{d}/Users", "/scim/v2/d1/Users/", {"d": "d1"}),
        ("scim/v2/{d}/Users", "/scim/v2/d1/Users//", None),
        ("scim/v2/{d}/Users", "/scim/v2//Users", None),
        ("scim/v2/{d}/Users", "/scim/v2/d1//Users", None),
        ("scim/v2/{d}/Users", "/scim/v2/d1", None),
        ("scim/v2/{*rest}", "/scim/v2/d1//Users/", {"rest": "d1//Users/"}),
        ("scim/v2/{*rest}", "/scim/v2//Users", {"rest": "/Users"}),
        ("scim/v2/{*rest}", "/scim/v2", {}),
        ("scim/v2/{*rest}", "/scim/v2/", {}),
        ("a/{id}", "/a/x%2Fy", {"id": "x%2Fy"}),
        ("a/{id}", "/a/%C3%98%20%40+", {"id": "Ø @+"}),
        ("a/{id}", "/a/%252F", {"id": "%2F"}),
        ("a/{n:int}", "/a/12", {"n": "12"}),
        ("a/{n:int}", "/a/x", None),
        ("a/{n:regex(^x.y$)}", "/a/xzy", {"n": "xzy"}),
        ("a/{n:regex(^x.y$)}", "/a/xzzy", None),
        ("a/{n:regex(x?)}/b", "/a//b", None),
        ("a/{g:guid?}", "/a", {}),
        ("a/{g:guid}", f"/a/{GUID}", {"g": GUID}),
        ("", "/", {}),
        ("", "/a", None),
    ],
)  # fmt: skip
def test_templates_match_as_in_asp_net(
    template: str, path: str, expected: dict[str, str] | None
) -> None:
    """A template gives the values of its parameters, or None for a path it does not match."""
    assert Template.parse(template).match(path) == expected


@pytest.mark.parametrize("route", ["{id?}/x", "{*r}/x", "a//b", "a{x}", "{x=1}", "{n:odd}"])
def test_templates_that_are_not_understood_are_refused(route: str) -> None:
    """A template with syntax that is not imitated fails when the host starts, not later."""
    with pytest.raises(Refused):
        Template.parse(route)


def test_what_is_not_utf_8_stays_encoded() -> None:
    """A percent-encoding that is no text reaches the function as it was sent."""
    assert decode("/%FF/%41") == "/%FF/A"


def function(name: str, route: str, *methods: str) -> HttpFunction:
    """Return a function that anyone may call."""
    return HttpFunction(name, "req", route, frozenset(methods), anonymous=True)


def found(routes: Routes, method: str, path: str) -> str | None:
    """Return the name of the function that answers."""
    match = routes.find(method, path)
    return match[0].name if match else None


def test_functions_are_asked_in_the_order_of_their_names() -> None:
    """The first name that matches answers, whatever its case, not the most specific route."""
    routes = Routes([function("Users", "u/search"), function("items", "u/{id}")], "")
    assert found(routes, "GET", "/u/search") == "items"


def test_a_method_that_is_not_declared_falls_through() -> None:
    """A later function answers a method that an earlier one does not declare."""
    routes = Routes([function("a", "u/{id}", "GET"), function("b", "u/{*r}", "PUT")], "")
    assert found(routes, "PUT", "/u/1") == "b"
    assert found(routes, "HEAD", "/u/1") is None


def test_the_prefix_stands_before_every_route() -> None:
    """With a route prefix, a route is reached behind it alone."""
    routes = Routes([function("a", "u")], "api")
    assert found(routes, "GET", "/api/u") == "a"
    assert found(routes, "GET", "/u") is None


def test_two_functions_may_not_share_route_and_method() -> None:
    """Equal routes are allowed with different methods only."""
    Routes([function("a", "u", "GET"), function("b", "U", "PUT")], "")
    with pytest.raises(Refused, match="share the route"):
        Routes([function("a", "u", "GET"), function("b", "U")], "")
