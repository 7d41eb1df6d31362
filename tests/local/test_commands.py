from __future__ import annotations

from pathlib import Path

import pytest

from local.commands import parse


def test_start_has_the_defaults_of_the_readme() -> None:
    """Without options: port 7071, the folder .local, SQLite, words for a person."""
    options = parse(["start"])
    assert (options.port, options.data, options.store) == (7071, Path(".local"), "sqlite")
    assert (options.fresh, options.json, options.directory) == (False, False, None)


def test_directories_can_be_named_repeatedly() -> None:
    """Each --directory adds a name."""
    assert parse(["start", "--directory", "a", "--directory", "b"]).directory == ["a", "b"]


def test_everything_behind_test_belongs_to_pytest() -> None:
    """Options of pytest need no separator."""
    assert parse(["test", "-k", "x", "tests/local"]).pytest == ["-k", "x", "tests/local"]


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_wrong_port_is_refused(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A port that cannot be is refused with a sentence."""
    with pytest.raises(SystemExit):
        parse(["start", f"--port={port}"])
    assert "--port" in capsys.readouterr().err
