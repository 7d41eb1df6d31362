from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from local.data import Data
from local.setup import SetupFailed


def test_the_host_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The key stays the same over starts, also with --fresh, and only its owner can read it."""
    data = Data(tmp_path / "deep" / "data")
    key = data.open(fresh=False)
    assert len(key) > 40
    assert data.open(fresh=True) == key
    if os.name != "nt":
        assert stat.S_IMODE((data.folder / "host-key").stat().st_mode) == 0o600


def test_fresh_empties_only_our_own_files(tmp_path: Path) -> None:
    """The files of store and vault go, others in the folder stay."""
    ours = ["rollcall.db", "rollcall.db-wal", "rollcall.db-shm", "vault.db", "vault.db-journal"]
    for name in [*ours, "rollcall.db.backup", "notes.txt"]:
        (tmp_path / name).touch()
    Data(tmp_path).open(fresh=False)
    assert (tmp_path / "vault.db").exists()
    Data(tmp_path).open(fresh=True)
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ["host-key", "notes.txt", "rollcall.db.backup"]


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    """A file in place of the folder, or an empty key, is one clear sentence."""
    (tmp_path / "file").touch()
    with pytest.raises(SetupFailed, match=r"Cannot use the data folder .*file.*--data"):
        Data(tmp_path / "file").open(fresh=False)
    (tmp_path / "host-key").touch()
    with pytest.raises(SetupFailed, match="holds no key"):
        Data(tmp_path).open(fresh=False)
