# SPDX-License-Identifier: Apache-2.0
"""Weights as the 16-bit numbers that go on a chain, rounded as the chain rounds, and nothing lost in silence.

The chain stretches every vector until its largest entry is 65535. Whatever is below half of a 65535th of the largest
becomes zero, and a long tail of honest miners earns nothing without anyone having decided that: so what is lost is
named, and `incentive.weights.floor` prevents it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, nonnegative, shares, sized
from incentive.fixed import I32F32, PROPORTION
from protocols.errors import OutOfRange

__all__ = ["Quantised", "from_u16", "max_upscale", "quantise", "to_u16", "upscale_u16"]


def max_upscale(bits: Sequence[int]) -> list[int]:
    """I32F32 weights, none negative, stretched to 65535 (RaoFoundation/subtensor, `vec_max_upscale_to_u16`).

    `bits` are raw: `I32F32.of(1)` is one. Exact in every branch, also where the chain itself loses a unit.
    """
    if any(not 0 <= x <= I32F32.highest for x in bits):
        raise OutOfRange(f"bits are {min(bits)} to {max(bits)}, expected 0 to {I32F32.highest}")
    largest, u16_max = max(bits, default=0), I32F32.of(PROPORTION)
    if largest == 0:
        return [0] * len(bits)
    if largest > I32F32.of(32_768):
        # The product with 65535 would not fit, so the chain divides first, and rounds twice.
        stretch = I32F32.divide(u16_max, largest)
        return [_rounded(I32F32.multiply(x, stretch)) for x in bits]
    return [_rounded(I32F32.divide(I32F32.multiply(x, u16_max), largest)) for x in bits]


def upscale_u16(values: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """What the chain stores of 16-bit weights that were sent (`vec_u16_max_upscale_to_u16`)."""
    return np.array(max_upscale([I32F32.of(value) for value in _u16(values).tolist()]), dtype=np.uint16)


def to_u16(weights: npt.ArrayLike) -> npt.NDArray[np.uint16]:
    """Weights of N miners, (N,), as the chain will store them: the largest is 65535.

    Taken relative to the largest before they become I32F32, so that only their proportions count.
    """
    given = nonnegative("weights", weights)
    sized("weights", given, given.size)
    largest = given.max(initial=0.0)
    relative = given / largest if largest > 0.0 else given
    bits = np.rint(np.ldexp(relative, I32F32.fraction)).astype(np.int64)
    return np.array(max_upscale(bits.tolist()), dtype=np.uint16)


def from_u16(values: npt.ArrayLike) -> Array:
    """The shares that 16-bit weights stand for; all zero where they are."""
    return shares(_u16(values).astype(np.float64))


@dataclass(frozen=True, slots=True)
class Quantised:
    """A weight vector as it is sent, and whom the rounding cost everything."""

    uids: tuple[int, ...]
    values: tuple[int, ...]
    lost: tuple[int, ...]
    """Uids whose weight is above zero and rounds to 0."""

    def to_dict(self) -> dict[str, Any]:
        """The vector as plain values."""
        return {"uids": list(self.uids), "values": list(self.values), "lost": list(self.lost)}


def quantise(weights: npt.ArrayLike) -> Quantised:
    """The weights of uids 0 to N - 1 as a chain takes them: those above zero, uids ascending.

    quantise(floor(weights)).lost == ()
    """
    given = nonnegative("weights", weights)
    values = to_u16(given)
    kept = np.flatnonzero(values)
    lost = np.flatnonzero((values == 0) & (given > 0.0))
    return Quantised(tuple(kept.tolist()), tuple(values[kept].tolist()), tuple(lost.tolist()))


def _rounded(bits: int) -> int:
    """The nearest whole number that 16 bits hold, halves up."""
    return min((bits + (I32F32.one >> 1)) >> I32F32.fraction, PROPORTION)


def _u16(values: npt.ArrayLike) -> npt.NDArray[np.int64]:
    given = nonnegative("values", values)
    bad = (given != np.floor(given)) | (given > PROPORTION)
    if bad.any():
        raise OutOfRange(f"values hold {given[bad][0]}, expected whole numbers from 0 to {PROPORTION}")
    return given.astype(np.int64)
