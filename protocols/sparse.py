# SPDX-License-Identifier: Apache-2.0
"""Weights and bonds as a chain keeps them: for each uid a short list of other uids with 16-bit values.

Thousands of neurons squared is a large matrix of almost only zeros, so the rows are kept end to end (CSR) and made
dense where the mathematics asks for it. Arrays are read-only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from protocols.columns import Ints, U16s
from protocols.errors import LedgerError
from protocols.types import Uid

__all__ = ["SparseRows"]


@dataclass(frozen=True, slots=True, eq=False)
class SparseRows:
    """Row `i` is `uids[starts[i]:starts[i + 1]]` with `values` of the same places."""

    starts: Ints  # (N + 1,)
    uids: U16s  # (E,) in the order in which they were set
    values: U16s  # (E,)

    def __post_init__(self) -> None:
        starts, n = self.starts, len(self.starts) - 1
        if n < 0 or starts[0] != 0 or starts[-1] != len(self.uids) or (np.diff(starts) < 0).any():
            raise LedgerError(f"row starts do not divide {len(self.uids)} entries into rows")
        if len(self.values) != len(self.uids):
            raise LedgerError(f"{len(self.uids)} entries have {len(self.values)} values, expected one for each")
        if len(self.uids) and int(self.uids.max()) >= n:
            raise LedgerError(f"an entry names uid {int(self.uids.max())}, expected below {n}")
        for field in fields(self):
            column: npt.NDArray[np.integer] = getattr(self, field.name).copy()
            column.setflags(write=False)
            object.__setattr__(self, field.name, column)

    @classmethod
    def from_rows(cls, n: int, rows: Mapping[int, Iterable[tuple[int, int]]]) -> SparseRows:
        """Build from `{uid: [(uid, value), ...]}`, as storage hands it out; uids that are absent have empty rows."""
        if strangers := [uid for uid in rows if not 0 <= uid < n]:
            raise LedgerError(f"there is a row for uid {strangers[0]}, expected below {n}")
        entries = [list(rows.get(uid, ())) for uid in range(n)]
        flat = np.array([pair for row in entries for pair in row], dtype=np.int64).reshape(-1, 2)
        if flat.size and not (flat.min() >= 0 and flat.max() <= np.iinfo(np.uint16).max):
            raise LedgerError(f"entries lie between {flat.min()} and {flat.max()}, expected 0 to 65535")
        starts = np.cumsum([0, *map(len, entries)], dtype=np.int64)
        return cls(starts, flat[:, 0].astype(np.uint16), flat[:, 1].astype(np.uint16))

    def __len__(self) -> int:
        return len(self.starts) - 1

    def row(self, uid: Uid) -> tuple[U16s, U16s]:
        """The uids that one neuron's row names, and their values."""
        if not 0 <= uid < len(self):
            raise LedgerError(f"there is no row for uid {uid}, expected below {len(self)}")
        part = slice(self.starts[uid], self.starts[uid + 1])
        return self.uids[part], self.values[part]

    def dense(self) -> U16s:
        """The whole matrix, (N, N), zero where a row is silent."""
        matrix = np.zeros((len(self), len(self)), dtype=np.uint16)
        matrix[np.repeat(np.arange(len(self)), np.diff(self.starts)), self.uids] = self.values
        return matrix
