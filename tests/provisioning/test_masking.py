"""Bodies and texts as they are kept: no secret is left, what helps an admin is."""

from __future__ import annotations

from time import process_time
from typing import Any

import pytest

from scim.protocol.schema import group_type, read_schema, user_type
from scim.provisioning.masking import TEXT_LENGTH, Masking, mask_text

SECRET = "Hunter2-Tunnel!"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJraW0ifQ.c2lnbmF0dXJl"
TOKEN = "rc_0123456789abcdef_3q2u7ZkXw9pLr8sTd1vYb5nMc4hJ"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n-----END PRIVATE KEY-----"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
CORE = "urn:ietf:params:scim:schemas:core:2.0:User"


def patch(**operation: Any) -> dict[str, Any]:
    """Return a PatchOp message."""
    return {"Operations": [{"op": "replace", **operation}]}


BODIES: dict[str, Any] = {
    "password": {"userName": "kim", "password": SECRET},
    "in capitals": {"PassWord": SECRET},
    "as a number": {"password": 31337001},
    "in an object": {"password": {"value": SECRET}},
    "in a list": {"password": [SECRET, {"value": [SECRET]}]},
    "qualified": {f"{CORE}:password": SECRET},
    "unknown attribute": {"initialCode": SECRET},
    "unknown extension": {"urn:example:hr:2.0:User": {"code": SECRET}},
    "unknown in an extension": {ENTERPRISE: {"badgeCode": SECRET}},
    "unknown sub-attribute": {"name": {"nick": SECRET}},
    "certificate": {"x509Certificates": [{"value": SECRET}]},
    "path": patch(path="password", value=SECRET),
    "path in capitals": {"operations": [{"OP": "add", "PATH": "PASSWORD", "VALUE": SECRET}]},
    "qualified path": patch(path=f"{CORE}:password", value=SECRET),
    "path of an unknown": patch(path="initialCode", value=SECRET),
    "path into an unknown": patch(path="name.pin", value={"value": SECRET}),
    "no path": patch(value={"password": SECRET}),
    "no path, dotted": patch(value={"password.value": SECRET}),
    "no path, filtered": patch(value={'x509Certificates[type eq "a"].value': SECRET}),
    "filter on it": patch(path=f'password eq "{SECRET}"', value="x"),
    "filter in the path": patch(path=f'emails[secret eq "{SECRET}"].value', value="x"),
    "filter in a name": {f'emails[secret eq "{SECRET}"].value': "x"},
    "path that is no text": patch(path=[SECRET], value=SECRET),
    "search": {"filter": f'password eq "{SECRET}"'},
    "bulk": {"Operations": [{"method": "POST", "path": "/Users", "data": {"password": SECRET}}]},
    "our token": {"displayName": TOKEN},
    "token in a text": {"displayName": f"see {TOKEN} there"},
    "JWT": {"displayName": JWT},
    "header": {"title": f"Authorization: Bearer {SECRET}"},
    "bearer": {"title": f"Bearer {SECRET}"},
    "basic": {"title": f"Basic {SECRET}"},
    "PEM": {"title": KEY},
    "address": {"profileUrl": f"https://kim:{SECRET}@example.com/"},
    "name and value": {"title": f"password={SECRET}"},
    "JSON in a text": {"title": f'{{"clientSecret": "{SECRET}"}}'},
    "mixed text": {"title": "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0dF3hJ6kM9n"},
}
PARTS = (
    SECRET,
    "31337001",
    "3q2u7ZkXw9pLr8sTd1vYb5nMc4hJ",
    "eyJzdWIiOiJraW0ifQ",
    "MIIEvQ",
    "aB3dE6gH9jK2mN5pQ8",
)


@pytest.fixture(scope="module")
def masking() -> Masking:
    """Mask bodies about users and groups."""
    return Masking([user_type(), group_type()])


@pytest.mark.parametrize("case", BODIES)
def test_no_secret_is_left(masking: Masking, case: str) -> None:
    """Whatever shape it comes in, a secret is not in what is kept, nor in the repr of it."""
    masked = masking.body(BODIES[case])
    for part in PARTS:
        assert part not in masked.text
        assert part not in repr(masked)


@pytest.mark.parametrize("hidden", [{"returned": "never"}, {"mutability": "writeOnly"}])
def test_what_nobody_may_read_is_masked(hidden: dict[str, str]) -> None:
    """An attribute of a declared schema that is never shown is not kept either."""
    attribute = {
        "name": "doorCode",
        "type": "string",
        "multiValued": False,
        "required": False,
        "mutability": "readWrite",
        "returned": "default",
    }
    urn = "urn:example:2.0:Badge"
    for each, kept in ((attribute, True), (attribute | hidden, False)):
        schema = read_schema({"id": urn, "name": "Badge", "attributes": [each]})
        masked = Masking([user_type(schema)]).body({urn: {"doorCode": "4711"}})
        assert ("4711" in masked.text) is kept


def test_what_helps_is_left(masking: Masking) -> None:
    """Names, paths and the values of known attributes stay as they were sent."""
    body = {
        "schemas": [CORE],
        "userName": "kim@example.com",
        "active": "False",
        "emails": [{"value": "kim@example.com", "type": "work", "primary": True}],
        ENTERPRISE: {"department": "Tunnels", "manager": {"value": "7"}},
        "hatSize": "L",
    }
    expected = (
        f'{{"schemas":["{CORE}"],"userName":"kim@example.com","active":"False",'
        '"emails":[{"value":"kim@example.com","type":"work","primary":true}],'
        f'"{ENTERPRISE}":{{"department":"Tunnels","manager":{{"value":"7"}}}},"hatSize":"***"}}'
    )
    assert masking.body(body).text == expected
    message = patch(path='emails[type eq "work"].value', value="k@example.com")
    assert masking.body(message).text == (
        '{"Operations":[{"op":"replace","path":"emails[type eq \\"work\\"].value",'
        '"value":"k@example.com"}]}'
    )


def test_what_was_masked_is_masked_elsewhere(masking: Masking) -> None:
    """A detail that quotes a masked value is masked by it."""
    masked = masking.body({"password": SECRET, "hatSize": 31337001})
    told = mask_text(f"password: {SECRET!r} is no number, hatSize is 31337001", masked.secrets)
    assert SECRET not in told
    assert "31337001" not in told


@pytest.mark.parametrize(
    "body",
    [
        {"members": [{"value": str(number)} for number in range(100_000)]},
        {"displayName": "aA1" * 1_000_000},
        {"emails": [[[[[[[[[[[[["kim"]]]]]]]]]]]]]},
        {str(number): {str(each): "x" for each in range(100)} for number in range(1_000)},
        {"emails": [[[[["kim"] * 20] * 20] * 20] * 20]},
    ],
    ids=["members", "text", "depth", "names", "breadth"],
)
def test_what_is_kept_is_bounded(masking: Masking, body: Any) -> None:
    """However large a body is, little is kept and remembered of it."""
    masked = masking.body(body)
    assert len(masked.text) <= TEXT_LENGTH + 1
    assert len(masked.secrets) <= 1000
    assert "…" in masked.text


@pytest.mark.parametrize("word", ["token", "private_", "a", "pin", "aA1", "rc_", "eyJ", "://"])
def test_nobody_chooses_how_long_masking_takes(word: str) -> None:
    """A text made for it is searched in some milliseconds, as any other is."""
    text = (word * 1000)[:1000]
    began = process_time()
    mask_text(text)
    assert process_time() - began < 0.05


def test_an_empty_text_is_no_secret(masking: Masking) -> None:
    """An unknown attribute without a value leaves a detail as it was."""
    masked = masking.body({"hatSize": "", "password": [""]})
    assert mask_text("userName: is required", masked.secrets) == "userName: is required"


def test_nothing_is_kept_of_no_body(masking: Masking) -> None:
    """A call without a body leaves no text."""
    assert masking.body(None).text == ""
