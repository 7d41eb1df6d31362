"""The pages that people read: what they name exists, and the calls that they show are answered."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Final
from urllib.parse import urlsplit

import pytest
from multidict import CIMultiDict

from local import settings_page
from local.setup import ROOT
from scim.settings import Settings
from scim.web.manage.addresses import ROOT as MANAGE
from scim.web.manage.families import FAMILIES
from tests.endpoint import HOST_KEY, Answer, Directory, Endpoint

DOCS: Final = ROOT / "docs"
PAGES: Final = sorted([ROOT / "README.md", *DOCS.glob("*.md")])
ROUTES: Final = {
    "/".join(filter(None, (MANAGE, family, route.path)))
    for family, routes in FAMILIES.items()
    for route in routes
} | {f"{MANAGE}/openapi.json", MANAGE}

LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
FENCED: Final = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE: Final = re.compile(r"`([^`\n]+)`")
CURL: Final = re.compile(r"^curl .*?(?=^curl |^```)", re.MULTILINE | re.DOTALL)
JSON: Final = re.compile(r"^```json\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MACRO: Final = re.compile(r"\{(\$[\w.]+)\}")
PATH: Final = re.compile(r"/manage/v1(?:/[\w${}…-]+(?:\.json)?)*")
NAME: Final = re.compile(r"[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+")
# By page; the README shortens its commands and has none at the beginning of a line.
COMMANDS: Final = {
    page: found for page in PAGES if (found := CURL.findall(page.read_text("utf-8")))
}


def named(page: Path) -> str:
    """Return the path of a page as people know it."""
    return str(page.relative_to(ROOT))


def anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page."""
    return set(map(anchor, HEADING.findall(page.read_text("utf-8"))))


def served(path: str) -> bool:
    """Tell whether a path, with anything in the place of ids, is one of the management API."""
    segments = path.rstrip("/").split("/")
    if segments[-1] == "…":  # the beginning of several
        return any(route.startswith("/".join(segments[:-1])) for route in ROUTES)
    return any(
        len(segments) == len(route.split("/"))
        and all(
            wanted.startswith("{") or wanted == segment
            for wanted, segment in zip(route.split("/"), segments, strict=True)
        )
        for route in ROUTES
    )


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_link_leads_somewhere(page: Path) -> None:
    """A relative link names a file of the repository, and a heading in it if it says so."""
    broken = []
    for target in LINK.findall(FENCED.sub("", page.read_text("utf-8"))):
        if urlsplit(target).scheme:
            continue
        name, _, place = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        if not file.exists() or (place and place not in anchors(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_path_of_the_management_api_is_served(page: Path) -> None:
    """Whoever types a path from a page meets a route."""
    paths = PATH.findall(page.read_text("utf-8"))
    assert [path for path in paths if not served(path)] == []


@pytest.mark.parametrize("page", PAGES, ids=named)
def test_every_setting_named_exists(page: Path) -> None:
    """A name in capitals is a setting of the product, or of the platform in the deployment."""
    infra = "".join(
        each.read_text("utf-8")
        for each in sorted((ROOT / "infra").rglob("*"))
        if each.suffix in {".bicep", ".bicepparam", ".py"}
    )
    known = {name.upper() for name in Settings.model_fields} | set(NAME.findall(infra))
    text = FENCED.sub("", page.read_text("utf-8"))
    names = {name for code in CODE.findall(text) for name in NAME.findall(code)}
    shell = {"TOKEN_ID", "USER_ID", "GROUP_ID", "TOKEN_URL"}  # variables of the commands shown
    assert names - known - shell == set()


def test_the_settings_of_the_product_are_on_their_page() -> None:
    """What the other pages name is described there."""
    page = settings_page.PAGE.read_text("utf-8")
    assert [name for name in Settings.model_fields if f"`{name.upper()}`" not in page] == []


@pytest.mark.parametrize("page", COMMANDS, ids=named)
async def test_every_call_shown_is_answered(
    page: Path, endpoint: Endpoint, directory: Directory
) -> None:
    """The commands of a page, run in their order, do what it says: none is refused."""
    values = await variables(endpoint, directory)
    for command in COMMANDS[page]:
        answer = await run(endpoint, command, values)
        assert 200 <= answer.status < 300, (command, answer.raw)


async def test_the_template_for_onelogin_is_accepted(directory: Directory) -> None:
    """As it stands on the page, with the macros that OneLogin fills: a value each, or none."""
    (template,) = JSON.findall((DOCS / "onelogin.md").read_text("utf-8"))
    values = {"$parameters.scimusername": "kim@example.com", "$user.email": "kim@example.com"}
    filled_in = MACRO.sub(lambda macro: values.get(macro[1], "Kim"), template)
    answer = await directory.send("POST", "/Users", raw=filled_in.encode())
    assert answer.status == 201, answer.raw
    assert answer.json["emails"] == [{"value": "kim@example.com", "type": "work", "primary": True}]
    bare = MACRO.sub(
        lambda macro: "lee" if macro[1] == "$parameters.scimusername" else "", template
    )
    answer = await directory.send("POST", "/Users", raw=bare.encode())
    assert answer.status == 201, answer.raw
    assert answer.json.keys() == {"schemas", "id", "userName", "active", "meta"}


async def variables(endpoint: Endpoint, directory: Directory) -> Mapping[str, str]:
    """Return what stands for the variables of the commands: a directory with one of each."""
    ours = f"/directories/{directory.id}"
    user = await directory.create_user(userName="kim.larsen@example.com")
    await directory.send("POST", "/Users", {"userName": user["userName"]})  # refused: an event
    token = await endpoint.manage("POST", f"{ours}/tokens", {"description": "of a guide"})
    app = await endpoint.manage("POST", f"{ours}/tokens", {"description": "App", "scope": "access"})
    client = await endpoint.manage("POST", f"{ours}/clients", {"description": "of a guide"})
    events = await endpoint.manage("GET", f"{ours}/failed-events")
    return {
        "ROLLCALL": endpoint.origin,
        "KEY": HOST_KEY,
        "DIRECTORY": directory.id,
        "BASE": f"{endpoint.origin}/scim/v2/{directory.id}",
        "TOKEN": token.json["value"],
        "TOKEN_ID": token.json["id"],
        "APP_TOKEN": app.json["value"],
        "TOKEN_URL": f"{endpoint.origin}/oauth/{directory.id}/token",
        "CLIENT": client.json["id"],
        "SECRET": client.json["secret"]["value"],
        "SECRET_ID": client.json["secret"]["id"],
        "USER_ID": user["id"],
        "GROUP_ID": (await directory.create_group("Of a guide"))["id"],
        "EVENT": events.json["items"][0]["id"],
    }


async def run(endpoint: Endpoint, command: str, values: Mapping[str, str]) -> Answer:
    """Send what curl would send."""
    words = shlex.split(command.replace("\\\n", " "))[1:]
    headers: CIMultiDict[str] = CIMultiDict()
    method, url = "", ""
    data: list[str] = []
    options: Iterator[str] = iter(words)
    for word in options:
        match word:
            case "-s":
                pass
            case "-H":
                name, _, value = filled(next(options), values).partition(": ")
                headers[name] = value
            case "-X":
                method = next(options)
            case "-d":
                data.append(filled(next(options), values))
            case _:
                url = filled(word, values)
    assert url.startswith(endpoint.origin), command
    if data:
        headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
    body = "&".join(data).encode() or None
    path = url.removeprefix(endpoint.origin)
    return await endpoint.send(method or ("POST" if data else "GET"), path, body, dict(headers))


def filled(text: str, values: Mapping[str, str]) -> str:
    """Return the text with its variables replaced; a variable that no guide explains fails."""
    return Template(text).substitute(values)
