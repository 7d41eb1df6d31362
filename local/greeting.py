"""What `start` says when it is ready: to a person, or to a program."""

from __future__ import annotations

import json
from collections.abc import Sequence

from local.directories import Directory


def for_program(origin: str, key: str, directories: Sequence[Directory]) -> str:
    """Return one line of JSON."""
    listed = [
        {"id": each.id, "name": each.name, "baseUrl": each.base_url, "token": each.token}
        for each in directories
    ]
    return json.dumps({"origin": origin, "managementKey": key, "directories": listed})


def for_person(origin: str, key: str, directories: Sequence[Directory], store: str) -> str:
    """Return what to paste where, and how to stop."""
    lines = ["", f"Rollcall is ready on {origin} ({store}). Ctrl-C stops it.", ""]
    for each in directories:
        token = each.token or "shown once, when the directory was made; --fresh starts anew"
        lines += [
            f"Directory {each.name}: paste into the identity provider",
            f"  Tenant URL      {each.base_url}",
            f"  Secret Token    {token}",
            "",
        ]
    lines += [
        "Management API: send the key as header x-functions-key",
        f"  Address         {origin}/manage/v1",
        f"  Management key  {key}",
        "",
    ]
    if example := next((each for each in directories if each.token), None):
        bearer = f"Authorization: Bearer {example.token}"
        lines += [
            "Tokens are shown this once. Try one, listing users:",
            f"  curl -H '{bearer}' '{example.base_url}/Users'",
            "",
        ]
    return "\n".join(lines)
