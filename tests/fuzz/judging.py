"""What holds for every answer, and for what is stored."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from scim.protocol.errors import ERROR_SCHEMA
from scim.protocol.resource import read_resource, with_schemas
from scim.protocol.schema import Resource, ResourceType
from scim.provisioning import rows
from scim.provisioning.scans import scan_rows
from scim.provisioning.stored_groups import groups_between
from scim.provisioning.stored_users import users_between
from scim.provisioning.upkeep.checker import check
from tests.endpoint import Answer, Directory
from tests.fuzz.mutations import PASSWORD
from tests.fuzz.requests import Sent

SLOW = 2.0  # seconds; a request of some kilobytes in a directory of some hundred users
DETAIL = 1500  # characters; an error repeats a part of the request at most


@dataclass(frozen=True, slots=True)
class Finding:
    """What should not be: `kind` tells whether two are the same, `said` is for the reader."""

    kind: str
    said: str


def secrets_of(directory: Directory) -> tuple[str, ...]:
    """Return what must never be seen: the password, the token, its secret and its digest."""
    token = directory.token
    digest = hashlib.sha256(token.encode()).hexdigest()
    return PASSWORD, token, token.rpartition("_")[2], digest


def judge(sent: Sent, answer: Answer, seconds: float, secrets: Sequence[str]) -> Finding | None:
    """Return what is wrong with an answer."""
    seen = answer.raw.decode(errors="replace") + str(answer.headers)
    wrong = None
    if any(secret in seen for secret in secrets):
        wrong = "secret in an answer"
    elif answer.status >= 500 and answer.status != 501:
        wrong = f"status {answer.status}"
    elif seconds > SLOW:
        wrong = "slow"
    elif sent.method == "HEAD" or answer.status in (204, 304):
        wrong = "body where none may be" if answer.raw else None
    elif not _is_right(sent, answer):
        wrong = "no SCIM error" if answer.status >= 400 else "no SCIM message"
    return Finding(wrong, f"{answer.status} after {seconds:.1f} s: {seen[:500]}") if wrong else None


def _is_right(sent: Sent, answer: Answer) -> bool:
    if answer.status == 400 and not answer.raw:
        return "%00" in sent.path  # the host's own answer
    try:
        body = answer.json
    except ValueError:
        return False
    return _is_error(body, answer.status) if answer.status >= 400 else _is_message(body)


def _is_message(body: Any) -> bool:
    if not isinstance(body, dict) or not body.get("schemas") or "password" in body:
        return False
    if "totalResults" not in body:
        return True
    shown = body.get("Resources", [])
    return len(shown) == body["itemsPerPage"] and all(map(_is_message, shown))


def _is_error(body: Any, status: int) -> bool:
    return (
        isinstance(body, dict)
        and body.get("schemas") == [ERROR_SCHEMA]
        and body.get("status") == str(status)
        and 0 < len(body.get("detail", "")) < DETAIL
    )


async def judge_state(directory: Directory) -> Finding | None:
    """Return what is wrong with what a directory stores."""
    services, partition = directory.endpoint.services, rows.partition(directory.id)
    storage = services.storage
    first, last = rows.user_range("", "")
    async for user in users_between(storage, partition, first, last):
        if wrong := _unlike_schema(user.resource, services.users.kind):
            return wrong
    first, last = rows.group_range("", "")
    async for group in groups_between(storage, partition, first, last):
        if wrong := _unlike_schema(group.resource, services.groups.kind):
            return wrong
    async for row in scan_rows(storage, partition, "", "~"):
        if PASSWORD in str(row.values):
            return Finding("password stored", row.key)
    problems = await check(storage, partition, services.now())
    return Finding("check", str(problems[:5])) if problems else None


def _unlike_schema(stored: Resource, kind: ResourceType) -> Finding | None:
    content = {name: each for name, each in stored.items() if name not in ("schemas", "id", "meta")}
    ignored: list[str] = []
    try:
        read = read_resource(content, kind, ignored)
    except Exception as error:  # noqa: BLE001 - whatever the reader says of what is stored
        return Finding("stored state", f"{error!r} in {stored}")
    if read != content or ignored or with_schemas(stored, kind) != stored:
        return Finding("stored state", f"reads as {read}, ignores {ignored}, in {stored}")
    return None


class Log(logging.Handler):
    """Sees every log record: remembers the last defect, and who told a secret."""

    def __init__(self) -> None:
        super().__init__()
        self.secrets: set[str] = set()
        self.defect = ""
        self.leaked = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Look through the record with everything that hangs on it."""
        if getattr(record, "event", "") == "defect":
            self.defect = record.getMessage()
        said = f"{record.getMessage()} {record.__dict__}"
        if any(secret in said for secret in self.secrets):
            self.leaked = f"{record.name}: {record.msg}"
