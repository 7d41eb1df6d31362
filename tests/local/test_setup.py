from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from local.setup import ROOT, Environment, SetupFailed, run


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    """Describe an environment that needs no packages, so that making it needs no network."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("# none\n")
    return Environment(tmp_path / "env", (requirements,))


def test_an_environment_is_made_once(
    environment: Environment, capfd: pytest.CaptureFixture[str]
) -> None:
    """The second call finds it current and does nothing, and standard output stays empty."""
    assert not environment.is_current()
    environment.prepare(sys.executable)
    assert environment.is_current()
    first = capfd.readouterr()
    assert "Installing packages" in first.err
    environment.prepare("/no/such/python")
    second = capfd.readouterr()
    assert (first.out, second.out, second.err) == ("", "", "")


def test_a_change_of_the_requirements_is_noticed(environment: Environment) -> None:
    """Other requirements than those installed make the environment out of date."""
    environment.python.parent.mkdir(parents=True)
    environment.python.touch()
    (environment.folder / "requirements.sha256").write_text(environment.digest())
    assert environment.is_current()
    environment.requirements[0].write_text("# other\n")
    assert not environment.is_current()


def test_an_environment_without_its_interpreter_is_not_current(environment: Environment) -> None:
    """When the Python it was made with is gone, the stamp alone does not count."""
    environment.folder.mkdir()
    (environment.folder / "requirements.sha256").write_text(environment.digest())
    assert not environment.is_current()


def test_a_tool_that_fails_is_named_with_a_hint() -> None:
    """The error says which command failed and what to do."""
    with pytest.raises(SetupFailed, match=r"-c raise SystemExit\(3\)\nCheck"):
        run([sys.executable, "-c", "raise SystemExit(3)"], "Check the network.")
    with pytest.raises(SetupFailed, match="no-such-tool"):
        run(["no-such-tool"], "Install it.")


def test_only_the_lines_asked_for_are_shown(capfd: pytest.CaptureFixture[str]) -> None:
    """Of what a tool prints, the lines with the given beginning go to standard error."""
    run([sys.executable, "-c", "print('Collecting a'); print('noise')"], "", show="Collecting")
    assert capfd.readouterr() == ("", "  Collecting a\n")


def test_nothing_but_the_standard_library_is_needed_before_the_environment() -> None:
    """The command line and the set-up work on a bare Python, without any package."""
    code = (
        f"import sys; sys.path.append({str(ROOT)!r}); import local.commands as c; c.parse(['fix'])"
    )
    bare = subprocess.run(  # noqa: S603 - our own code, in an interpreter without site-packages
        [sys.executable, "-I", "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (bare.returncode, bare.stderr) == (0, "")
