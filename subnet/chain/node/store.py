# SPDX-License-Identifier: Apache-2.0
"""A chain in a SQLite file: blocks, every version of every storage entry that is still kept, and whose chain it is.

A block and what it changed are one transaction, done before anybody hears of the block: whoever pulls the plug finds
the chain as it was announced. One process has the file at a time. Without a path the same tables live in memory.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from protocols.errors import ChainFileRefused, ChainWriteFailed, LedgerError
from subnet.chain.node.header import Block, Change, Head, Header, Sealed
from subnet.chain.node.opening import connect, unusable

__all__ = ["Founding", "KEEP", "Store"]

KEEP: Final = 256
"""Of how many blocks behind the head the states are kept."""

_LISTING: Final = (
    "SELECT key, value, max(block) FROM state WHERE key >= ? AND key < ? AND block <= ? GROUP BY key ORDER BY key"
)
_SUPERSEDED: Final = (
    "DELETE FROM state WHERE block < ?1 AND EXISTS "
    "(SELECT 1 FROM state later WHERE later.key = state.key AND later.block > state.block AND later.block <= ?1)"
)
_PUT: Final = "INSERT OR REPLACE INTO state (key, block, value) VALUES (?, ?, ?)"
_BEYOND: Final = b"\xff" * 64
_texts = msgspec.msgpack.Decoder(tuple[bytes, ...])


class Founding(NamedTuple):
    """Whose chain a file holds."""

    name: str
    genesis: bytes
    spec_version: int
    fingerprint: bytes
    """Of the settings that it began with."""


class Store:
    """The file, or the memory, of one chain."""

    def __init__(self, path: Path | None = None, *, keep: int | None = KEEP) -> None:
        """Open it; `keep` of None keeps all states."""
        self.path = path
        self.keep = keep
        self.pin: int | None = None
        """A block whose state must not go, whatever its age."""
        self._db = connect(path)
        self._recent: list[tuple[int, list[bytes]]] = []
        with self._reading():
            self._recall()

    def close(self) -> None:
        """Let go of the file."""
        self._db.close()

    def limit_pages(self, pages: int) -> int:
        """Let the file grow to so many pages of 4 KiB and no further, as a quota does; what the limit was before."""
        before: int = self._db.execute("PRAGMA max_page_count").fetchone()[0]
        self._db.execute(f"PRAGMA max_page_count = {pages or 1}")
        return before

    @property
    def founding(self) -> Founding | None:
        """Whose chain it is; None while it is empty."""
        with self._reading():
            found = dict(self._db.execute("SELECT name, value FROM meta"))
        if not found:
            return None
        return Founding(*(found[name] for name in Founding._fields))

    def found(self, founding: Founding, genesis: Sealed) -> None:
        """Begin a chain."""
        with self._writing("the genesis"):
            self._db.executemany("INSERT INTO meta (name, value) VALUES (?, ?)", founding._asdict().items())
            self._add([genesis])

    def append(self, blocks: Sequence[Sealed]) -> None:
        """Write blocks down, all or none of them; raises `ChainWriteFailed`."""
        before = len(self._recent)
        try:
            with self._writing(f"block {blocks[-1].header.number}"):
                self._add(blocks)
                pruned = self._prune(blocks[-1].header.number)
        except ChainWriteFailed:
            del self._recent[before:]
            raise
        del self._recent[:pruned]

    def head(self) -> Head:
        """The newest block; raises `ChainFileRefused` where there is none."""
        with self._reading():
            row = self._db.execute("SELECT number, hash FROM blocks ORDER BY number DESC LIMIT 1").fetchone()
        if row is None:
            raise ChainFileRefused(f"{self.path} holds no block")
        return Head(*row)

    def hash_at(self, number: int) -> bytes | None:
        """The hash of the block with this number."""
        row = self._one("SELECT hash FROM blocks WHERE number = ?", number)
        return None if row is None else row[0]

    def header(self, hash: bytes) -> Header | None:
        """The header of a block."""
        row = self._one("SELECT header FROM blocks WHERE hash = ?", hash)
        return None if row is None else Header.decode(row[0])

    def block(self, hash: bytes) -> Block | None:
        """A block with its extrinsics."""
        row = self._one("SELECT header, extrinsics FROM blocks WHERE hash = ?", hash)
        return None if row is None else Block(Header.decode(row[0]), _texts.decode(row[1]))

    def horizon(self, head: int) -> int:
        """The oldest block whose state is kept, where this is the newest one."""
        if self.keep is None:
            return 0
        oldest = max(0, head - self.keep)
        return oldest if self.pin is None else min(oldest, self.pin)

    def value(self, key: bytes, at: int) -> bytes | None:
        """What an entry held after a block whose state is kept."""
        row = self._one("SELECT value FROM state WHERE key = ? AND block <= ? ORDER BY block DESC LIMIT 1", key, at)
        return None if row is None else row[0]

    def entries(self, prefix: bytes, start: bytes | None, at: int) -> Iterator[tuple[bytes, bytes]]:
        """The entries under a prefix and after a key, in order, as a block left them."""
        first = prefix if start is None else max(prefix, start + b"\0")
        with self._reading():
            for key, value, _ in self._db.execute(_LISTING, (first, prefix + _BEYOND, at)):
                if value is not None:
                    yield key, value

    def changed_after(self, number: int) -> Iterator[Change]:
        """Every entry that later blocks wrote, and what it held after this one."""
        with self._reading():
            keys = [key for (key,) in self._db.execute("SELECT DISTINCT key FROM state WHERE block > ?", (number,))]
        for key in keys:
            yield key, self.value(key, number)

    def amend(self, number: int, changes: Sequence[Change]) -> None:
        """Change what the newest block left; raises `ChainWriteFailed`."""
        with self._writing(f"what is put into block {number}"):
            rows = [(key, number, value) for key, value in changes]
            self._db.executemany(_PUT, rows)
        if self.keep is not None:
            self._recent.append((number, [key for key, _ in changes]))

    def cut(self, number: int) -> None:
        """Take back every block after this one."""
        with self._writing(f"the revert to block {number}"):
            self._db.execute("DELETE FROM blocks WHERE number > ?", (number,))
            self._db.execute("DELETE FROM state WHERE block > ?", (number,))
        self._recent = [(block, keys) for block, keys in self._recent if block <= number]

    def _add(self, blocks: Sequence[Sealed]) -> None:
        encode = msgspec.msgpack.encode
        self._db.executemany(
            "INSERT INTO blocks (number, hash, header, extrinsics) VALUES (?, ?, ?, ?)",
            [(made.header.number, made.hash, made.header.encode(), encode(made.extrinsics)) for made in blocks],
        )
        horizon = self.horizon(blocks[-1].header.number)
        # Of what these blocks wrote and no kept state shows, only the last version is worth a row.
        settled = {key: number for number, changes in _written(blocks) if number <= horizon for key, _ in changes}
        rows: list[tuple[bytes, int, bytes | None]] = []
        for number, changes in _written(blocks):
            shown = [(key, number, value) for key, value in changes if settled.get(key, number) <= number]
            if self.keep is not None and shown:
                self._recent.append((number, [key for key, _, _ in shown]))
            rows += shown
        self._db.executemany(_PUT, rows)

    def _prune(self, head: int) -> int:
        """Drop versions that no kept state shows; how many of the recent blocks have been dealt with."""
        if self.keep is None:
            return 0
        horizon = self.horizon(head)
        done = next((i for i, (number, _) in enumerate(self._recent) if number > horizon), len(self._recent))
        # Most blocks write the same entries: one search finds what all but the last of them wrote.
        rows = list({key: number for number, keys in self._recent[:done] for key in keys}.items())
        self._db.executemany("DELETE FROM state WHERE key = ? AND block < ?", rows)
        self._db.executemany("DELETE FROM state WHERE key = ? AND block = ? AND value IS NULL", rows)
        return done

    def _recall(self) -> None:
        """After a restart: drop what is old by now, and find what each recent block wrote."""
        row = self._db.execute("SELECT max(number) FROM blocks").fetchone()
        if self.keep is None or row[0] is None:
            return
        horizon = self.horizon(row[0])
        with self._writing("what is no longer kept"):
            self._db.execute(_SUPERSEDED, (horizon,))
            self._db.execute("DELETE FROM state WHERE block <= ? AND value IS NULL", (horizon,))
        by_block: dict[int, list[bytes]] = {}
        for key, block in self._db.execute("SELECT key, block FROM state WHERE block > ?", (horizon,)):
            by_block.setdefault(block, []).append(key)
        self._recent = sorted(by_block.items())

    def _one(self, query: str, *values: object) -> tuple[bytes, ...] | None:
        with self._reading():
            row: tuple[bytes, ...] | None = self._db.execute(query, values).fetchone()
        return row

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, LedgerError, msgspec.MsgspecError) as fault:
            if isinstance(fault, ChainFileRefused | ChainWriteFailed):
                raise
            raise unusable(self.path, str(fault)) from fault

    @contextmanager
    def _writing(self, what: str) -> Iterator[None]:
        try:
            self._db.execute("BEGIN")
            yield
            self._db.execute("COMMIT")
        except sqlite3.Error as fault:
            self._undo()
            raise ChainWriteFailed(f"{what} was not written to {self.path or 'memory'}: {fault}") from fault
        except BaseException:
            self._undo()
            raise

    def _undo(self) -> None:
        # Where not even this can be written, SQLite takes the transaction back by itself.
        if self._db.in_transaction:
            with suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")


def _written(blocks: Sequence[Sealed]) -> list[tuple[int, tuple[Change, ...]]]:
    return [(block.header.number, block.changes) for block in blocks]
