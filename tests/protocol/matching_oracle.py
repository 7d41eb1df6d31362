"""Users and filters as we match them and as scim2-models does."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from scim2_models import EnterpriseUser, ScimFilter, User
from scim2_models.exceptions import SCIMException

from scim.protocol.errors import InvalidFilter
from scim.protocol.filter_parser import parse_filter
from scim.protocol.matching import matcher
from scim.protocol.schema import ENTERPRISE_USER, USER, Resource, user_type

TheirUser = User[EnterpriseUser]
MATCH, MISS, REFUSED = "match", "miss", "refused"

# Resources and filters on which both have to agree; each departure has its own test below.

_TEXTS = ["kim", "KIM", "Kim Lee", "lee", "é", "e\u0301", "É", "work", "home", "Z", "a"]
_MAILS = ["kim@example.com", "KIM@example.com", "lee@example.org"]
_TIMES = ["2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-01-31T12:00:00.5Z"]
_text = st.sampled_from(_TEXTS)
_exact = st.sampled_from(["kim", "KIM", "é"])


def _some(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Resource]:
    return st.fixed_dictionaries({}, optional=members).filter(bool)


def _entry(value: st.SearchStrategy[str]) -> st.SearchStrategy[Resource]:
    return _some(value=value, type=_text, primary=st.booleans(), display=_text)


users: st.SearchStrategy[Resource] = st.fixed_dictionaries(
    {"schemas": st.just([USER, ENTERPRISE_USER]), "userName": _text},
    optional={
        "id": _exact,
        "externalId": _exact,
        "title": _text,
        "active": st.booleans(),
        "name": _some(givenName=_text, familyName=_text),
        "emails": st.lists(_entry(st.sampled_from(_MAILS)), max_size=3),
        "roles": st.lists(_entry(_text), max_size=2),
        "addresses": st.lists(_some(formatted=_text, country=_text), max_size=2),
        "x509Certificates": st.lists(_some(value=st.just("a2lt")), max_size=1),
        "meta": _some(created=st.sampled_from(_TIMES)),
        ENTERPRISE_USER: _some(department=_text, manager=_some(displayName=_text)),
    },
)


def _comparisons(names: list[str], operators: str, literals: list[str]) -> st.SearchStrategy[str]:
    return st.builds(
        "{} {} {}".format,
        st.sampled_from(names),
        st.sampled_from(operators.split()),
        st.sampled_from(literals),
    )


def _quoted(texts: list[str]) -> list[str]:
    return [f'"{each}"' for each in texts]


_ALL, _FRAGMENT = "eq ne co sw ew gt ge lt le", "co sw ew"
_TYPED_WITHIN = [
    _comparisons(["type", "display"], _ALL, _quoted([*_TEXTS, ""])),
    _comparisons(["primary", "PRIMARY"], "eq ne", ["true", "False"]),
    _comparisons(["primary"], "gt co", ["true"]),
    _comparisons(["value"], _FRAGMENT, _quoted(["kim", "EXAMPLE", "@"])),
    _comparisons(["type", "nope"], "pr eq ne", ["null"]).map(
        lambda text: text.replace("pr null", "pr")
    ),
]
_TYPED = [
    _comparisons(
        [
            *("userName", "USERNAME", f"{USER}:userName", "title"),
            *("name.givenName", "emails.type", "roles", "roles.value", "addresses.country"),
            *(f"{ENTERPRISE_USER}:department", f"{ENTERPRISE_USER}:manager.displayName"),
        ],
        _ALL,
        _quoted([*_TEXTS, ""]),
    ),
    _comparisons(["id", "externalId"], _ALL, _quoted(["kim", "KIM", "é", ""])),
    _comparisons(["emails", "emails.value"], _ALL, _quoted(_MAILS)),
    _comparisons(["emails", "emails.value"], _FRAGMENT, _quoted(["kim", "EXAMPLE"])),
    _comparisons(["active", "emails.primary"], "eq ne gt co", ["true", "FALSE"]),
    _comparisons(["meta.created"], "eq ne gt ge lt le", _quoted([*_TIMES, "yesterday"])),
    _comparisons(["x509Certificates", "x509Certificates.value"], "eq ne gt sw", ['"a2lt"']),
    _comparisons(["title", "active", "meta.created", "name.givenName"], "eq ne", ["null"]),
    st.builds(
        "{} pr".format,
        st.sampled_from(
            [
                *("title", "active", "name", "name.givenName", "emails", "emails.primary"),
                *("addresses", "meta", "schemas", "groups", "nope", "emails.nope"),
                f"{ENTERPRISE_USER}:manager",
            ]
        ),
    ),
]


def _combined(leaves: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds("({}) and {}".format, inner, inner)
            | st.builds("{} or {}".format, inner, inner)
            | st.builds("not ({})".format, inner)
        ),
        max_leaves=4,
    )


conditions: st.SearchStrategy[str] = _combined(
    st.one_of(
        *_TYPED,
        st.builds(
            "{}[{}]".format,
            st.sampled_from(["emails", "roles", "title"]),
            _combined(st.one_of(*_TYPED_WITHIN)),
        ),
    )
)


def our_answer(text: str, user: Resource) -> str:
    """Return whether our filter finds the user, or refuses."""
    try:
        return MATCH if matcher(parse_filter(text), user_type())(user) else MISS
    except InvalidFilter:
        return REFUSED


def their_answer(text: str, user: Resource) -> str:
    """Do with scim2-models what `our_answer` does with our code."""
    try:
        condition = ScimFilter[TheirUser](text)
        condition._validate_semantics(strict=True)  # as its SearchRequest does
    except SCIMException:
        return REFUSED
    return MATCH if condition.match(TheirUser.model_validate(user)) else MISS


def compare(user: Resource, text: str) -> None:
    """Check that both find the user, both miss it, or both refuse the filter."""
    assert our_answer(text, user) == their_answer(text, user)
