# SPDX-License-Identifier: Apache-2.0
"""Other ways to count votes, with Yuma's interface, so that a designer can see what each would pay.

`Linear` adds weights up by stake and believes everyone; `Plurality` gives each validator one vote whatever its stake;
`Median` pays miners the majority's weight itself. None has bonds: who found a good miner first earns no more than who
copied. They answer the question what Yuma buys.
"""

from __future__ import annotations

from abc import abstractmethod
from fractions import Fraction
from typing import Any

import numpy as np

from incentive.arrays import Flags
from incentive.consensus.arithmetic import Cells
from incentive.consensus.median import weighted_median
from incentive.consensus.rules import Consensus, Network, Outcome

__all__ = ["Linear", "Median", "Plurality"]


class _Poll(Consensus):
    """A consensus without bonds: miners share by their poll, validators by what they say that agrees with it."""

    def run(self, network: Network) -> Outcome:
        numbers, voice = self.numbers, self.voice(network.stake)
        poll = self.poll(network.weights, voice)
        agreed = np.minimum(network.weights, poll[..., None, :]).sum(axis=-1)
        return Outcome(
            consensus=poll,
            ranks=poll,
            incentive=numbers.share(poll),
            dividends=self.dividends(voice, agreed, network.weights.sum(axis=-1) > 0),
            validator_trust=agreed,
            bonds=np.zeros_like(network.weights),
            held=np.zeros(network.weights.shape, dtype=np.bool_),
        )

    def voice(self, stake: Cells) -> Cells:
        """How much each validator's vote counts, (..., V), summing to one."""
        return self.numbers.share(stake)

    @abstractmethod
    def poll(self, weights: Cells, voice: Cells) -> Cells:
        """What the votes give each miner, (..., N)."""

    def dividends(self, voice: Cells, agreed: Cells, voted: Flags) -> Cells:
        """What each validator earns, (..., V), by its voice; who does not vote earns nothing."""
        return self.numbers.share(np.where(voted, voice, 0))


class Linear(_Poll):
    """The stake-weighted mean of the votes; a minority moves it as far as its stake reaches."""

    def poll(self, weights: Cells, voice: Cells) -> Cells:
        mean: Cells = self.numbers.times(weights, voice[..., None]).sum(axis=-2)
        return mean


class Plurality(Linear):
    """One validator, one vote: the mean of the votes of all who have any stake, which splitting a stake inflates."""

    def voice(self, stake: Cells) -> Cells:
        return self.numbers.share(self.numbers.whole(stake > 0))


class Median(_Poll):
    """The stake-weighted median of the votes, and dividends only for the part of a vote that agrees with it."""

    def poll(self, weights: Cells, voice: Cells) -> Cells:
        return weighted_median(self.numbers, weights, voice, self._kappa())

    def dividends(self, voice: Cells, agreed: Cells, voted: Flags) -> Cells:
        return self.numbers.share(self.numbers.times(voice, agreed))

    def _kappa(self) -> Any:
        return self.numbers.constant(Fraction(self.rules.kappa))
