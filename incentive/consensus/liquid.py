# SPDX-License-Identifier: Apache-2.0
"""Liquid alpha: how fast each bond moves, from how far its weight is from consensus.

A validator that raises a weight ahead of the others, or lowers one on which it holds a large bond, moves its bond
faster than one that follows; so finding a good miner first pays. On a wide subnet all weights are small, every
difference is near zero, and the speed stays at its floor.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from incentive.arrays import Flags, Ints
from incentive.consensus.arithmetic import Arithmetic, Cells
from incentive.consensus.rules import Liquid

__all__ = ["rates", "walked"]


def rates(numbers: Arithmetic, liquid: Liquid, weights: Cells, bonds: Cells, consensus: Cells) -> Cells:
    """The share of each bond, (..., V, N), that this epoch replaces: a sigmoid from `low` to `high`."""
    low, high = numbers.constant(liquid.low), numbers.constant(liquid.high)
    one, half = numbers.one, numbers.constant(Fraction(1, 2))
    bought = np.clip(weights - consensus[..., None, :], 0, one)
    sold = np.clip(bonds - weights, 0, one)
    difference = np.where(weights >= bonds, bought, sold)  # (..., V, N)
    slope = numbers.constant(-Fraction(liquid.steepness))
    growth = numbers.exp(numbers.times(slope, difference - half))
    sigmoid = numbers.over(np.full_like(growth, one), one + growth)
    alpha: Cells = np.clip(low + numbers.times(sigmoid, _scalar(numbers, high - low)), low, high)
    return alpha


def walked(order: tuple[Ints, ...] | None, listed: Flags) -> Flags:
    """Which listed cells the chain sees when it walks rows by ascending column: in an unsorted row, not all."""
    if order is None:
        return listed
    seen = np.zeros_like(listed)
    for row, columns in enumerate(order):
        present = columns[listed[row, columns]]
        before = np.maximum.accumulate(np.concatenate(([-1], present)))[:-1]
        seen[row, present[present > before]] = True
    return seen


def _scalar(numbers: Arithmetic, value: Any) -> Cells:
    return np.asarray(value, dtype=numbers.dtype)
