"""What may become of a good request on its way: changes at random, the same for the same chance."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import quote, unquote

from scim.protocol.schema import USER
from tests.fuzz.requests import BADGE, GOOD, Sent

PASSWORD = "canary-Vx93-of-a-password"  # never stands anywhere but where a password belongs
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

ODD_TEXTS = (
    *("", " ", "\0", "\ud800", "\U0001f600", "e\u0301", "ß", "İ", "\u202e", '"', "\\", "\r\n"),
    *("a" * 3000, "[" * 300, "(" * 300, "..", "/", "%00", "null", "True", "bulkId:a", "-1"),
    *("{user}", "{other}", "{group}", "{cursor}", "members", "userName", "emails[type eq"),
    *('emails[type eq "work"]', 'emails[type eq "work"].value', "roles.value", "name.givenName"),
    *("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "$ref", "schemas"),
    *("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User", BADGE, f"{BADGE}:doors"),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "1e400", "id", "meta.version"),
    *("active", "groups", "manager", "value", "type", "primary", "display", "a2lt", "kim"),
)
ODD_NUMBERS = (0, 1, -1, 7, 2**31, 2**63, -(2**63) - 1, 10**25, 10**400, 0.1, -0.0, 1e308)
LETTERS = "abKZ09 .:-_$[]()\"'\\/%&=?{}\t\n\u00e9\u0130\u212a\ud7ff\ufffd\U00010348"
WORDS = (
    *("and", "or", "not", "not (", "(", ")", "[", "]", ".", ":", ",", " ", '"', "eq", "NE", "co"),
    *("sw", "ew", "gt", "ge", "lt", "le", "pr", "true", "false", "null", "1", "-1.5e3", '"work"'),
    *("userName", "emails", "emails.type", "type", "value", "primary", "members", "meta.created"),
    *("groups.value", "active", "manager", "$ref", "name", "x509Certificates", "password"),
    *(f"{BADGE}:weight", f"{BADGE}:zones", f"{BADGE}:pin", '"2026-01-31T08:00:00Z"', '"{user}"'),
)
HEADERS = (
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json; charset=utf-16"},
    {"Content-Encoding": "gzip"},
    {"Content-Encoding": "br"},
    {"If-Match": "*"},
    {"If-Match": 'W/"1"'},
    {"If-Match": '"1", W/"2"'},
    {"If-None-Match": "*"},
    {"Accept": "application/json"},
    {"Authorization": "Bearer x"},
    {"X-Forwarded-Host": "evil.example"},
    {"User-Agent": "x" * 2000},
    {"Prefer": "respond-async"},
)
PARAMETERS = (
    *("filter", "startIndex", "count", "sortBy", "sortOrder", "attributes", "excludedAttributes"),
    *("cursor", "FILTER", "x"),
)
_FILTER_WORDS = re.compile(r'"(?:[^"\\]|\\.)*"|[\w$:.-]+|.', re.DOTALL)

Change = Callable[[Random, Sent], Sent]


def mutated(random: Random) -> Sent:
    """Return a good request, changed in up to three places."""
    sent = fresh(random, replace(random.choice(GOOD), pick=random.randrange(64)))
    for change in random.choices(CHANGES, k=random.choice((0, 1, 1, 1, 2, 3))):
        sent = change(random, sent)
    return with_password(random, sent) if random.random() < 0.2 else sent


def fresh(random: Random, sent: Sent) -> Sent:
    """Give most new resources a name of their own; else nearly all would be refused as taken."""
    body = deepcopy(sent.body)
    if isinstance(body, dict):
        operations = body.get("Operations", [])
        data = [each["data"] for each in operations if isinstance(each, dict) and "data" in each]
        for resource in [body, *data]:
            for name in ("userName", "displayName"):
                if isinstance(resource.get(name), str) and random.random() < 0.7:
                    resource[name] += f" {random.randrange(10**6)}"
    return replace(sent, body=body)


def with_password(random: Random, sent: Sent) -> Sent:
    """Put the password where one belongs, in some shape; after this nothing moves it."""
    if sent.method in ("GET", "HEAD") and sent.body is None:
        term = quote(f'password {random.choice(("eq", "co", "pr or title eq"))} "{PASSWORD}"')
        return replace(sent, query=f"filter={term}")
    if not isinstance(sent.body, dict) or sent.raw is not None:
        return sent
    body = deepcopy(sent.body)
    shapes: tuple[Any, ...] = (PASSWORD, PASSWORD, [PASSWORD], {"value": PASSWORD}, [[PASSWORD]])
    name, shape = random.choice(("password", "PASSWORD", f"{USER}:password")), random.choice(shapes)
    operations = body.get("Operations")
    if isinstance(operations, list) and sent.method == "PATCH":
        op = random.choice(("add", "Replace", "remove"))
        one = ({"op": op, "path": name, "value": shape}, {"op": op, "value": {name: shape}})
        operations.append(random.choice(one))
    elif isinstance(operations, list):
        data = [e["data"] for e in operations if isinstance(e, dict) and _is_resource(e)]
        for each in data:
            each[name] = shape
    else:
        body[name] = shape
    return replace(sent, body=body)


def _is_resource(operation: dict[str, Any]) -> bool:
    data = operation.get("data")
    return isinstance(data, dict) and "Operations" not in data


def text(random: Random) -> str:
    """Return a text that means something here, or is trouble, or is anything."""
    if random.random() < 0.7:
        return random.choice(ODD_TEXTS)
    return "".join(random.choices(LETTERS, k=random.randrange(12)))


def value(random: Random, depth: int = 3) -> Any:
    """Return any JSON."""
    if not depth or random.random() < 0.5:
        plain = (None, True, False, random.choice(ODD_NUMBERS), text(random), text(random))
        return random.choice(plain)
    match random.randrange(4):
        case 0:
            return [value(random, depth - 1) for _ in range(random.randrange(4))]
        case 1:
            return {text(random): value(random, depth - 1) for _ in range(random.randrange(4))}
        case 2:
            return [value(random, depth - 1)] * 2
        case _:
            return deepcopy(_at(random.choice(_ALL_PLACES)))


def _value(random: Random, sent: Sent) -> Sent:
    """Put another value in some place of the body, leave it out, wrap, rename or repeat it."""
    body = deepcopy(sent.body)
    all_places = places(body)
    if not all_places:
        return replace(sent, body=value(random))
    parent, key = random.choice(all_places)
    match random.choice(("value", "value", "none", "list", "object", "name", "case", "again", "")):
        case "value":
            parent[key] = value(random)
        case "none":
            del parent[key]
        case "list":
            parent[key] = [parent[key]]
        case "object":
            parent[key] = {text(random): parent[key]}
        case "name" if isinstance(parent, dict):
            parent[text(random)] = parent.pop(key)
        case "case" if isinstance(parent, dict):
            parent[random.choice((key.upper(), key.lower(), key.title()))] = parent.pop(key)
        case "again" if isinstance(parent, list):
            parent.extend(deepcopy([parent[key]] * random.choice((1, 1, 2, 60))))
        case _ if parent[key] and isinstance(parent[key], list):
            parent[key] = parent[key][0]
        case _:
            parent[key] = None
    return replace(sent, body=body)


def _operations(random: Random, sent: Sent) -> Sent:
    """Put operations in another order, add one from elsewhere, change an op or a path."""
    body = deepcopy(sent.body)
    operations = body.get("Operations") if isinstance(body, dict) else None
    if not isinstance(operations, list) or not operations:
        return _value(random, sent)
    one = random.choice(operations)
    match random.choice(("order", "more", "op", "path")):
        case "order":
            random.shuffle(operations)
        case "more":
            other = random.choice(_PATCHES).body["Operations"]
            operations.insert(random.randrange(len(operations) + 1), deepcopy(random.choice(other)))
        case "op" if isinstance(one, dict):
            one["op"] = random.choice(("add", "Replace", "remove", "REMOVE", "move", text(random)))
        case "path" if isinstance(one, dict):
            one["path"] = random.choice((random.choice(_PATHS), text(random)))
        case _:
            operations.reverse()
    return replace(sent, body=body)


def _words(random: Random, sent: Sent) -> Sent:
    """Move, drop, repeat, replace or add words of a filter or path."""
    body = deepcopy(sent.body)
    written = [
        place
        for place in places(body)
        if isinstance(place[1], str)
        and place[1].lower() in ("filter", "path")
        and isinstance(_at(place), str)
    ]
    if written:
        parent, key = random.choice(written)
        parent[key] = _reworded(random, parent[key])
        return replace(sent, body=body)
    if sent.method in ("GET", "HEAD"):
        before, _, condition = sent.query.partition("filter=")
        condition, _, after = (condition or "userName%20sw%20%22k%22").partition("&")
        changed = quote(_reworded(random, unquote(condition)).encode(errors="replace"), safe='{}"')
        return replace(sent, query=f"{before}filter={changed}" + (f"&{after}" if after else ""))
    return _value(random, sent)


def _reworded(random: Random, condition: str) -> str:
    words = _FILTER_WORDS.findall(condition)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(words) + 1)
        match random.choice(("drop", "again", "move", "replace", "add")):
            case "drop":
                del words[at : at + random.choice((1, 1, 3))]
            case "again":
                words[at:at] = words[at : at + 5] * random.choice((1, 2, 40))
            case "move":
                words.insert(random.randrange(len(words) + 1), words.pop() if words else "")
            case "replace":
                words[at : at + 1] = [random.choice(WORDS)]
            case _:
                words[at:at] = [" ", random.choice((*WORDS, f'"{text(random)}"')), " "]
    return "".join(words)


def _bytes(random: Random, sent: Sent) -> Sent:
    """Cut the body, or put other bytes in some place of it."""
    raw = sent.content() or b""
    start = random.randint(0, len(raw))
    end = random.randint(start, min(start + 8, len(raw)))
    odd = (b"", b"\0", b"\xff", b"{", b'"', b"\xef\xbb\xbf", b"\\ud800", b"[", b"NaN", b"1e999")
    return replace(sent, raw=raw[:start] + random.choice(odd) + raw[end:])


def _packed(random: Random, sent: Sent) -> Sent:
    packed = gzip.compress(sent.content() or b"", mtime=0)
    cut = random.choice((len(packed), len(packed), len(packed) - 3, 5))
    return replace(sent, raw=packed[:cut], headers={**sent.headers, "Content-Encoding": "gzip"})


def _path(random: Random, sent: Sent) -> Sent:
    segment = quote(text(random).encode(errors="replace"), safe="{}") or "%20"
    first = sent.path.rpartition("/")[0]
    ends = ("/", f"/{segment}", "//", f"/{segment}/.search", "/.search")
    paths = [f"{first}/{segment}", sent.path.upper(), *(sent.path + end for end in ends)]
    return replace(sent, path=random.choice(paths))


def _query(random: Random, sent: Sent) -> Sent:
    name = random.choice(PARAMETERS) if random.random() < 0.8 else text(random)
    said = random.choice((text(random), str(random.choice(ODD_NUMBERS))))
    value_ = quote(said.encode(errors="replace"), safe=random.choice(("", "{}()%&=")))
    return replace(sent, query=f"{sent.query}&{quote(name.encode(errors='replace'))}={value_}")


def _query_text(random: Random, sent: Sent) -> Sent:
    """Put another text in some place of the query, or put its parts in another order."""
    parts = sent.query.split("&")
    if random.random() < 0.3:
        random.shuffle(parts)
        return replace(sent, query="&".join(parts))
    query = sent.query or "count=5&startIndex=2"
    start = random.randint(0, len(query))
    end = random.randint(start, len(query))
    return replace(
        sent, query=query[:start] + quote(text(random).encode(errors="replace")) + query[end:]
    )


def _header(random: Random, sent: Sent) -> Sent:
    return replace(sent, headers={**sent.headers, **random.choice(HEADERS)})


def _method(random: Random, sent: Sent) -> Sent:
    return replace(sent, method=random.choice(METHODS))


def _other_body(random: Random, sent: Sent) -> Sent:
    return replace(sent, body=deepcopy(random.choice(GOOD).body))


def places(json: Any) -> list[tuple[Any, Any]]:
    """Return the parent and the key of every value within."""
    if isinstance(json, dict):
        items: list[tuple[Any, Any]] = list(json.items())
    else:
        items = list(enumerate(json)) if isinstance(json, list) else []
    return [(json, key) for key, _ in items] + [
        place for _, each in items for place in places(each)
    ]


def _at(place: tuple[Any, Any]) -> Any:
    parent, key = place
    return parent[key]


_ALL_PLACES = [place for each in GOOD for place in places(each.body)]
_PATCHES = [each for each in GOOD if each.method == "PATCH" and "Operations" in each.body]
_PATHS = [
    operation["path"]
    for each in _PATCHES
    if isinstance(each.body["Operations"], list)
    for operation in each.body["Operations"]
    if "path" in operation
]
CHANGES: list[Change] = [
    *(_value, _value, _value, _value, _operations, _operations, _words, _words, _bytes, _packed),
    *(_path, _query, _query_text, _header, _method, _other_body),
]
