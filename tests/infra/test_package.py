from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from local import package
from local.package_check import _import_seconds
from local.setup import ROOT
from local.worker_check import Different


def test_only_what_runs_is_uploaded() -> None:
    """The package is the product and the three files that the platform reads."""
    ours = [path.as_posix() for path in package.files() if path.parts[0] != "scim"]
    assert ours == ["function_app.py", "host.json", "requirements.txt"]
    assert {path.suffix for path in package.files()} <= {".py", ".json", ".txt", ".html", ".js"}


@pytest.mark.parametrize(
    "left", [".azure/dev/.env", ".venv/bin/python", ".local/vault", "scim/__pycache__/a.pyc"]
)
def test_what_lies_about_stays_at_home(left: str, tmp_path: Path) -> None:
    """Settings of azd, environments, the laptop's store and compiled code are not uploaded."""
    shutil.copy(ROOT / ".funcignore", tmp_path)
    for name in (left, "function_app.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert list(package.files(tmp_path)) == [Path("function_app.py")]


def test_the_tools_of_development_are_out_of_reach(tmp_path: Path) -> None:
    """Where the package is started, nothing is found that it did not bring."""
    assert _import_seconds(sys.executable, tmp_path, "import json") < 60
    with pytest.raises(Different, match="No module named 'pytest'"):
        _import_seconds(sys.executable, tmp_path, "import pytest")
