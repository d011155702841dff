# SPDX-License-Identifier: Apache-2.0
"""How a chain's file is opened, and why one is refused.

The file says in its own header that it is ours and of which version, so that somebody's photographs or a chain of a
later release are turned away before anything is written to them.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from protocols.errors import ChainFileRefused

__all__ = ["APPLICATION", "SCHEMA", "connect", "unusable"]

APPLICATION: Final = 0x73756264
"""Which program a file belongs to, as SQLite's `application_id`: the letters of `subd`."""
SCHEMA: Final = 1
"""The version of the tables; a file of another one is refused."""

_CACHE_KIB: Final = 16_384
_CHECKED_BYTES: Final = 256 << 20
_TABLES: Final = """
    CREATE TABLE blocks
        (number INTEGER PRIMARY KEY, hash BLOB NOT NULL, header BLOB NOT NULL, extrinsics BLOB NOT NULL);
    CREATE UNIQUE INDEX blocks_by_hash ON blocks (hash);
    CREATE TABLE state (key BLOB NOT NULL, block INTEGER NOT NULL, value BLOB, PRIMARY KEY (key, block)) WITHOUT ROWID;
    CREATE TABLE meta (name TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""


def connect(path: Path | None) -> sqlite3.Connection:
    """The tables of a chain, made where there are none; raises `ChainFileRefused`."""
    try:
        db = sqlite3.connect(":memory:" if path is None else path, isolation_level=None, timeout=0.5)
    except sqlite3.Error as fault:
        raise ChainFileRefused(f"{path} cannot be opened: {fault}", help="check that its folder exists") from fault
    try:
        _prepare(db, path)
    except sqlite3.Error as fault:
        db.close()
        if "locked" in str(fault):
            raise ChainFileRefused(f"{path} is in use by another process", help=f"see which: fuser {path}") from fault
        raise unusable(path, str(fault)) from fault
    except BaseException:
        db.close()
        raise
    return db


def unusable(path: Path | None, why: str) -> ChainFileRefused:
    """The error for a file that cannot be read."""
    return ChainFileRefused(
        f"{path or 'the chain in memory'} is damaged or is no chain's file: {why}",
        help=f"start a new chain after: mv {path} {path}.damaged",
    )


def _prepare(db: sqlite3.Connection, path: Path | None) -> None:
    db.execute("PRAGMA locking_mode = EXCLUSIVE")
    application, version = _pragma(db, "application_id"), _pragma(db, "user_version")
    tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if tables or application or version:
        _recognise(path, application, version)
        _inspect(db, path)
    # A process that is killed loses nothing that was committed; only a machine that loses power may lose the last
    # blocks, and never the order in which they came. FULL would wait for the disk at every block.
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = NORMAL")
    db.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    if not tables:
        db.executescript(
            f"BEGIN; {_TABLES} PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {SCHEMA}; COMMIT;"
        )


def _recognise(path: Path | None, application: int, version: int) -> None:
    if application != APPLICATION:
        raise ChainFileRefused(
            f"{path} belongs to another program: its SQLite application_id is {application}, expected {APPLICATION}",
            help="name a file that does not exist yet",
        )
    if version > SCHEMA:
        raise ChainFileRefused(
            f"{path} was written by a later release: it has version {version}, this release reads {SCHEMA}",
            help="pip install --upgrade subnet",
        )
    if version != SCHEMA:
        raise unusable(path, f"it has version {version}, expected {SCHEMA}")


def _inspect(db: sqlite3.Connection, path: Path | None) -> None:
    # Of a very large file only what is read is checked, or every start would wait for the whole disk.
    if path is not None and path.stat().st_size > _CHECKED_BYTES:
        return
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise unusable(path, found)


def _pragma(db: sqlite3.Connection, name: str) -> int:
    value: int = db.execute(f"PRAGMA {name}").fetchone()[0]
    return value
