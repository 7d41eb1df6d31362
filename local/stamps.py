"""Remembers that a slow check has passed, until something that it looks at changes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local.setup import ROOT


@dataclass(frozen=True)
class Stamp:
    """What a check said of the files named when it last passed."""

    name: str
    files: tuple[Path, ...]
    folder: Path = ROOT / ".local" / "passed"

    def report(self) -> str | None:
        """Return what was said, if nothing has changed since."""
        try:
            digest, _, report = self._path.read_text("utf-8").partition("\n")
        except FileNotFoundError:
            return None
        return report if digest == self._digest() else None

    def keep(self, report: str) -> None:
        """Remember that the check has passed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._path.write_text(f"{self._digest()}\n{report}", "utf-8")

    @property
    def _path(self) -> Path:
        return self.folder / self.name

    def _digest(self) -> str:
        whole = hashlib.sha256()
        for path in sorted(self.files):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            whole.update(f"{path.relative_to(path.anchor)}\0{content}\0".encode())
        return whole.hexdigest()


def files_below(*folders: Path) -> Iterable[Path]:
    """Return all files in these folders, less what Python leaves behind."""
    return (
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
