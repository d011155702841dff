# SPDX-License-Identifier: Apache-2.0
"""The stake-weighted median: the largest weight on a miner that a majority of stake supports.

Sorted from the lowest, weights are passed over until the stake behind them exceeds the minority, 1 - kappa; the weight
reached is the consensus. At an exact tie the next higher weight wins, as on the chain. A validator that lists no
weight for a miner votes zero.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from incentive.consensus.arithmetic import Arithmetic, Cells

__all__ = ["weighted_median"]

_TIE: Final = 1e-12
"""Floats this close are a tie, which the chain's whole numbers see exactly."""


def weighted_median(numbers: Arithmetic, weights: Cells, stake: Cells, kappa: Any) -> Cells:
    """For each column of weights, (..., V, N), the weighted median, (..., N), by the stake of the rows, (..., V)."""
    if not stake.shape[-1]:
        return np.zeros((*weights.shape[:-2], weights.shape[-1]), dtype=numbers.dtype)  # nobody votes
    stake = numbers.share(stake)
    slack = 0 if np.issubdtype(numbers.dtype, np.integer) else _TIE
    minority = stake.sum(axis=-1)[..., None, None] - kappa + slack
    voting = (stake > 0)[..., None]

    order = np.argsort(weights, axis=-2, kind="stable")  # (..., V, N) ascending per miner
    behind = np.take_along_axis(np.broadcast_to(stake[..., None], weights.shape), order, axis=-2)
    supported = np.cumsum(behind, axis=-2) > minority  # (..., V, N) stake at or below each weight
    first = np.argmax(supported & (behind > 0), axis=-2, keepdims=True)
    median = np.take_along_axis(np.take_along_axis(weights, order, axis=-2), first, axis=-2)[..., 0, :]

    # No stake exceeds the minority where kappa is zero: then the highest vote counts, and zero if nobody votes.
    highest = np.where(voting, weights, 0).max(axis=-2)
    found: Cells = np.where(supported.any(axis=-2), median, highest)
    return np.where(voting.any(axis=-2), found, 0)
