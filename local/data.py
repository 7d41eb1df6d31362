"""The folder in which `start` keeps its state between runs."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from local.setup import SetupFailed

SQLITE_FILES = ("", "-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Data:
    """Our files in a folder that may hold others too."""

    folder: Path

    @property
    def store(self) -> Path:
        """Return the file of the SQLite engine."""
        return self.folder / "rollcall.db"

    @property
    def vault(self) -> Path:
        """Return the file of the local vault."""
        return self.folder / "vault.db"

    def open(self, *, fresh: bool) -> str:
        """Make the folder, empty the store if asked, and return the host key; SetupFailed."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            if fresh:
                self._empty()
            return self._host_key()
        except OSError as error:
            raise SetupFailed(
                f"Cannot use the data folder {self.folder} ({error.strerror}); "
                "choose another with --data."
            ) from error

    def _empty(self) -> None:
        for file in (self.store, self.vault):
            for suffix in SQLITE_FILES:
                file.with_name(file.name + suffix).unlink(missing_ok=True)

    def _host_key(self) -> str:
        """Return the key of this installation, made on the first run; it outlives `--fresh`."""
        file = self.folder / "host-key"
        try:
            opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if key := file.read_text("ascii", errors="replace").strip():
                return key
            raise SetupFailed(f"The file {file} holds no key; delete it.") from None
        with os.fdopen(opened, "w", encoding="ascii") as stream:
            key = secrets.token_urlsafe(32)
            stream.write(key)
        return key
