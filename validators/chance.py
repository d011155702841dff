# SPDX-License-Identifier: Apache-2.0
"""Random numbers of a round, which follow from the validator's seed and the round's number alone.

A validator that was stopped and started again therefore chooses as if nothing had happened, and an auditor with the
seed can choose with it.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np

__all__ = ["Purpose", "chance"]


class Purpose(IntEnum):
    """What random numbers are for: each purpose has its own, so that one does not move the other."""

    SAMPLE = 0
    TASKS = 1
    VARIANTS = 2


def chance(seed: int, number: int, purpose: Purpose) -> np.random.Generator:
    """The random numbers of one round."""
    return np.random.default_rng([seed, number, int(purpose)])
