# SPDX-License-Identifier: Apache-2.0
"""The file under a validator's memory: opened by one process at a time, whole at any moment, and of a known format.

Two processes that set weights out of one file would each undo what the other remembers, so the second is refused when
it opens, not when the chain has two answers. The lock belongs to the operating system: whoever is killed leaves none.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Final

from protocols.errors import ServiceError

__all__ = ["open_file", "unusable"]

_APPLICATION_ID: Final = 0x5356414C  # "SVAL"; `file` and ourselves know the format by it
_VERSION: Final = 1
_SCHEMA: Final = (
    # A hotkey is another validator on another chain: a local chain that is made anew starts at epoch 0 again.
    "CREATE TABLE validators (id INTEGER PRIMARY KEY, genesis TEXT NOT NULL, netuid INTEGER NOT NULL,"
    " hotkey TEXT NOT NULL, seed TEXT NOT NULL, rounds INTEGER NOT NULL, UNIQUE (genesis, netuid, hotkey))",
    "CREATE TABLE scores (validator INTEGER NOT NULL, hotkey TEXT NOT NULL, registered_at INTEGER NOT NULL,"
    " score REAL NOT NULL, PRIMARY KEY (validator, hotkey)) WITHOUT ROWID",
    "CREATE TABLE rounds (validator INTEGER NOT NULL, number INTEGER NOT NULL, block INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL, definition TEXT NOT NULL, PRIMARY KEY (validator, number)) WITHOUT ROWID",
    "CREATE TABLE rewards (validator INTEGER NOT NULL, number INTEGER NOT NULL, hotkey TEXT NOT NULL,"
    " reward REAL NOT NULL, elapsed_s REAL, miss TEXT NOT NULL, PRIMARY KEY (validator, number, hotkey)) WITHOUT ROWID",
    "CREATE TABLE submissions (validator INTEGER NOT NULL, epoch INTEGER NOT NULL, state TEXT NOT NULL,"
    " landed_epoch INTEGER, content BLOB NOT NULL, PRIMARY KEY (validator, epoch)) WITHOUT ROWID",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
)


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file for this process alone, or make it; `ServiceError` where it is another's, or of another format."""
    try:
        # Opened by one thread and used by another, never by both at once.
        connection = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
    except sqlite3.Error as error:
        raise unusable(path, error) from error
    try:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        _check(connection, path)
        # On this disk when the call returns, not only in the kernel's hands: a salt that a power cut takes along is
        # a commit that nobody can ever reveal.
        connection.execute("PRAGMA synchronous = FULL")
        if (mode := _scalar(connection, "PRAGMA journal_mode = WAL")) != "wal":
            raise unusable(path, f"journal mode is {mode}, expected wal")
        with connection:
            connection.execute("BEGIN IMMEDIATE")  # fails now, not at the first round, where writing is refused
            if not _scalar(connection, "PRAGMA application_id"):
                for statement in _SCHEMA:
                    connection.execute(statement)
    except sqlite3.Error as error:
        connection.close()
        raise unusable(path, error) from error
    except ServiceError:
        connection.close()
        raise
    return connection


def unusable(path: Path, reason: object) -> ServiceError:
    """The error for a file that cannot be read or written, with what SQLite says."""
    if isinstance(reason, sqlite3.OperationalError) and reason.sqlite_errorcode in _BUSY:
        return ServiceError(
            f"{path} is in use by another validator, expected to be the only one",
            help=f"stop the other one, or name another file; who has it: lsof {path}",
        )
    return ServiceError(
        f"{path} cannot be used as a validator's store: {reason}",
        help=f"check the folder and the disk, or move the file away: mv {path} {path}.broken",
    )


_BUSY: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _check(connection: sqlite3.Connection, path: Path) -> None:
    application, version = _scalar(connection, "PRAGMA application_id"), _scalar(connection, "PRAGMA user_version")
    tables = _scalar(connection, "SELECT count(*) FROM sqlite_master")
    if not (application or tables):  # nobody's yet
        return
    if application != _APPLICATION_ID:
        raise ServiceError(
            f"{path} is not a validator's store: its application id is {application}, expected {_APPLICATION_ID}",
            help="name a file of its own for the validator",
        )
    if version != _VERSION:
        raise ServiceError(
            f"{path} has format {version}, expected {_VERSION}",
            help="name another file, or run the version that wrote this one",
        )
    if (found := _scalar(connection, "PRAGMA quick_check(1)")) != "ok":
        raise unusable(path, found)


def _scalar(connection: sqlite3.Connection, statement: str) -> Any:
    return connection.execute(statement).fetchone()[0]
