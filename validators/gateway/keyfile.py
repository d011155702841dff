# SPDX-License-Identifier: Apache-2.0
"""The file with the API keys: shared by a gateway that serves and commands that add or revoke a key meanwhile.

A commit is in the kernel's hands when it returns, so a process that is killed loses nothing of what it counted. Nobody
but the operator may read the file, although it holds no key, only what is needed to know one again.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from protocols.errors import ServiceError
from validators.gateway import windows

__all__ = ["open_keys", "spoilt"]

_APPLICATION_ID: Final = 0x5347544B  # "SGTK"; `file` and ourselves know the format by it
_VERSION: Final = 1
_BUSY_S: Final = 5.0
_SCHEMA: Final = (
    "PRAGMA journal_mode = WAL",
    # An id is never given twice: what a revoked key still has under way must not be charged to its successor.
    "CREATE TABLE keys (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, digest BLOB NOT NULL UNIQUE,"
    " requests INTEGER NOT NULL, tokens INTEGER NOT NULL, made_s INTEGER NOT NULL, expires_s INTEGER)",
    windows.SCHEMA,
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)


def open_keys(path: Path) -> sqlite3.Connection:
    """Open the file, or make it; `ServiceError` where it is something else."""
    try:
        if not path.exists():
            _create(path)
        connection = sqlite3.connect(path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False)
    except (sqlite3.Error, OSError) as error:
        raise spoilt(path, error) from error
    try:
        application, version = (
            connection.execute(f"PRAGMA {what}").fetchone()[0] for what in ("application_id", "user_version")
        )
        connection.execute("PRAGMA synchronous = NORMAL")
    except sqlite3.Error as error:
        connection.close()
        raise spoilt(path, error) from error
    if (application, version) != (_APPLICATION_ID, _VERSION):
        connection.close()
        found = f"application id {application} and format {version}, expected {_APPLICATION_ID} and {_VERSION}"
        raise spoilt(path, f"it has {found}")
    return connection


def spoilt(path: Path, reason: object) -> ServiceError:
    """The error for a file that cannot be used."""
    return ServiceError(
        f"{path} cannot be used as a gateway's file of keys: {reason}",
        help=f"check the folder and the disk, or move the file away: mv {path} {path}.broken",
    )


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # Whole or not at all, and never for a moment readable by others.
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        os.close(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            for statement in _SCHEMA:
                connection.execute(statement)
        with suppress(FileExistsError):  # another process was first
            os.link(made, path)
