# SPDX-License-Identifier: Apache-2.0
"""The tables of a validator's store, and how a file of an earlier version becomes one of this.

A migration is one transaction: whoever is killed in its midst finds the old file. What an earlier version did not keep
stays unknown; nothing is made up for it.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Iterator
from typing import Final

from validators.store.record import Mark, RoundRecord
from validators.store.rounds import insert_round

__all__ = ["APPLICATION_ID", "VERSION", "create", "migrate"]

APPLICATION_ID: Final = 0x5356414C  # "SVAL"; `file` and ourselves know the format by it
VERSION: Final = 2
_TABLES: Final = (
    # A score belongs to a registration. `round` is the last round in which it was on the subnet; the scores of today
    # are those of the validator's latest round.
    "CREATE TABLE miners (id INTEGER PRIMARY KEY, validator INTEGER NOT NULL, hotkey TEXT NOT NULL,"
    " registered_at INTEGER NOT NULL, score REAL, round INTEGER NOT NULL, asked_in INTEGER, reward REAL,"
    " missed_in INTEGER, miss TEXT NOT NULL DEFAULT '', UNIQUE (validator, hotkey, registered_at))",
    # Rows are in the order of recording; numbers may overtake each other. `total` counts the bytes up to a row, so that
    # the oldest ones are found without reading any.
    "CREATE TABLE rounds (id INTEGER PRIMARY KEY, validator INTEGER NOT NULL, number INTEGER NOT NULL,"
    " block INTEGER NOT NULL, epoch INTEGER NOT NULL, definition TEXT NOT NULL, total INTEGER NOT NULL,"
    " content BLOB NOT NULL, UNIQUE (validator, number))",
    "CREATE TABLE evidence (validator INTEGER NOT NULL, round INTEGER NOT NULL, total INTEGER NOT NULL,"
    " content BLOB NOT NULL, PRIMARY KEY (validator, round)) WITHOUT ROWID",
    "CREATE TABLE kept (validator INTEGER NOT NULL, name TEXT NOT NULL, content BLOB NOT NULL,"
    " PRIMARY KEY (validator, name)) WITHOUT ROWID",
)
_SCHEMA: Final = (
    # A hotkey is another validator on another chain: a local chain that is made anew starts at epoch 0 again.
    "CREATE TABLE validators (id INTEGER PRIMARY KEY, genesis TEXT NOT NULL, netuid INTEGER NOT NULL,"
    " hotkey TEXT NOT NULL, seed TEXT NOT NULL, rounds INTEGER NOT NULL, latest INTEGER NOT NULL DEFAULT 0,"
    " UNIQUE (genesis, netuid, hotkey))",
    "CREATE TABLE submissions (validator INTEGER NOT NULL, epoch INTEGER NOT NULL, state TEXT NOT NULL,"
    " landed_epoch INTEGER, content BLOB NOT NULL, PRIMARY KEY (validator, epoch)) WITHOUT ROWID",
    *_TABLES,
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)
_RENAMED: Final = ("rounds", "rewards", "scores")


def create(file: sqlite3.Connection) -> None:
    """Make the tables, within a transaction."""
    for statement in _SCHEMA:
        file.execute(statement)


def migrate(file: sqlite3.Connection) -> None:
    """Make version 2 of version 1, within a transaction: marks move into their rounds, scores to their miners."""
    for table in _RENAMED:
        file.execute(f"ALTER TABLE {table} RENAME TO {table}_of_1")
    file.execute("ALTER TABLE validators ADD COLUMN latest INTEGER NOT NULL DEFAULT 0")
    for statement in _TABLES:
        file.execute(statement)
    for (validator,) in file.execute("SELECT id FROM validators").fetchall():
        _move(file, validator)
    for table in _RENAMED:
        file.execute(f"DROP TABLE {table}_of_1")
    file.execute(f"PRAGMA user_version = {VERSION}")


def _move(file: sqlite3.Connection, validator: int) -> None:
    file.execute(
        "INSERT INTO miners (validator, hotkey, registered_at, score, round)"
        " SELECT validator, hotkey, registered_at, score, 0 FROM scores_of_1 WHERE validator = ?",
        (validator,),
    )
    for record in _rounds(file, validator):
        insert_round(file, validator, record)
    latest = "(SELECT latest FROM validators WHERE id = ?1)"
    file.execute(f"UPDATE miners SET round = {latest} WHERE validator = ?1 AND score IS NOT NULL", (validator,))


def _rounds(file: sqlite3.Connection, validator: int) -> Iterator[RoundRecord]:
    rounds = "SELECT number, block, epoch, definition FROM rounds_of_1 WHERE validator = ? ORDER BY number"
    rewards = "SELECT hotkey, reward, elapsed_s, miss FROM rewards_of_1 WHERE validator = ? AND number = ?"
    for number, block, epoch, definition in file.execute(rounds, (validator,)).fetchall():
        paid = file.execute(rewards, (validator, number)).fetchall()
        marks = [Mark(hotkey, reward, math.inf if s is None else s, miss) for hotkey, reward, s, miss in paid]
        yield RoundRecord(number=number, block=block, epoch=epoch, definition=definition, marks=marks, standings={})
