# SPDX-License-Identifier: Apache-2.0
"""What a validator must not forget, in one file: scores by hotkey, rounds, and every weight setting that it began.

A restart that loses scores sets wrong weights, and one that loses a setting under way sets them twice or never. So each
change is one transaction, on the disk before anything acts on it, and made in a thread of the store's own: the event
loop never waits for the disk. Several validators of one process may share a store, each with a `Journal` of its own.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from protocols.errors import ServiceError
from protocols.types import Hotkey, NetUid
from validators.store.file import open_file, unusable
from validators.store.record import Mark, RoundRecord, Standing
from validators.store.rounds import insert_round, prune, record_of, standings_of
from validators.submission import UNSETTLED, Submission

__all__ = ["Journal", "Store"]

_T = TypeVar("_T")
_KEPT_EPOCHS: Final = 1_000
_EVIDENCE_SHARE: Final = 0.6
_ENCODE: Final = msgspec.json.encode


class Store:
    """One file, for one process; raises `ServiceError` where another process has it, or it is of another format.

    Of each validator it keeps so many rounds, and of those as many as fit the bytes: all but the newest evidence goes
    first. Room that is let go is used again, so that the file stays as large as it once was.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, retained_rounds: int = 10_000, retained_bytes: int = 250_000_000
    ) -> None:
        self._path = Path(path).absolute()  # found again wherever the process moves
        self.retained_rounds = retained_rounds
        self.retained_bytes = retained_bytes
        self._file = open_file(self._path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="subnet-validator-store")
        self._is_closed = False

    async def journal(self, genesis: str, netuid: NetUid, hotkey: Hotkey) -> Journal:
        """The part of one validator, made where there is none yet."""
        key = (genesis, netuid, hotkey)

        def enter(connection: sqlite3.Connection) -> Journal:
            insert = "INSERT OR IGNORE INTO validators (genesis, netuid, hotkey, seed, rounds) VALUES (?, ?, ?, ?, 0)"
            connection.execute(insert, (*key, secrets.token_hex(16)))
            find = "SELECT id, seed FROM validators WHERE genesis = ? AND netuid = ? AND hotkey = ?"
            validator, seed = connection.execute(find, key).fetchone()
            return Journal(self, validator, int(seed, 16))

        return await self.transact(enter)

    async def transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Do all of this work or none of it; a caller that is cancelled while it waits may find it done."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, self._transact, work)
        except RuntimeError as error:  # the thread has ended
            raise ServiceError(f"{self._path} is closed", help="open the store anew") from error

    async def close(self) -> None:
        """Finish what is under way and let go of the file; a second time does nothing."""
        await asyncio.to_thread(self._thread.shutdown)
        if not self._is_closed:
            self._is_closed = True
            self._file.close()

    def _transact(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        connection = self._file.connection
        try:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                return work(connection)
        except sqlite3.Error as error:
            raise unusable(self._path, error) from error


class Journal:
    """What one validator keeps in a store."""

    def __init__(self, store: Store, validator: int, seed: int) -> None:
        self._store = store
        self._id = validator
        self.seed = seed
        """128 bits that were drawn when the validator first came; nobody else can foretell its choices."""

    async def begin(self) -> int:
        """The number of the next round, which no other round will have, however this one ends."""
        update = "UPDATE validators SET rounds = rounds + 1 WHERE id = ? RETURNING rounds - 1"
        number: int = await self._store.transact(lambda file: file.execute(update, (self._id,)).fetchone()[0])
        return number

    async def standings(self) -> dict[Hotkey, Standing]:
        """The scores as the last recorded round left them."""
        return await self._store.transact(lambda file: standings_of(file, self._id))

    async def asked_in(self) -> dict[Hotkey, int]:
        """The number of the recorded round in which each miner was asked last."""
        read = "SELECT hotkey, max(asked_in) FROM miners WHERE validator = ? AND asked_in IS NOT NULL GROUP BY hotkey"
        rows = await self._store.transact(lambda file: file.execute(read, (self._id,)).fetchall())
        return dict(rows)

    async def kept(self, name: str) -> bytes | None:
        """What a stage kept with the last recorded round that had something of it, if any had."""
        read = "SELECT content FROM kept WHERE validator = ? AND name = ?"
        row = await self._store.transact(lambda file: file.execute(read, (self._id, name)).fetchone())
        return None if row is None else bytes(row[0])

    async def record(self, done: RoundRecord) -> None:
        """Remember a round and the scores after it, and let go of what is too old to keep."""
        mine, store = self._id, self._store
        evidence = int(store.retained_bytes * _EVIDENCE_SHARE)
        rounds = store.retained_bytes - evidence

        def write(file: sqlite3.Connection) -> None:
            insert_round(file, mine, done)
            oldest = done.number - store.retained_rounds
            prune(file, mine, oldest=oldest, rounds_bytes=rounds, evidence_bytes=evidence)

        await store.transact(write)

    async def round(self, number: int) -> RoundRecord | None:
        """A round as it was recorded, if it is still kept; without its proofs and without what stages kept."""
        found = await self._store.transact(lambda file: record_of(file, self._id, number))
        return None if found is None else found.record

    async def marks(self, number: int) -> list[Mark]:
        """What a round paid; nothing where it is not kept."""
        found = await self.round(number)
        return [] if found is None else list(found.marks)

    async def write(self, submission: Submission) -> None:
        """Remember how a weight setting stands; there is one for each epoch, and it is replaced."""
        mine = self._id
        row = (mine, submission.epoch, submission.state, submission.landed_epoch, _ENCODE(submission))

        def put(file: sqlite3.Connection) -> None:
            file.execute("INSERT OR REPLACE INTO submissions VALUES (?, ?, ?, ?, ?)", row)
            oldest = submission.epoch - _KEPT_EPOCHS
            file.execute("DELETE FROM submissions WHERE validator = ? AND epoch <= ?", (mine, oldest))

        await self._store.transact(put)

    async def unsettled(self) -> list[Submission]:
        """The weight settings of which something is still to come: a receipt, or a reveal."""
        return await self._submissions(f"state IN ({', '.join('?' * len(UNSETTLED))})", *UNSETTLED)

    async def landed_in(self, epoch: int) -> Submission | None:
        """The weights that the chain took in this epoch."""
        found = await self._submissions("landed_epoch = ?", epoch)
        return found[-1] if found else None

    async def last_landed(self) -> Submission | None:
        """The newest weights that the chain took."""
        newest = "epoch = (SELECT max(epoch) FROM submissions WHERE validator = ? AND landed_epoch IS NOT NULL)"
        found = await self._submissions(newest, self._id)
        return found[-1] if found else None

    async def _submissions(self, where: str, *values: str | int) -> list[Submission]:
        read = f"SELECT content FROM submissions WHERE validator = ? AND {where} ORDER BY epoch"
        rows = await self._store.transact(lambda file: file.execute(read, (self._id, *values)).fetchall())
        return [msgspec.json.decode(content, type=Submission) for (content,) in rows]
