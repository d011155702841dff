# SPDX-License-Identifier: Apache-2.0
"""The numbers in which a consensus is computed: the chain's I32F32 to the last bit, or float64.

Every rule of this package is written once, over the few operations below, and does not know which numbers it runs on.
`Fixed` gives what the chain will store. `Float` never rounds on the way, which suits sweeps over many networks at
once; `Grid` rounds as the chain does, and is within one unit of 1/65535 of what it stores. Arrays may have any number
of leading batch axes.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Ints
from incentive.fixed import I32F32, PROPORTION

__all__ = ["Arithmetic", "Cells", "FIXED", "FLOAT", "Fixed", "Float", "GRID", "Grid"]

Cells: TypeAlias = npt.NDArray[Any]
"""Numbers of one arithmetic: float64, or int64 bits."""

_EXP_LIMIT: Final = 20
_EXP_TERMS: Final = 32
_E: Final = 22_802_600 << 9
_STEPS: Final = 2.0**32


class Arithmetic(ABC):
    """What a consensus needs of its numbers."""

    dtype: type[np.generic]
    one: Any
    """The scalar 1."""

    @abstractmethod
    def constant(self, value: Fraction | float) -> Any:
        """A scalar, truncated where the numbers are coarser."""

    @abstractmethod
    def whole(self, values: npt.ArrayLike) -> Cells:
        """Numbers from whole ones, as weights and bonds are stored."""

    @abstractmethod
    def from_bits(self, bits: Sequence[int]) -> Cells:
        """Numbers from the bits of the chain's I32F32."""

    @abstractmethod
    def bits(self, x: Cells) -> list[int]:
        """The bits of the chain's I32F32 for each, from which amounts are made."""

    @abstractmethod
    def times(self, a: Cells, b: Cells) -> Cells:
        """Products, cell by cell."""

    @abstractmethod
    def over(self, a: Cells, b: Cells) -> Cells:
        """Quotients of 0 <= a <= b, cell by cell; `a` itself where b is 0."""

    @abstractmethod
    def exp(self, x: Cells) -> Cells:
        """e to the power of each, which the chain clamps to [-20, 20]."""

    @abstractmethod
    def to_u16(self, x: Cells) -> Ints:
        """Parts of one as the chain stores them: counts of 1/65535, floored."""

    def share(self, x: Cells, axis: int = -1) -> Cells:
        """Each cell's part of the sum along an axis; all zero where the sum is."""
        return self.over(x, x.sum(axis=axis, keepdims=True))

    def proportions(self, x: Cells) -> Cells:
        """Parts of one from counts of 1/65535."""
        return self.over(self.whole(x), self.whole(PROPORTION))


class Float(Arithmetic):
    """IEEE double precision."""

    dtype = np.float64
    one = 1.0

    def constant(self, value: Fraction | float) -> float:
        return float(value)

    def whole(self, values: npt.ArrayLike) -> Array:
        return np.asarray(values, dtype=np.float64)

    def from_bits(self, bits: Sequence[int]) -> Array:
        return np.array(bits, dtype=np.float64) / 2.0**32

    def bits(self, x: Cells) -> list[int]:
        return [int(cell) for cell in np.rint(np.ldexp(x, 32)).tolist()]

    def times(self, a: Cells, b: Cells) -> Cells:
        products: Array = np.multiply(a, b)
        return products

    def over(self, a: Cells, b: Cells) -> Cells:
        a, b = np.broadcast_arrays(a, b)
        quotients: Array = np.divide(a, b, out=a.astype(np.float64), where=b != 0.0)
        return quotients

    def exp(self, x: Cells) -> Cells:
        powers: Array = np.exp(np.clip(x, -_EXP_LIMIT, _EXP_LIMIT))
        return powers

    def to_u16(self, x: Cells) -> Ints:
        # Half a unit of the coarser format: what fixed point floors to n must not fall to n - 1 for a rounding error.
        return np.clip(np.floor(x * PROPORTION + 1e-5), 0, PROPORTION).astype(np.int64)


class Grid(Float):
    """Floats floored to the chain's steps of 2^-32 after every operation.

    Dust matters where stakes differ by ten orders of magnitude: what the chain floors to nothing and then divides by
    must be nothing here too. So the chain's own epoch is run on this, and agrees with `Fixed` for any network.
    """

    def times(self, a: Cells, b: Cells) -> Cells:
        return _floored(np.multiply(a, b))

    def over(self, a: Cells, b: Cells) -> Cells:
        return _floored(super().over(a, b))

    def to_u16(self, x: Cells) -> Ints:
        counts: Ints = np.floor(x * PROPORTION).astype(np.int64)  # exact: 32 and 16 bits
        return np.minimum(np.maximum(counts, 0), PROPORTION)


class Fixed(Arithmetic):
    """I32F32 bits in int64: products floored, quotients truncated, as `substrate-fixed` rounds.

    Nothing here saturates: a consensus handles parts of one, sums of at most 65536 of them, and exponents up to 20,
    all of which fit.
    """

    dtype = np.int64
    one = 1 << 32

    def constant(self, value: Fraction | float) -> int:
        return I32F32.saturate(math.trunc(Fraction(value) * self.one))

    def whole(self, values: npt.ArrayLike) -> Ints:
        return np.asarray(values, dtype=np.int64) << 32

    def from_bits(self, bits: Sequence[int]) -> Ints:
        return np.array(bits, dtype=np.int64)

    def bits(self, x: Cells) -> list[int]:
        whole: list[int] = x.tolist()
        return whole

    def times(self, a: Cells, b: Cells) -> Cells:
        a, b = np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64)
        a_high, b_high = a >> 32, b >> 32
        a_low, b_low = _low(a), _low(b)
        low = ((a_low * b_low) >> np.uint64(32)).astype(np.int64)
        cross = a_high * b_low.astype(np.int64) + a_low.astype(np.int64) * b_high
        products: Ints = ((a_high * b_high) << 32) + cross + low
        return products

    def over(self, a: Cells, b: Cells) -> Cells:
        a, b = np.broadcast_arrays(np.asarray(a, dtype=np.int64), np.asarray(b, dtype=np.int64))
        divisor = np.where(b == 0, 1, b)
        # A float quotient is off by one at most; the remainder, exact modulo 2^64, says by how much.
        guess = (a.astype(np.float64) / divisor.astype(np.float64) * 2.0**32).astype(np.int64)
        rest = (a << 32) - guess * divisor
        guess = guess + (rest >= divisor) - (rest < 0)
        quotients: Ints = np.where(b == 0, a, guess)
        return quotients

    def exp(self, x: Cells) -> Cells:
        bounded = np.clip(x, -_EXP_LIMIT * self.one, _EXP_LIMIT * self.one)
        size = np.abs(bounded)
        term, total = size, self.one + size
        for i in range(2, _EXP_TERMS):
            term = self.times(term, size) // i
            total = total + term
        one = np.full_like(total, self.one)
        powers: Ints = np.asarray(np.where(bounded < 0, self.over(one, total), total))
        powers[bounded == self.one] = _E
        return powers

    def to_u16(self, x: Cells) -> Ints:
        counts: Ints = (np.asarray(x, dtype=np.int64) * PROPORTION) >> 32
        return np.minimum(np.maximum(counts, 0), PROPORTION)


def _low(bits: Ints) -> npt.NDArray[np.uint64]:
    return (bits & 0xFFFF_FFFF).astype(np.uint64)


def _floored(x: Cells) -> Array:
    steps: Array = np.floor(x * _STEPS)
    return steps / _STEPS


FIXED: Final = Fixed()
FLOAT: Final = Float()
GRID: Final = Grid()
