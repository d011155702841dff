# SPDX-License-Identifier: Apache-2.0
"""What a place on a chain costs: a uid on a subnet, or a subnet of one's own.

Both prices rise by each sale and fall while nobody buys, so that they find by themselves what a place is worth. What
a uid costs buys alpha of the subnet that nobody gets.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from incentive.emission.rao import HIGHEST, TAO, amount
from incentive.fixed import PROPORTION, U64F64

__all__ = ["BurnRules", "after_registration", "burn_decay_factor", "next_block", "subnet_lock_cost"]

_ONE: Final = 1 << 32  # of numbers with 32 bits behind the point


@dataclass(frozen=True, slots=True)
class BurnRules:
    """How the price of a uid moves: halved in `half_life` blocks, times `increase` (U64F64 bits) by each sale."""

    half_life: int = 360
    increase: int = U64F64.nearest(1.26)
    lowest: int = 500_000
    highest: int = 100 * TAO

    def clamp(self, burn: int) -> int:
        """The nearest price that the rules allow."""
        return min(max(burn, self.lowest), self.highest)


def burn_decay_factor(half_life: int) -> int:
    """What a price is multiplied with each block: the largest f, of 2^32, whose `half_life`-th power is at most 1/2.

    A half-life of 0 means no decay.
    """
    if amount("half_life", half_life, highest=PROPORTION) == 0:
        return _ONE
    low, high = 0, _ONE
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(middle, half_life) > _ONE // 2 else (middle, high)
    return low


def next_block(burn: int, rules: BurnRules, *, block: int) -> int:
    """The price of a uid in rao as a block begins; at the chain's first it does not fall."""
    factor = burn_decay_factor(rules.half_life) if block > 1 else _ONE
    return rules.clamp(amount("burn", burn) * factor >> 32)


def after_registration(burn: int, rules: BurnRules) -> int:
    """The price of a uid in rao after somebody paid it; a multiplier below 1 counts as 1."""
    increase = max(rules.increase, U64F64.one)
    return rules.clamp(U64F64.floor(U64F64.multiply(U64F64.of(amount("burn", burn)), increase)))


def subnet_lock_cost(
    last_lock: int, *, last_block: int, block: int, lowest: int = 1000 * TAO, interval: int = 14 * 7200
) -> int:
    """What a subnet costs in rao: twice the last one's price, which is back at that price after `interval` blocks.

    It falls on from there, to the `lowest`. A `last_block` of 0 means that no subnet was sold, and nothing is doubled.
    """
    last = amount("last_lock", last_lock)
    start = min(last * (2 if last_block else 1), HIGHEST)
    fallen = (last // interval if interval else 0) * max(block - last_block, 0)
    return max(start - fallen, lowest)


def _power(base: int, exponent: int) -> int:
    result = _ONE
    while exponent:
        if exponent & 1:
            result = result * base >> 32
        base = base * base >> 32
        exponent >>= 1
    return result
