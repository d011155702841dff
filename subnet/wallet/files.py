# SPDX-License-Identifier: Apache-2.0
"""Small files that hold secrets: read only if they are their owner's alone, written whole or not at all.

A key is the one thing here that nobody can make again, so a crash in the middle of writing must leave the old file as
it was, and no write may replace a key that its caller did not mean to replace, not even one made a moment ago.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import SecretBytes

from protocols.errors import KeyfileDamaged, KeyfileExists, KeyfileExposed, KeyfileMissing, WalletError

__all__ = ["MARK", "read_private", "read_public", "write_private"]

# What the official tools pass over when they list hotkeys, so that what a crash leaves behind is no hotkey to them.
MARK: Final = ".lock"
_LARGEST: Final = 64 << 10
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def read_private(path: Path) -> SecretBytes:
    """Return what a secret's file holds; refuses one that others on this machine can read or change."""
    return _read(path, _refuse_exposed)


def read_public(path: Path) -> SecretBytes:
    """Return what a file holds that others may read."""
    return _read(path, lambda _path, _mode: None)


def write_private(path: Path, data: SecretBytes, *, overwrite: bool = False) -> None:
    """Write a secret's file, for its owner only; after a crash there is the old file or the new one, never a part."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Made with mode 0600 whatever the umask; its name is nobody's yet.
        file, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=MARK, dir=path.parent)
        try:
            with os.fdopen(file, "wb") as opened:
                opened.write(data.get_secret_value())
                opened.flush()
                os.fsync(opened.fileno())
            _place(Path(name), path, overwrite=overwrite)
        finally:
            Path(name).unlink(missing_ok=True)
        _settle(path.parent)
    except OSError as error:
        raise WalletError(f"{path} cannot be written: {error.strerror}", help=_room(path)) from None


def _read(path: Path, check: Callable[[Path, int], None]) -> SecretBytes:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        raise KeyfileMissing(f"there is no {path}") from None
    except OSError as error:
        raise WalletError(f"{path} cannot be read: {error.strerror}", help=f"see whose it is: ls -l {path}") from None
    try:
        mode = os.fstat(file).st_mode
        if stat.S_ISDIR(mode):
            raise KeyfileDamaged(f"{path} is a folder, expected a file")
        check(path, mode)
        with os.fdopen(file, "rb", closefd=False) as opened:
            data = SecretBytes(opened.read(_LARGEST + 1))
    finally:
        os.close(file)
    if len(data) > _LARGEST:
        raise KeyfileDamaged(f"{path} is larger than {_LARGEST} bytes, which no keyfile is")
    return data


def _refuse_exposed(path: Path, mode: int) -> None:
    # A pipe or a terminal that a password is read from has no mode that means anything.
    if stat.S_ISREG(mode) and mode & _OTHERS:
        raise KeyfileExposed(
            f"{path} is open to others on this machine: its mode is {stat.S_IMODE(mode):04o}, expected 0600",
            help=f"make it yours alone: chmod 600 {path}",
        )


def _place(fresh: Path, path: Path, *, overwrite: bool) -> None:
    if overwrite:
        fresh.replace(path)
        return
    try:
        # Unlike a rename this fails where the name is taken, even since a moment ago.
        os.link(fresh, path)
    except FileExistsError:
        raise KeyfileExists(f"{path} is there already") from None


def _settle(folder: Path) -> None:
    """Make the new name outlive a loss of power, as the data does."""
    opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def _room(path: Path) -> str:
    there = next(folder for folder in path.absolute().parents if folder.is_dir())
    free = shutil.disk_usage(there).free
    return f"{there} must be yours and have room ({free >> 20} MiB are free): ls -ld {there}"
