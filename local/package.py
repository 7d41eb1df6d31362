"""The package that is deployed, built as `azd deploy` and the platform's remote build do it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from pathspec import GitIgnoreSpec

from local.setup import ROOT, run
from local.stamps import files_below

PACKAGES = Path(".python_packages", "lib", "site-packages")  # where the platform looks for them


def files(root: Path = ROOT) -> Iterator[Path]:
    """Return what is uploaded, relative to the root: all that .funcignore does not name."""
    lines = (root / ".funcignore").read_text("utf-8").splitlines()
    ignored = GitIgnoreSpec.from_lines(lines)
    for folder, folders, names in os.walk(root):
        here = Path(folder).relative_to(root)
        folders[:] = sorted(
            each for each in folders if not ignored.match_file(f"{(here / each).as_posix()}/")
        )
        for name in sorted(names):
            if not ignored.match_file((here / name).as_posix()):
                yield here / name


def build(folder: Path, python: Path) -> int:
    """Make the package, with packages for this very Python; return the bytes that are uploaded.

    Raises SetupFailed.
    """
    for path in files():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / path, target)
    size = sum(path.stat().st_size for path in files_below(folder))
    install(python, folder / PACKAGES, ["-r", str(folder / "requirements.txt")])
    return size


def install(python: Path, target: Path, what: list[str]) -> None:
    """Install packages into a folder of their own; raise SetupFailed."""
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    run([*pip, "--target", str(target), *what], "Check the network, then run the command again.")
