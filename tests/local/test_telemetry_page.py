"""The page of telemetry records, and the records themselves."""

from __future__ import annotations

import logging
from typing import Final

import pytest

from local import telemetry_page
from local.setup import ROOT
from scim.provisioning.telemetry import KINDS, Event, tell

# What a fact may be: an id, a number, or a word of ours; nothing of a person.
FACTS: Final = {
    *("directory", "messageId", "tokenId", "job"),
    *("status", "daysLeft", "count", "minutes", "losing", "having", "deactivated", "active"),
    *("cause", "error", "place"),
}


def test_the_page_of_telemetry_is_current() -> None:
    """It says of every record what the table says; `python3 -m local fix` brings it up to date."""
    assert telemetry_page.PAGE.read_text("utf-8") == telemetry_page.text()


def test_every_record_is_of_the_table() -> None:
    """Each kind is told of somewhere, and nothing is logged beside the table."""
    sources = {path: path.read_text("utf-8") for path in (ROOT / "scim").rglob("*.py")}
    table = ROOT / "scim" / "provisioning" / "telemetry.py"
    others = {path: text for path, text in sources.items() if path != table}
    assert set(KINDS) == set(Event)
    for event in Event:
        assert any(f"Event.{event.name}" in text for text in others.values()), event
    assert [path for path, text in others.items() if "import logging" in text] == []


def test_no_record_holds_a_person() -> None:
    """Facts are ids, numbers and words of ours."""
    assert {fact for kind in KINDS.values() for fact in kind.facts} <= FACTS


def test_a_record_has_its_name_and_facts(caplog: pytest.LogCaptureFixture) -> None:
    """As fields, and in the text for carriers that pass no fields on; exactly those of its kind."""
    caplog.set_level(logging.INFO, "rollcall")
    tell(Event.IDP_SILENT, directory="demo", minutes=121)
    (record,) = caplog.records
    assert (record.levelno, record.name) == (logging.WARNING, "rollcall")
    assert record.getMessage() == "event=idp_silent directory=demo minutes=121"
    assert record.__dict__.items() >= {"event": "idp_silent", "directory": "demo"}.items()
    with pytest.raises(AssertionError):
        tell(Event.IDP_SILENT, directory="demo", userName="kim")
