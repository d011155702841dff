# SPDX-License-Identifier: Apache-2.0
"""What the chain has stored when an epoch starts, what it stores when the epoch ends, and rows of votes made dense.

Votes and bonds are kept as short lists of (uid, 16-bit value), one list a neuron, in the order in which they were set.
Only neurons with a permit or an old bond can matter, so the dense matrices have a row for each of those alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from incentive.arrays import Flags, Ints
from incentive.consensus.rules import Rules
from incentive.consensus.yuma import Yuma, Yuma1

__all__ = ["Ledger", "Lists", "Rows", "Settings", "Terms", "Votes", "votes"]


class Rows(Protocol):
    """Lists end to end: row `i` is `uids[starts[i]:starts[i + 1]]` with `values` of the same places."""

    @property
    def starts(self) -> npt.NDArray[np.integer]: ...
    @property
    def uids(self) -> npt.NDArray[np.integer]: ...
    @property
    def values(self) -> npt.NDArray[np.integer]: ...


@dataclass(frozen=True, slots=True)
class Lists:
    """Rows made from Python lists."""

    starts: Ints  # (N + 1,)
    uids: Ints  # (E,)
    values: Ints  # (E,)

    @classmethod
    def of(cls, rows: Sequence[Iterable[tuple[int, int]]]) -> Lists:
        """From one list of (uid, value) for each neuron."""
        entries = [list(row) for row in rows]
        flat = np.array([pair for row in entries for pair in row], dtype=np.int64).reshape(-1, 2)
        return cls(np.cumsum([0, *map(len, entries)], dtype=np.int64), flat[:, 0], flat[:, 1])


@dataclass(frozen=True, slots=True)
class Settings:
    """A subnet's hyperparameters as far as an epoch reads them."""

    rules: Rules
    version: type[Yuma] = Yuma1
    max_validators: int = 128
    activity_cutoff: int = 5000  # blocks
    tempo: int = 360
    stake_threshold: int = 0  # rao
    owner_uid: int | None = None


@dataclass(frozen=True, slots=True)
class Ledger:
    """One mechanism of a subnet as the chain has it stored; arrays have a place for each of N uids."""

    block: int
    registered: Ints  # (N,) block of registration
    last_update: Ints  # (N,) block of the last weights
    permits: Flags  # (N,)
    stake: Sequence[int]  # N totals as I64F64 bits
    weights: Rows
    bonds: Rows
    committed: Ints | None = None
    """(N,) block of each validator's oldest live commit, the largest int64 for none; absent where commits are off."""
    last_step: int = 0
    """Block of the last epoch that ended well; 0 for none yet."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What an epoch writes for each of N uids; shares are counts of 1/65535, amounts are rao."""

    active: Flags
    permits: Flags
    stake_weight: Ints
    consensus: Ints
    incentive: Ints
    dividends: Ints
    validator_trust: Ints
    rank: Ints
    trust: Ints
    pruning: Ints
    emission: list[int]
    server_emission: list[int]
    validator_emission: list[int]
    bonds: list[list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Votes:
    """Rows of some neurons, dense."""

    values: Ints  # (V, N)
    listed: Flags  # (V, N)
    order: tuple[Ints, ...] | None
    """The columns of each row as listed; absent where every row is ascending."""

    def without(self, masked: Flags) -> Votes:
        """The votes that are left when the masked cells, (V, N), are struck."""
        listed = self.listed & ~masked
        order = None
        if self.order is not None:
            order = tuple(columns[listed[row, columns]] for row, columns in enumerate(self.order))
        return Votes(np.where(listed, self.values, 0), listed, order)


def votes(rows: Rows, voters: Ints, n: int) -> Votes:
    """The rows of the voters, (V,), dense over n columns."""
    starts, columns = np.asarray(rows.starts), np.asarray(rows.uids, dtype=np.int64)
    spans = [slice(int(starts[uid]), int(starts[uid + 1])) for uid in voters]
    values, listed = np.zeros((len(voters), n), dtype=np.int64), np.zeros((len(voters), n), dtype=np.bool_)
    for row, span in enumerate(spans):
        values[row, columns[span]] = rows.values[span]
        listed[row, columns[span]] = True
    sorted_ = all((np.diff(columns[span]) > 0).all() for span in spans)
    return Votes(values, listed, None if sorted_ else tuple(columns[span] for span in spans))
