from __future__ import annotations

from pathlib import Path

from local.stamps import Stamp


def test_a_check_is_remembered_until_a_file_changes(tmp_path: Path) -> None:
    """Its report comes back for the same files with the same contents, and for no others."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.write_text("1")
    two.write_text("2")
    stamp = Stamp("check", (one, two), tmp_path / "passed")
    assert stamp.report() is None
    stamp.keep("2 lines\nwere fine")
    assert stamp.report() == "2 lines\nwere fine"
    assert Stamp("check", (two, one), tmp_path / "passed").report() == "2 lines\nwere fine"
    assert Stamp("check", (one,), tmp_path / "passed").report() is None
    two.write_text("3")
    assert stamp.report() is None
