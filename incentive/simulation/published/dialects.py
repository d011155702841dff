# SPDX-License-Identifier: Apache-2.0
"""How others write Yuma: each class states only where that differs from the chain.

`Drifting` is the rule of subtensor docs/consensus.md, in which moved bonds are not shared out again. The others are
the versions of bactensor/yuma-simulation, which adds 1e-6 to its divisors, rounds the consensus down to parts of
65535 of its sum, and lets servers win by rank alone if asked. They exist to reproduce published numbers and to show how
little the differences matter; nothing pays by them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, TypeAlias

import numpy as np

from incentive.arrays import Array
from incentive.consensus import Network, Outcome, Rules, Yuma1, Yuma3
from incentive.consensus.arithmetic import Cells
from incentive.consensus.liquid import rates
from incentive.consensus.yuma import Agreement, Bonds, Yuma
from incentive.fixed import PROPORTION

__all__ = [
    "Capacity",
    "Delayed",
    "Drifting",
    "Instant",
    "Laggard",
    "Prizes",
    "Relative",
    "by_rank",
    "winner_takes_all",
]

Prizes: TypeAlias = Callable[[Array], Array]
"""What servers get for their ranks, (..., N), in any unit."""

_LITTLE: Final = 1e-6
_NO_CONSENSUS: Final = -(2**31) / PROPORTION
"""0 / 0 in parts of 65535 where a cast turns NaN into the least whole number of 32 bits."""


def by_rank(ranks: Array) -> Array:
    """Servers share in proportion to rank."""
    return ranks


def winner_takes_all(ranks: Array) -> Array:
    """The servers of the highest rank share everything."""
    won: Array = (ranks == ranks.max(axis=-1, keepdims=True)).astype(np.float64)
    return won


class Drifting(Yuma1):
    """Bonds move toward shares of a server and are not made shares again; the first epoch starts from its own."""

    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        weights, _ = self.bond_weights(network, agreement)
        instant = self.numbers.share(weights * network.stake[..., None], axis=-2)
        bonds = self.settled(network, agreement, instant) if network.bonds.any() else instant
        return Bonds(bonds, bonds > 0, self.divided((bonds * incentive[..., None, :]).sum(axis=-1)))

    def settled(self, network: Network, agreement: Agreement, instant: Cells) -> Cells:
        """The bonds, (..., V, N), on their way from the old ones to those of this instant."""
        return self.moved(instant, network.bonds)

    def divided(self, paid: Cells) -> Cells:
        """Dividends from what each validator is paid, (..., V)."""
        return self.numbers.share(paid)


class _Simulated(Yuma):
    """What all versions of yuma-simulation share."""

    def __init__(self, rules: Rules, prizes: Prizes = by_rank) -> None:
        super().__init__(rules)
        self.prizes = prizes

    def run(self, network: Network) -> Outcome:
        return super().run(replace(network, weights=network.weights / (1 + _LITTLE)))

    def agree(self, network: Network) -> Agreement:
        consensus = super().agree(network).consensus
        total = consensus.sum(axis=-1, keepdims=True)
        parts = np.floor(consensus / np.where(total > 0, total, 1) * PROPORTION) / PROPORTION
        cut = np.where(total > 0, parts, _NO_CONSENSUS)
        clipped = self.clip(network, cut)
        ranks = (clipped * network.stake[..., None]).sum(axis=-2)
        return Agreement(cut, clipped, clipped.sum(axis=-1), self.prizes(ranks))

    def clip(self, network: Network, consensus: Cells) -> Cells:
        """Weights, (..., V, N), none above the consensus."""
        clipped: Cells = np.minimum(network.weights, consensus[..., None, :])
        return clipped

    def divided(self, paid: Cells) -> Cells:
        """Dividends from what each validator is paid, (..., V)."""
        return _part(paid, axis=-1)


class Instant(_Simulated, Yuma1):
    """Its Yuma 1: bonds do not move, they are those of this epoch."""

    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        weights, _ = self.bond_weights(network, agreement)
        bonds = _part(_part(weights * network.stake[..., None], axis=-2), axis=-2)
        return Bonds(bonds, bonds > 0, self.divided((bonds * incentive[..., None, :]).sum(axis=-1)))


class Delayed(_Simulated, Drifting):
    """Its Yuma 2: bonds move, but nine tenths of the way in each epoch."""


class Laggard(Delayed):
    """Its Yuma 2B: the weights of the last epoch are clipped and bonded, to the consensus of this one.

    It remembers weights from one run to the next, so each history needs its own.
    """

    def __init__(self, rules: Rules, prizes: Prizes = by_rank) -> None:
        super().__init__(rules, prizes)
        self._last: Cells | None = None

    def run(self, network: Network) -> Outcome:
        outcome = super().run(network)
        self._last = network.weights / (1 + _LITTLE)
        return outcome

    def clip(self, network: Network, consensus: Cells) -> Cells:
        return super().clip(self._lagging(network), consensus)

    def bond_weights(self, network: Network, agreement: Agreement) -> tuple[Cells, np.ndarray]:
        return super().bond_weights(self._lagging(network), agreement)

    def _lagging(self, network: Network) -> Network:
        return network if self._last is None else replace(network, weights=self._last)


class Capacity(_Simulated, Yuma1):
    """Its Yuma 2C: a validator buys bonds with a tenth of its stake an epoch, up to its stake; a tenth decays."""

    _bought: Final = 0.1
    _kept: Final = 0.9

    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        stake = network.stake[..., None]
        affordable = np.minimum(self._bought * stake, np.maximum(stake - network.bonds, 0))
        bonds = np.minimum(self._kept * network.bonds + affordable * network.weights, stake)
        shares = self.numbers.share(bonds, axis=-2)
        return Bonds(bonds, bonds > 0, self.divided((shares * incentive[..., None, :]).sum(axis=-1)))


class Relative(_Simulated, Yuma3):
    """Its Yuma 3: bonds on servers without a weight decay and do not vanish; the first epoch has a steady speed."""

    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        weights, old = network.weights, network.bonds
        if self.rules.liquid is None or not old.any():
            bonds = self.moved(weights, old)
        else:
            alpha = rates(self.numbers, self.rules.liquid, weights, old, agreement.consensus)
            bonds = np.minimum((1 - alpha) * old + alpha * weights, 1)
        paid = network.stake * (_part(bonds, axis=-2) * incentive[..., None, :]).sum(axis=-1)
        return Bonds(bonds, bonds > 0, self.divided(paid))


def _part(amounts: Cells, axis: int) -> Cells:
    """Parts of the sum along an axis and a little more, which makes them add up to a little less than one."""
    parts: Cells = amounts / (amounts.sum(axis=axis, keepdims=True) + _LITTLE)
    return parts
