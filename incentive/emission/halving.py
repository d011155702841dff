# SPDX-License-Identifier: Apache-2.0
"""How much is emitted a block: one TAO, halved each time that half of what was left has been issued.

The same curve gives TAO by the TAO issued and a subnet's alpha by its alpha issued. Thresholds follow issuance, not
time, so recycled amounts put the next halving off.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from incentive.emission.rao import TAO, amount
from incentive.fixed import I96F32
from protocols.errors import OutOfRange

__all__ = ["BLOCKS_PER_DAY", "Halving", "SUPPLY", "block_emission", "halvings", "threshold"]

SUPPLY: Final = 21_000_000 * TAO
"""What will ever be issued, in rao."""

BLOCKS_PER_DAY: Final = 7200
"""Blocks of 12 seconds in a day."""

_LAST_HALVING: Final = 30  # a block emits 1 rao from the 29th on and nothing from the 30th on


@dataclass(frozen=True, slots=True)
class Halving:
    """One step of the curve: from `issuance` on a block emits `block_emission`, for `blocks` blocks."""

    number: int
    issuance: int
    block_emission: int
    blocks: int

    @property
    def per_day(self) -> int:
        """The rao emitted in a day."""
        return self.block_emission * BLOCKS_PER_DAY


def block_emission(issuance: int) -> int:
    """The rao emitted in a block, where that many are issued already.

    block_emission(10_500_000 * TAO) == 500_000_000
    """
    issued = I96F32.of(amount("issuance", issuance))
    if issued >= I96F32.of(SUPPLY):
        return 0
    left = I96F32.one - I96F32.divide(issued, I96F32.of(SUPPLY))
    halved = I96F32.divide(I96F32.one, left).bit_length() - I96F32.one.bit_length()  # the floor of log2(1 / left)
    return I96F32.floor(I96F32.multiply(I96F32.one >> halved, I96F32.of(TAO)))


def threshold(number: int) -> int:
    """The smallest issuance in rao at which emission has been halved that many times, at most 30: then it is zero."""
    if not 0 <= number <= _LAST_HALVING:
        raise OutOfRange(f"number is {number}, expected 0 to {_LAST_HALVING}")
    # Emission only falls, so its negative is in ascending order.
    return bisect_left(range(SUPPLY + 1), -(TAO >> number), key=lambda issuance: -block_emission(issuance))


def halvings() -> Iterator[Halving]:
    """The whole curve, one step after another until a block emits nothing."""
    for number in range(_LAST_HALVING):
        start, end, emission = threshold(number), threshold(number + 1), TAO >> number
        yield Halving(number, start, emission, blocks=-(-(end - start) // emission))
