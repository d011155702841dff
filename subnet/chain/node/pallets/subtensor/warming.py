# SPDX-License-Identifier: Apache-2.0
"""The first large epoch loads machine code, for seconds, and on a new machine compiles it; no block should wait for it.

Whoever starts a node calls `warm` in a thread before the first block. A chain of small networks does without.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import numpy as np

from incentive.consensus import FIXED, Epoch, Ledger, Lists, Rules, Settings, Yuma1, Yuma3

__all__ = ["warm"]

_MINERS: Final = 256
_VALIDATORS: Final = 64
_BLOCK: Final = 1000
_ONE: Final = 1 << 64


def warm() -> None:
    """Run an epoch of the smallest network that is worth machine code, by each version of the rules."""
    row = [(uid, 1 + uid) for uid in range(_MINERS)]
    rows = [row if uid < _VALIDATORS else [] for uid in range(_MINERS)]
    ledger = Ledger(
        block=_BLOCK,
        registered=np.zeros(_MINERS, dtype=np.int64),
        last_update=np.full(_MINERS, _BLOCK, dtype=np.int64),
        permits=np.arange(_MINERS) < _VALIDATORS,
        stake=[(_MINERS - uid) * _ONE for uid in range(_MINERS)],
        weights=Lists.of(rows),
        bonds=Lists.of(rows),
        last_step=_BLOCK - 1,
    )
    for version in (Yuma1, Yuma3):
        settings = Settings(Rules(kappa=Fraction(1, 2)), version, _VALIDATORS, _BLOCK, _BLOCK)
        Epoch(settings, FIXED).run(ledger, _BLOCK)
