# SPDX-License-Identifier: Apache-2.0
"""The file under a validator's memory: written by one process at a time, whole at any moment, and of a known format.

Two processes that set weights out of one file would each undo what the other remembers, so the second is refused when
it opens, not when the chain has two answers. The lock is on a file beside it and belongs to the operating system:
whoever is killed leaves none, and whoever only reads needs none.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from protocols.errors import NothingKnown, ServiceError
from validators.store.schema import APPLICATION_ID, VERSION, create, migrate

__all__ = ["OpenFile", "open_file", "open_to_read", "unusable"]

_WAIT_S: Final = 5.0  # for a reader that is repairing what a killed process left
_JOURNAL_BYTES: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class OpenFile:
    """A file that is open for writing, and the lock that goes with it."""

    connection: sqlite3.Connection
    lock: int

    def close(self) -> None:
        """Let go of both."""
        self.connection.close()
        os.close(self.lock)


def open_file(path: Path) -> OpenFile:
    """Open the file for this process alone, or make it; `ServiceError` where it is another's, or of another format."""
    lock = _lock(path)
    try:
        return OpenFile(_opened(path), lock)
    except BaseException:
        os.close(lock)
        raise


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open the file as it stands, also while a validator writes; nothing in it can be changed."""
    if not path.is_file():
        raise NothingKnown(
            f"there is no validator's store at {path}", help="run a validator first: subnet validator run"
        )
    try:
        # A folder that cannot be written to is one in which nobody writes.
        is_still = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
        uri = f"{path.as_uri()}?mode=ro{'&immutable=1' if is_still else ''}"
        connection = sqlite3.connect(uri, uri=True, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        if _version(connection, path) != VERSION:
            raise ServiceError(
                f"{path} has an earlier format than {VERSION}",
                help="start the validator once, which brings it up to date: subnet validator run",
            )
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except ServiceError:
        connection.close()
        raise
    return connection


def unusable(path: Path, reason: object) -> ServiceError:
    """The error for a file that cannot be read or written, with what SQLite says."""
    code = reason.sqlite_errorcode if isinstance(reason, sqlite3.OperationalError) else None
    if code in _BUSY:
        return _in_use(path)
    if code == sqlite3.SQLITE_FULL:
        return ServiceError(
            f"there is no room on the disk for {path}: {reason}, expected some for each round",
            help=f"make room; the validator goes on by itself then: df -h {path.parent}",
        )
    return ServiceError(
        f"{path} cannot be used as a validator's store: {reason}",
        help=f"check the folder and the disk, or move the file away: mv {path} {path}.broken",
    )


_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _in_use(path: Path) -> ServiceError:
    return ServiceError(
        f"{path} is in use by another validator, expected to be the only one",
        help=f"stop the other one, or name another file; who has it: lsof {path}.lock",
    )


def _lock(path: Path) -> int:
    try:
        lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise unusable(path, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise (_in_use(path) if isinstance(error, BlockingIOError) else unusable(path, error)) from error
    return lock


def _opened(path: Path) -> sqlite3.Connection:
    try:
        # Opened by one thread and used by another, never by both at once.
        connection = sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        version = _version(connection, path)
        if (found := _scalar(connection, "PRAGMA quick_check(1)")) != "ok":
            raise unusable(path, found)
        # On this disk when the call returns, not only in the kernel's hands: a salt that a power cut takes along is
        # a commit that nobody can ever reveal.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA journal_size_limit = {_JOURNAL_BYTES}")
        if (mode := _scalar(connection, "PRAGMA journal_mode = WAL")) != "wal":
            raise unusable(path, f"journal mode is {mode}, expected wal")
        with connection:
            connection.execute("BEGIN IMMEDIATE")  # fails now, not at the first round, where writing is refused
            if version < VERSION:
                (create if version == 0 else migrate)(connection)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except ServiceError:
        connection.close()
        raise
    return connection


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's format, 0 where it is nobody's yet."""
    application, version = _scalar(connection, "PRAGMA application_id"), _scalar(connection, "PRAGMA user_version")
    tables = _scalar(connection, "SELECT count(*) FROM sqlite_master")
    if not (application or tables):
        return 0
    if application != APPLICATION_ID:
        raise ServiceError(
            f"{path} is not a validator's store: its application id is {application}, expected {APPLICATION_ID}",
            help="name a file of its own for the validator",
        )
    if not 1 <= version <= VERSION:
        raise ServiceError(
            f"{path} has format {version}, expected {VERSION} or earlier",
            help="name another file, or run the version that wrote this one",
        )
    return int(version)


def _scalar(connection: sqlite3.Connection, statement: str) -> Any:
    return connection.execute(statement).fetchone()[0]
