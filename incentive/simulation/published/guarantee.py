# SPDX-License-Identifier: Apache-2.0
"""The cases of which subtensor asserts that an honest majority keeps its stake.

Source: opentensor/subtensor pallets/subtensor/src/tests/consensus.rs, `test_consensus_guarantees`. They are drawn as
that test draws them, so that no allowance for chance is made.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from incentive.consensus import Rules
from incentive.simulation.published.camps import Sizes, camps, honest_emission
from incentive.simulation.published.figure import Figure
from incentive.simulation.published.stdrng import StdRng

__all__ = ["consensus_guarantees"]

_SEED: Final = 0


def consensus_guarantees(table: Mapping[str, Any]) -> Iterator[Figure]:
    """By how much honest emission falls short of honest stake in each case, which must be nothing."""
    for stake, honest, cabal, deviation in table["rows"]:
        drawn = camps(stake, Sizes(weight_deviation=deviation), StdRng(_SEED).normal)
        dividends, incentive = honest_emission(drawn, Rules(), np.array([honest]), np.array([cabal]))
        emission = float(dividends[0] + incentive[0]) / 2
        name = f"S_H {stake}, W_H {honest}, W_C {cabal}, sigma {deviation}: emission short of stake"
        yield Figure(name, 0.0, max(stake - emission, 0.0), 0.0)
