# SPDX-License-Identifier: Apache-2.0
"""Which answers are the same, and which lie in the same region: the two kernels of the attention rule.

A rule that divides by similarity is only as exact as its similarities. Two equal rows multiplied by a matrix routine
may differ in the last bit from each other and from 1, and then a clone is not quite a clone. So equal rows are found
first and kept once: whatever is computed afterwards is the same for all of them, and many clones cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Ints, finite, sized
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Kernels", "Rows", "broad_kernel", "cosines", "directions", "kernel_pair", "sharp_kernel", "unit_rows"]

_ROUNDINGS: Final = 64

Rows: TypeAlias = npt.NDArray[np.float32] | npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Kernels:
    """How close answers are, for G groups of N miners; within a group everything is the same."""

    sharp: Array  # (G, G)
    broad: Array  # (G, G)
    group: Ints  # (N,)

    def totals(self, amounts: Array) -> Array:
        """The sum over each group."""
        return np.bincount(self.group, weights=amounts, minlength=len(self.sharp)).astype(np.float64, copy=False)

    def spread(self, kernel: Array, amounts: Array) -> Array:
        """What each miner meets of all amounts: sum_j kernel_ij amounts_j."""
        met: Array = kernel @ self.totals(amounts)  # (G,)
        return met[self.group]  # (N,)

    @property
    def same(self) -> Array:
        """How surely each two miners gave one answer, (N, N)."""
        surely: Array = self.sharp[np.ix_(self.group, self.group)]
        return surely

    def row(self, kernel: Array, miner: int) -> Array:
        """The kernel from one miner to all."""
        closeness: Array = kernel[self.group[miner], self.group]  # (N,)
        return closeness


def kernel_pair(
    embeddings: npt.ArrayLike, window: npt.ArrayLike | None, band: tuple[float, float], region: tuple[float, float]
) -> Kernels:
    """H from cosines, or from the window's similarity where there is one; and K, from cosines and never below H."""
    rows, group = directions("embeddings", embeddings)
    cosine = cosines(rows)  # (G, G)
    if window is None:
        sharp = sharp_kernel(cosine, *band)
    else:
        # Miners may give one answer today and yet have different histories: each is a group of its own.
        sharp = sharp_kernel(_correlations(window, len(group)), *band)
        cosine, group = cosine[np.ix_(group, group)], np.arange(len(group))
    return Kernels(sharp, broad_kernel(cosine, sharp, *region), group)


def unit_rows(name: str, values: npt.ArrayLike) -> Rows:
    """Each row divided by its length, whatever its scale; rows of zeros stay. float32 stays float32."""
    rows, are_unit = _rows(name, values)
    return rows if are_unit else _unit(_scaled(rows))


def directions(name: str, values: npt.ArrayLike) -> tuple[Rows, Ints]:
    """Each different direction once, as a unit row, and which of them each miner has."""
    rows, are_unit = _rows(name, values)
    if are_unit:
        return _distinct(rows)
    # Found before they get their length: its last bit may depend on where in memory a row lies.
    rows, group = _distinct(_scaled(rows))
    return _unit(rows), group


def cosines(rows: Rows) -> Array:
    """The cosine of every two of different unit rows, each with itself exactly 1."""
    cosine = (rows @ rows.T).astype(np.float64, copy=False)  # (G, G)
    np.clip(cosine, -1.0, 1.0, out=cosine)
    np.fill_diagonal(cosine, 1.0)
    return cosine


def sharp_kernel(similarity: Array, tau0: float, tau1: float) -> Array:
    """Smoothstep: 0 up to tau0, 1 from tau1 on, without a corner between."""
    h = np.clip(similarity, tau0, tau1)
    h -= tau0
    h /= tau1 - tau0
    smooth = h * -2.0
    smooth += 3.0
    smooth *= h
    smooth *= h
    np.fill_diagonal(smooth, 1.0)
    return smooth


def broad_kernel(cosine: Array, sharp: Array, c0: float, p: float) -> Array:
    """What of a cosine exceeds c0, raised to p, and at least the sharp kernel; it is written over the cosines."""
    cosine -= c0
    cosine /= 1.0 - c0
    np.maximum(cosine, 0.0, out=cosine)
    cosine **= p
    return np.maximum(cosine, sharp, out=cosine)


def _rows(name: str, values: npt.ArrayLike) -> tuple[Rows, bool]:
    """The rows, and whether all have length 1 or 0 but for rounding, as embedders give them.

    Such rows are finite as well, and nothing is to be done with them.
    """
    if isinstance(values, np.ndarray) and values.ndim == 2 and values.dtype in (np.float32, np.float64):
        rows: Rows = np.ascontiguousarray(values)
        with np.errstate(over="ignore"):
            squares = np.einsum("nd,nd->n", rows, rows)
        is_long = np.abs(squares - 1.0) <= _ROUNDINGS * np.finfo(rows.dtype).eps  # false for NaN
        if rows.shape[1] and not rows[~is_long].any():
            return rows, True
    checked = finite(name, values)
    if checked.ndim != 2 or not checked.shape[1]:
        raise WrongShape(f"{name} has shape {checked.shape}, expected a row of numbers for each miner")
    if isinstance(values, np.ndarray) and values.dtype == np.float32:
        return np.ascontiguousarray(values, dtype=np.float32), False
    return np.ascontiguousarray(checked), False


def _scaled(rows: Rows) -> Rows:
    """Each row divided by its largest entry: the squares of 1e300 would overflow, and those of 1e-300 vanish."""
    largest = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)  # (N, 1)
    scaled: Rows = rows / np.where(largest > 0.0, largest, 1)
    return scaled


def _distinct(rows: Rows) -> tuple[Rows, Ints]:
    """Each different row once, and which of them each miner gave."""
    # Equal rows have equal sums of their bits but for the signs, since -0.0 equals 0.0. Others mostly have not, and
    # then no rows need to be sorted.
    unsigned = np.uint64((1 << 8 * rows.itemsize - 1) - 1)
    sums = rows.view(f"u{rows.itemsize}").sum(axis=1, dtype=np.uint64) & unsigned  # (N,)
    _, first, group = np.unique(sums, return_index=True, return_inverse=True)
    if len(first) == len(rows):
        return rows, np.arange(len(rows))
    again = np.flatnonzero(first[group] != np.arange(len(rows)))
    if all(np.array_equal(rows[at], rows[first[group[at]]]) for at in again.tolist()):
        return rows[first], group
    rows = rows + 0.0  # -0.0 has other bytes
    whole = rows.view(np.dtype((np.void, rows.itemsize * rows.shape[1])))[:, 0]  # (N,)
    _, first, group = np.unique(whole, return_index=True, return_inverse=True)
    return rows[first], group


def _unit(rows: Rows) -> Rows:
    length = np.sqrt(np.einsum("nd,nd->n", rows, rows))[:, None]  # (N, 1)
    rows /= np.where(length > 0.0, length, 1)
    return rows


def _correlations(window: npt.ArrayLike, miners: int) -> Array:
    checked = sized("window", finite("window", window), miners, miners)
    if np.abs(checked).max(initial=0.0) > 1.0:
        place = tuple(int(at) for at in np.argwhere(np.abs(checked) > 1.0)[0])
        raise OutOfRange(f"window{list(place)} is {checked[place]}, expected -1 to 1")
    return checked
