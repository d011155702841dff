# SPDX-License-Identifier: Apache-2.0
"""What strategies earned in a world, in each seed: parts of the pool, and ratios to what honest work earned.

Miners are measured by honest ones who have no part in any attack, so that one attack does not blur what another gains.
"""

from __future__ import annotations

import numpy as np

from incentive.arrays import Array, Flags
from incentive.simulation.world import Lifetime

__all__ = ["capture", "each", "pool", "ratio", "yields"]


def ratio(a: Array, b: Array) -> Array:
    """a / b; nothing is as much as nothing, and something endlessly more."""
    nothing = np.where(a > 0.0, np.inf, 1.0)
    quotients: Array = np.divide(a, b, out=nothing, where=b > 0.0)
    return quotients


def pool(life: Lifetime, members: Flags) -> Array:
    """The part of the miners' pool that these earned together, (B,)."""
    part: Array = life.incentive[:, members].sum(axis=-1)
    return part


def each(life: Lifetime, members: Flags, honest: Flags) -> Array:
    """What one of these earned for each unit that an honest miner did, (B,)."""
    return ratio(life.incentive[:, members].mean(axis=-1), life.incentive[:, honest].mean(axis=-1))


def yields(life: Lifetime, validators: Flags, honest: Flags) -> Array:
    """Dividends for each unit of stake, relative to what honest validators got for theirs, (B,)."""
    earned = [
        ratio(life.dividends[:, who].sum(axis=-1), life.stake[:, who].sum(axis=-1)) for who in (validators, honest)
    ]
    return ratio(earned[0], earned[1])


def capture(life: Lifetime, miners: Flags, validators: Flags) -> Array:
    """What these miners earned of the pool for each part of all stake that these validators had, (B,)."""
    return ratio(pool(life, miners), life.stake[:, validators].sum(axis=-1))
