from __future__ import annotations

import json
import shlex

from local.directories import Directory
from local.greeting import for_person, for_program

ORIGIN = "http://127.0.0.1:7071"
NEW = Directory("d1", "demo", f"{ORIGIN}/scim/v2/d1", "rc_token")
OLD = Directory("d2", "old", f"{ORIGIN}/scim/v2/d2", None)


def test_a_program_gets_one_line_of_json() -> None:
    """Origin, management key and directories, with null for a token that was shown before."""
    line = for_program(ORIGIN, "key", [NEW, OLD])
    assert "\n" not in line
    assert json.loads(line) == {
        "origin": ORIGIN,
        "managementKey": "key",
        "directories": [
            {"id": "d1", "name": "demo", "baseUrl": NEW.base_url, "token": "rc_token"},
            {"id": "d2", "name": "old", "baseUrl": OLD.base_url, "token": None},
        ],
    }


def test_a_person_gets_what_to_paste() -> None:
    """Tenant URL, token, management key and a curl command that needs no editing."""
    text = for_person(ORIGIN, "key", [NEW, OLD], "SQLite")
    assert f"Tenant URL      {NEW.base_url}\n" in text
    assert "Secret Token    rc_token\n" in text
    assert "--fresh" in text
    assert "Management key  key\n" in text
    (curl,) = (line for line in text.splitlines() if "curl" in line)
    expected = ["curl", "-H", "Authorization: Bearer rc_token", f"{NEW.base_url}/Users"]
    assert shlex.split(curl) == expected
