# SPDX-License-Identifier: Apache-2.0
"""The file in which several processes remember accepted requests, and that outlives each of them.

Plain synchronous SQLite for one thread. Each statement lets go of the interpreter lock and must win it back from a busy
event loop, so a batch travels as one JSON array through a handful of statements instead of one for each request.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from protocols.errors import ReplayStoreError, SubnetError
from protocols.replay.window import SECOND_NS, check_bounds, end_of_second, full, stale

__all__ = ["Ask", "Ledger"]

_APPLICATION_ID = 0x53524550  # "SREP"; `file` and ourselves know the format by it
_VERSION = 1
# The key begins with the nonce, so that dropping the oldest is one range of the table, without a second index.
_SCHEMA = (
    "CREATE TABLE accepted (nonce_ns INTEGER NOT NULL, hotkey TEXT NOT NULL, PRIMARY KEY (nonce_ns, hotkey))"
    " WITHOUT ROWID",
    # `held` is the number of rows in `accepted`: counting them for each batch would read them all.
    "CREATE TABLE state (one INTEGER PRIMARY KEY CHECK (one = 1), floor_ns INTEGER NOT NULL, held INTEGER NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION_ID}",
    f"PRAGMA user_version = {_VERSION}",
    "PRAGMA journal_mode = WAL",  # kept in the file
)
_READ = """
    SELECT floor_ns, held, (
        SELECT json_group_array(ask.key) FROM json_each(?) AS ask
        CROSS JOIN accepted ON nonce_ns = json_extract(ask.value, '$[0]') AND hotkey = json_extract(ask.value, '$[1]')
    ) FROM state
"""
_ADD = "INSERT INTO accepted SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(?)"


class Ask(NamedTuple):
    """One request that wants to be remembered."""

    nonce_ns: int
    hotkey: str
    now_ns: int


class Ledger:
    """Decides batches of requests, each in one transaction; after a failed one it can be used again."""

    def __init__(self, path: Path, *, new_floor_ns: int, retention_s: float, capacity: int, busy_s: float) -> None:
        self._kept_s = check_bounds(retention_s, capacity)
        self._capacity = capacity
        self._path = path
        self._pruned_s = 0
        try:
            if not path.exists():
                _create(path, new_floor_ns)
            # Opened by one thread and used by another, never by both at once.
            self._connection = sqlite3.connect(path, timeout=busy_s, isolation_level=None, check_same_thread=False)
        except (sqlite3.Error, OSError) as error:
            raise _unusable(path, error) from error
        try:
            self._check()
            self._identity = self._seen_identity()
            self.floor_ns, self.held, _ = self._read([])
        except sqlite3.Error as error:
            self._connection.close()
            raise _unusable(path, error) from error
        except ReplayStoreError:
            self._connection.close()
            raise

    def accept(self, asks: Sequence[Ask]) -> list[bool | SubnetError]:
        """For each request, in order: True the first time, False when seen, or the error that refuses it."""
        if self._seen_identity() != self._identity:
            # SQLite would go on with a file that no newly started process can see.
            raise ReplayStoreError(f"{self._path.name} was removed or replaced while in use", help="restart the server")
        now_s = asks[-1].now_ns // SECOND_NS
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")
            if now_s != self._pruned_s:
                self._prune(now_s)
            outcomes, held = self._decide(asks)
        self._pruned_s, self.held = now_s, held
        return outcomes

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _decide(self, asks: Sequence[Ask]) -> tuple[list[bool | SubnetError], int]:
        floor_ns, held, seen = self._read(asks)
        added: dict[tuple[int, str], None] = {}
        outcomes: list[bool | SubnetError] = []
        for index, (nonce_ns, hotkey, _) in enumerate(asks):
            if nonce_ns <= floor_ns:
                outcomes.append(stale(nonce_ns, floor_ns))
            elif index in seen or (nonce_ns, hotkey) in added:
                outcomes.append(False)
            elif held + len(added) >= self._capacity:
                outcomes.append(full(held + len(added), self._capacity))
            else:
                added[nonce_ns, hotkey] = None
                outcomes.append(True)
        if added:
            self._connection.execute(_ADD, (json.dumps(list(added)),))
            self._connection.execute("UPDATE state SET held = held + ?", (len(added),))
        return outcomes, held + len(added)

    def _read(self, asks: Sequence[Ask]) -> tuple[int, int, set[int]]:
        pairs = json.dumps([ask[:2] for ask in asks])
        floor_ns, held, seen = self._connection.execute(_READ, (pairs,)).fetchone()
        return floor_ns, held, set(json.loads(seen))

    def _prune(self, now_s: int) -> None:
        oldest_ns = (now_s - self._kept_s) * SECOND_NS
        newest = self._scalar("SELECT max(nonce_ns) FROM accepted WHERE nonce_ns < ?", oldest_ns)
        if newest is None:
            return
        floor_ns = end_of_second(newest)
        dropped = self._connection.execute("DELETE FROM accepted WHERE nonce_ns <= ?", (floor_ns,)).rowcount
        update = "UPDATE state SET floor_ns = max(floor_ns, ?), held = held - ?"
        self._connection.execute(update, (floor_ns, dropped))

    def _check(self) -> None:
        application, version = self._scalar("PRAGMA application_id"), self._scalar("PRAGMA user_version")
        if application != _APPLICATION_ID:
            raise ReplayStoreError(
                f"{self._path} is not a replay store: its application id is {application}, expected {_APPLICATION_ID}",
                help="name a file of its own for the replay store",
            )
        if version != _VERSION:
            raise ReplayStoreError(
                f"{self._path} has format {version}, expected {_VERSION}",
                help="name another file, or run the version that wrote this one",
            )
        if (mode := self._scalar("PRAGMA journal_mode")) != "wal":
            raise _unusable(self._path, f"journal mode is {mode}, expected wal")
        if (found := self._scalar("PRAGMA quick_check(1)")) != "ok":
            raise _unusable(self._path, found)
        # A commit is in the kernel's hands when it returns, so a killed process loses nothing. A power cut may lose the
        # last commits, yet until the machine is up again their requests are no longer fresh.
        self._connection.execute("PRAGMA synchronous = NORMAL")
        with self._connection:
            self._connection.execute("BEGIN IMMEDIATE")  # fails now, not at the first request, where writing is refused

    def _scalar(self, statement: str, *values: int) -> Any:
        return self._connection.execute(statement, values).fetchone()[0]

    def _seen_identity(self) -> tuple[int, int] | None:
        try:
            stat = self._path.stat()
        except OSError:
            return None
        return stat.st_dev, stat.st_ino


def _create(path: Path, new_floor_ns: int) -> None:
    """Put a whole file in place, unless another process was first.

    Made in place, it would be seen half made; and SQLite turns a file to WAL only while nobody else has it open.
    """
    with TemporaryDirectory(prefix=f".{path.name}-", dir=path.parent) as folder:
        made = Path(folder) / path.name
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            for statement in _SCHEMA:
                connection.execute(statement)
            connection.execute("INSERT INTO state VALUES (1, ?, 0)", (new_floor_ns,))
        with suppress(FileExistsError):
            os.link(made, path)


def _unusable(path: Path, reason: object) -> ReplayStoreError:
    return ReplayStoreError(
        f"{path} cannot be used as a replay store: {reason}",
        help=f"check the folder and the disk, or move the file away: mv {path} {path}.broken",
    )
