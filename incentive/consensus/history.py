# SPDX-License-Identifier: Apache-2.0
"""Many epochs in a row: each starts from the bonds that the last one left.

What a rule pays shows only over time: who finds a good miner first earns while the others still follow. Weights and
stakes may have leading batch axes, so that one call follows many networks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from incentive.arrays import Array
from incentive.consensus.rules import Consensus, Network, Outcome
from protocols.errors import WrongShape

__all__ = ["Before", "history"]

Before: TypeAlias = Callable[[int, Network], Network]
"""What happens to a network before an epoch: its number and the network in, the network that is run out."""


def history(
    consensus: Consensus, weights: Sequence[Array], stakes: Sequence[Array], before: Before | None = None
) -> list[Outcome]:
    """Run an epoch for each weights, (..., V, N), and stakes, (..., V); bonds are carried from one to the next.

    outcomes = history(Yuma3(), [weights] * 40, [stake] * 40)
    paid = sum(outcome.dividends for outcome in outcomes)
    """
    if len(weights) != len(stakes):
        raise WrongShape(
            f"weights of {len(weights)} epochs beside stakes of {len(stakes)}, expected as many",
            help="repeat a stake that stays the same: [stake] * len(weights)",
        )
    outcomes: list[Outcome] = []
    for epoch, (votes, stake) in enumerate(zip(weights, stakes, strict=True)):
        network = Network.of(votes, stake, outcomes[-1].bonds if outcomes else None)
        outcomes.append(consensus.run(network if before is None else before(epoch, network)))
    return outcomes
