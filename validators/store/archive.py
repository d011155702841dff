# SPDX-License-Identifier: Apache-2.0
"""A validator's store as an auditor sees it: all that is in it, at one moment, and no way to change any of it.

It may be read while the validator writes, and when there is no validator. Everything that is read through one `Archive`
is of the same moment, however long it takes.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

import msgspec

from protocols.types import Block, Hotkey, NetUid
from validators.store.file import open_to_read, unusable
from validators.store.record import Proof
from validators.store.rounds import Recorded, history, proofs_in
from validators.submission import Submission

__all__ = ["Archive", "Known", "Owner"]


class Owner(NamedTuple):
    """A validator of whom there is something in the file."""

    id: int
    genesis: str
    netuid: NetUid
    hotkey: Hotkey
    latest: int
    """Its last round's place in the order of recording, 0 where there is none."""
    seed: int
    """What its choices follow from: whoever knows it foretells them."""


class Known(NamedTuple):
    """How a miner stands by the last record of it; what is None was never so."""

    hotkey: Hotkey
    registered_at: Block
    score: float | None
    asked_in: int | None
    reward: float | None
    missed_in: int | None
    miss: str
    is_here: bool
    """Whether it was on the subnet in the last round."""


class Archive:
    """One file, opened for reading; raises `NothingKnown` where there is none."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        self._connection = open_to_read(self.path)
        with self._reading():
            self._connection.execute("BEGIN")

    def owners(self) -> list[Owner]:
        """All validators that it holds something of, the last one that recorded a round first."""
        read = "SELECT id, genesis, netuid, hotkey, latest, seed FROM validators ORDER BY latest DESC, id DESC"
        with self._reading():
            rows = self._connection.execute(read).fetchall()
        return [Owner._make((*row[:5], int(row[5], 16))) for row in rows]

    def miners(self, owner: Owner) -> list[Known]:
        """All miners that it knows, by score; of one that registered several times the last registration."""
        read = (
            "SELECT hotkey, registered_at, score, asked_in, reward, missed_in, miss, round = ? FROM miners"
            " WHERE validator = ? ORDER BY registered_at"
        )
        with self._reading():
            rows = self._connection.execute(read, (owner.latest, owner.id)).fetchall()
        newest = {row[0]: Known._make((*row[:7], bool(row[7]))) for row in rows}
        return sorted(newest.values(), key=lambda row: (not row.is_here, -(row.score or 0.0), row.hotkey))

    def rounds(
        self, owner: Owner, *, of: Hotkey | None = None, upto: int | None = None, by: Block | None = None
    ) -> Iterator[Recorded]:
        """Its rounds up to a place in the order of recording and by a block, newest first; of a miner where asked."""
        with self._reading():
            yield from history(self._connection, owner.id, of=of, upto=upto, by=by)

    def proofs(self, owner: Owner, recorded: Recorded) -> list[Proof | None]:
        """What each miner of the round was asked and answered, in the order of its marks."""
        with self._reading():
            return proofs_in(self._connection, owner.id, recorded)

    def submissions(self, owner: Owner) -> list[Submission]:
        """Its weight settings, the newest first."""
        read = "SELECT content FROM submissions WHERE validator = ? ORDER BY epoch DESC"
        with self._reading():
            rows = self._connection.execute(read, (owner.id,)).fetchall()
        return [msgspec.json.decode(content, type=Submission) for (content,) in rows]

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def __enter__(self) -> Archive:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise unusable(self.path, error) from error
