# SPDX-License-Identifier: Apache-2.0
"""The operations in which the arithmetics differ; which one a loop gets is decided when it is compiled, by type.

Whole numbers give to the last bit what `arithmetic.Fixed` gives, as long as cells are parts of one, or sums of parts:
from 0 to 2^32, or from 0 to 2^61 where they are divided by their sum. Floats are divided by multiplying with an
inverse; what adds up to less than 2^-1000 counts as nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numba import types
from numba.extending import overload

from incentive.consensus.arithmetic import Cells

__all__ = [
    "amount",
    "between",
    "inverse",
    "middle",
    "minority",
    "narrow",
    "over",
    "part",
    "proportion",
    "put",
    "row_total",
    "small",
    "times",
    "whole",
    "wide",
]

Cell: TypeAlias = Any
Kind: TypeAlias = Any  # numba's type of an argument
Code: TypeAlias = Callable[..., Any]

_ONE: Final = 1 << 32
_NEARLY: Final = _ONE - 1
_FRACTION: Final = np.uint64(32)
_LOW: Final = np.uint64(0xFFFF_FFFF)
# Floats get a quotient below 2^32 right to 2^-19: times this it is never too large, and one too small at most.
_SHORT: Final = 1.0 - 2.0**-50
_NOTHING: Final = 2.0**-1000
_LAST: Final = 65_535
_HALF_UNIT: Final = 1e-5  # as in `arithmetic.Float.to_u16`
_TIE: Final = 1e-12  # as in `median`
_FINE: Final = 2.0**60
"""Parts of the stake in a float's share of it: so fine that rounding up to whole ones breaks no tie."""


def times(a: Cell, b: Cell) -> Cell:
    """The product of parts of one."""


def between(weight: Cell, clipped: Cell, penalty: Cell) -> Cell:
    """The weight that a bond follows, from the one that was set, at 0, to the clipped one, at 1."""


def middle(low: Cell, high: Cell) -> Cell:
    """A number half way from low to high, below high unless they are the same."""


def inverse(total: Cell) -> Any:
    """What `over` needs of a divisor, which is not a whole 0."""


def over(a: Cell, total: Cell, rate: float) -> Cell:
    """The quotient of a part and the total whose inverse is the rate."""


def part(cell: Cell, total: Cell, rate: float) -> Cell:
    """A weight: itself, or from a count, its part of the row's total."""


def amount(cell: Cell, like: Cell) -> Cell:
    """A bond in any unit, as a number like the other."""


def proportion(cell: Cell, like: Cell) -> Cell:
    """A bond: itself, or from a count, that many 1/65535."""


def put(row: Cells, j: int, cell: Cell) -> None:
    """Store a cell, as a count where the row has counts."""


def row_total(counts: Cells, i: int) -> Any:
    """What a row of counts adds up to, at least 1; 1 if it has other cells."""


def whole(share: Cell) -> Any:
    """A share of stake in units so fine that whole ones do."""


def small(votes: Cells, cells: Cells) -> Any:
    """Nothing, of the types in which weights are compared and stake is added; for counts they are half as wide."""


def narrow(weight: Cell, like: Cells) -> Any:
    """A weight as such."""


def wide(weight: Any) -> Cell:
    """The weight that it was."""


def minority(shares: Cell, kappa: Cell) -> Any:
    """The stake to pass over, in such units: what all have beyond the majority."""


def _by_type(operation: Code) -> Callable[[Code], Code]:
    # Not strict: numba would compare annotations too, which are those of types here and of cells there.
    choose: Callable[[Code], Code] = overload(operation, strict=False)
    return choose


def _is_whole(kind: Kind) -> bool:
    return isinstance(kind, types.Integer)


def _is_count(kind: Kind) -> bool:
    return bool(kind == types.uint16)


@_by_type(times)
def _times(a: Kind, b: Kind) -> Code:
    def fixed(a: Cell, b: Cell) -> Cell:
        low = np.int64(((np.uint64(a) & _LOW) * (np.uint64(b) & _LOW)) >> _FRACTION)
        return b if a == _ONE else (a if b == _ONE else low)

    return fixed if _is_whole(a) else lambda a, b: a * b


@_by_type(between)
def _between(weight: Kind, clipped: Kind, penalty: Kind) -> Code:
    def fixed(weight: Cell, clipped: Cell, penalty: Cell) -> Cell:
        # The chain floors a negative product; what is subtracted here is positive and rounded up.
        cut = weight - clipped
        product = np.int64((np.uint64(cut) * np.uint64(penalty) + _LOW) >> _FRACTION)
        return clipped if penalty == _ONE else weight - (penalty if cut == _ONE else product)

    def floating(weight: Cell, clipped: Cell, penalty: Cell) -> Cell:
        return clipped if penalty == 1.0 else clipped * penalty + weight * (1.0 - penalty)

    return fixed if _is_whole(weight) else floating


@_by_type(middle)
def _middle(low: Kind, high: Kind) -> Code:
    def floating(low: Cell, high: Cell) -> Cell:
        half = low + (high - low) * 0.5
        return low if half >= high else half

    return (lambda low, high: (low + high) >> 1) if _is_whole(low) else floating


@_by_type(inverse)
def _inverse(total: Kind) -> Code:
    def floating(total: Cell) -> float:
        return 1.0 / total if total > _NOTHING else 0.0

    return (lambda total: 2.0**32 * _SHORT / total) if _is_whole(total) else floating


@_by_type(over)
def _over(a: Kind, total: Kind, rate: Kind) -> Code:
    def fixed(a: Cell, total: Cell, rate: float) -> Cell:
        guess = np.int64(np.float64(a) * rate)
        # Exact modulo 2^64, and so exact: it is at least 0 and less than twice the total.
        rest = (a << 32) - guess * total
        return guess + np.int64(rest >= total)

    return fixed if _is_whole(a) else lambda a, total, rate: a * rate


@_by_type(part)
def _part(cell: Kind, total: Kind, rate: Kind) -> Code:
    if not _is_count(cell):
        return lambda cell, total, rate: cell
    if _is_whole(total):
        return lambda cell, total, rate: over(np.int64(cell), total, rate)
    return lambda cell, total, rate: over(np.float64(cell), total, rate)


@_by_type(amount)
def _amount(cell: Kind, like: Kind) -> Code:
    if not _is_count(cell):
        return lambda cell, like: cell
    return (lambda cell, like: np.int64(cell)) if _is_whole(like) else (lambda cell, like: np.float64(cell))


@_by_type(proportion)
def _proportion(cell: Kind, like: Kind) -> Code:
    if not _is_count(cell):
        return lambda cell, like: cell
    if _is_whole(like):
        # 2^32 / 65535 is 65537 and a little, which counts for the last one only.
        return lambda cell, like: np.int64(cell) * 65_537 + np.int64(cell == _LAST)
    return lambda cell, like: np.float64(cell) / _LAST


@_by_type(put)
def _put(row: Kind, j: Kind, cell: Kind) -> Code:
    def plain(row: Cells, j: int, cell: Cell) -> None:
        row[j] = cell

    def fixed(row: Cells, j: int, cell: Cell) -> None:
        row[j] = (cell * _LAST) >> 32

    def floating(row: Cells, j: int, cell: Cell) -> None:
        row[j] = np.int64(min(cell * _LAST + _HALF_UNIT, float(_LAST)))

    if not _is_count(row.dtype):
        return plain
    return fixed if _is_whole(cell) else floating


@_by_type(row_total)
def _row_total(counts: Kind, i: Kind) -> Code:
    def counted(counts: Cells, i: int) -> Any:
        total: Any = np.int64(0)
        for j in range(counts.shape[1]):
            total += np.int64(counts[i, j])
        return max(total, 1)

    return counted if _is_count(counts.dtype) else lambda counts, i: 1


@_by_type(whole)
def _whole(share: Kind) -> Code:
    return (lambda share: share) if _is_whole(share) else lambda share: np.int64(np.ceil(share * _FINE))


@_by_type(minority)
def _minority(shares: Kind, kappa: Kind) -> Code:
    def floating(shares: Cell, kappa: Cell) -> Any:
        return np.int64(np.floor((shares - kappa + _TIE) * _FINE))

    return (lambda shares, kappa: shares - kappa) if _is_whole(shares) else floating


@_by_type(small)
def _small(votes: Kind, cells: Kind) -> Code:
    if _is_count(votes.dtype) and _is_whole(cells.dtype):
        return lambda votes, cells: (np.empty(0, np.uint32), np.empty(0, np.uint32))
    return lambda votes, cells: (np.empty(0, cells.dtype), np.empty(0, np.int64))


@_by_type(narrow)
def _narrow(weight: Kind, like: Kind) -> Code:
    if like.dtype != types.uint32:
        return lambda weight, like: weight
    # One itself does not fit; no other part of a row of counts is that near to it.
    return lambda weight, like: np.uint32(min(weight, _NEARLY))


@_by_type(wide)
def _wide(weight: Kind) -> Code:
    if weight != types.uint32:
        return lambda weight: weight
    return lambda weight: np.int64(weight) + np.int64(weight == _NEARLY)
