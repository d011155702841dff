# SPDX-License-Identifier: Apache-2.0
"""A secret's file is whole, private and not replaced by accident, also where a process dies while it writes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import SecretBytes

from protocols.errors import KeyfileDamaged, KeyfileExists, KeyfileMissing, WalletError
from subnet.wallet import list_wallets
from subnet.wallet.files import read_private, write_private

# The kernel ends the process at the first byte beyond the limit: in the middle of the write, without a last word.
DIE = """
import resource, signal, sys
from pathlib import Path
from pydantic import SecretBytes
from subnet.wallet.files import write_private
path, at = Path(sys.argv[1]), int(sys.argv[2])
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
resource.setrlimit(resource.RLIMIT_FSIZE, (at, at))
write_private(path, SecretBytes(b"new" * 10000), overwrite=True)
"""


def mode(path: Path) -> int:
    """Who may do what with it."""
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "w" / "key", SecretBytes(b"x"))
    finally:
        os.umask(before)
    assert mode(tmp_path / "w" / "key") == 0o600
    assert mode(tmp_path / "w") == 0o700
    assert read_private(tmp_path / "w" / "key").get_secret_value() == b"x"


def test_what_is_there_is_kept_unless_told_otherwise(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_private(path, SecretBytes(b"old"))
    with pytest.raises(KeyfileExists):
        write_private(path, SecretBytes(b"new"))
    assert path.read_bytes() == b"old"
    write_private(path, SecretBytes(b"new"), overwrite=True)
    assert path.read_bytes() == b"new"
    assert [file.name for file in tmp_path.iterdir()] == ["key"]


def test_a_process_killed_in_the_middle_of_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "w" / "hotkeys" / "default"
    write_private(path, SecretBytes(b"old"))
    died = subprocess.run([sys.executable, "-c", DIE, str(path), "100"], check=False, timeout=30)
    assert died.returncode == -signal.SIGXFSZ
    assert path.read_bytes() == b"old"
    left = [file for file in path.parent.iterdir() if file != path]
    assert [(mode(file), file.stat().st_size) for file in left] == [(0o600, 100)]
    assert list(list_wallets(tmp_path)[0].hotkeys) == ["default"]


def test_a_disk_that_is_full_is_an_error_and_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "w" / "key"
    # Python itself ignores the signal, so that the write fails as on a full disk.
    full = DIE.replace("SIG_DFL", "SIG_IGN")
    failed = subprocess.run(
        [sys.executable, "-c", full, str(path), "0"], check=False, capture_output=True, text=True, timeout=30
    )
    assert "WalletError" in failed.stderr
    assert "cannot be written: File too large" in failed.stderr
    assert not list((tmp_path / "w").iterdir())


def test_what_cannot_be_read_or_written_says_why(tmp_path: Path) -> None:
    with pytest.raises(KeyfileMissing):
        read_private(tmp_path / "none" / "key")
    with pytest.raises(KeyfileDamaged, match="is a folder"):
        read_private(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(WalletError, match="cannot be written: File exists") as found:
        write_private(tmp_path / "file" / "key", SecretBytes(b"x"))
    assert not isinstance(found.value, KeyfileExists)
