# SPDX-License-Identifier: Apache-2.0
"""Yuma consensus: weights above what a majority of stake supports are cut, and validators earn by bonds on miners.

Miners share by stake-weighted clipped weights (incentive). A validator's bond on a miner grows with the weight it
gives and moves slowly, so who found a good miner early earns more than who follows (dividends). `Yuma` is what all
versions share; `Yuma1` and `Yuma3` state only how bonds move and pay.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Flags, Ints
from incentive.consensus import compiled
from incentive.consensus.arithmetic import Cells
from incentive.consensus.compiled import Spread
from incentive.consensus.liquid import rates, walked
from incentive.consensus.median import weighted_median
from incentive.consensus.rules import Consensus, Network, Outcome

__all__ = ["Agreement", "Bonds", "Counts", "Yuma", "Yuma1", "Yuma3"]

Counts: TypeAlias = npt.NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Agreement:
    """What the votes say about miners."""

    consensus: Cells  # (..., N)
    clipped: Cells  # (..., V, N) weights, none above consensus
    trust: Cells  # (..., V)
    ranks: Cells  # (..., N)


@dataclass(frozen=True, slots=True)
class Bonds:
    """Where validators' bonds stand after an epoch."""

    stored: Cells  # (..., V, N)
    held: Flags  # (..., V, N)
    dividends: Cells  # (..., V)


class Yuma(Consensus):
    """The frame of every version: agree on miners, then pay validators by their bonds."""

    def run(self, network: Network) -> Outcome:
        return compiled.epoch(self.kernel(), self.rules, self.numbers, network, None) or self.reference(network)

    def settle(self, weights: Counts, stake: Cells, bonds: Counts, spread: Spread | None = None) -> Outcome:
        """One epoch of 16-bit counts as a chain stores them, (V, N); the bonds of the outcome are such counts again.

        On a large network this is several times faster than the same with wide numbers: most of the time is memory's.
        With the `map` of a pool of threads as `spread` its columns are shared out among them.
        """
        network = Network(weights, stake, bonds)
        outcome = compiled.epoch(self.kernel(), self.rules, self.numbers, network, spread)
        if outcome is not None:
            return outcome
        numbers = self.numbers
        outcome = self.reference(Network(numbers.share(numbers.whole(weights)), stake, self.stored(bonds)))
        return replace(outcome, bonds=numbers.to_u16(outcome.bonds).astype(np.uint16))

    def reference(self, network: Network) -> Outcome:
        """The same epoch, always in numpy."""
        agreement = self.agree(network)
        incentive = self.numbers.share(agreement.ranks)
        bonds = self.invest(network, agreement, incentive)
        return Outcome(
            consensus=agreement.consensus,
            ranks=agreement.ranks,
            incentive=incentive,
            dividends=bonds.dividends,
            validator_trust=agreement.trust,
            bonds=bonds.stored,
            held=bonds.held,
        )

    def agree(self, network: Network) -> Agreement:
        """The consensus on each miner, weights clipped to it, and what they add up to."""
        weights, stake = network.weights, network.stake
        consensus = weighted_median(self.numbers, weights, stake, self.numbers.constant(self.rules.kappa))
        clipped = np.minimum(weights, consensus[..., None, :])
        ranks = self.numbers.times(clipped, stake[..., None]).sum(axis=-2)
        return Agreement(consensus, clipped, clipped.sum(axis=-1), ranks)

    def keeps_order(self, outcome: Outcome) -> bool:
        """Whether the chain stores an epoch's bonds in the order in which the weights were listed."""
        return False

    def kernel(self) -> str | None:
        """The machine code that computes the same; a subclass that changes anything has none."""
        return None

    @abstractmethod
    def stored(self, counts: Counts | Ints) -> Cells:
        """Bonds as the mathematics takes them, from the 16-bit counts that a chain stores."""

    @abstractmethod
    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        """Move the bonds and pay their holders."""

    def bond_weights(self, network: Network, agreement: Agreement) -> tuple[Cells, Flags]:
        """The weights that bonds follow: as set, as clipped, or between; and which of them count as listed."""
        numbers, weights, clipped = self.numbers, network.weights, agreement.clipped
        listed = weights > 0 if network.listed is None else network.listed
        if self.rules.bonds_penalty == 0:
            return weights, listed
        if self.rules.bonds_penalty == 1:
            cut = (weights > agreement.consensus[..., None, :]) & (agreement.consensus <= 0)[..., None, :]
            return clipped, listed & ~cut
        penalty = np.asarray(numbers.constant(self.rules.bonds_penalty), dtype=numbers.dtype)
        between = weights + numbers.times(clipped - weights, penalty)
        return between, between > 0

    def moved(self, new: Cells, old: Cells) -> Cells:
        """Bonds on their way from old to new, (..., V, N), at the speed of `bonds_moving_average`."""
        kept = self.numbers.constant(self.rules.bonds_moving_average)
        alpha = np.asarray(self.numbers.one - kept, dtype=self.numbers.dtype)
        rest = np.asarray(self.numbers.one - alpha, dtype=self.numbers.dtype)
        return self.numbers.times(new, alpha) + self.numbers.times(old, rest)


class Yuma1(Yuma):
    """Bonds are shares of a miner: the bonds of all validators on it sum to one. Liquid alpha does not apply."""

    def kernel(self) -> str | None:
        return "yuma1" if type(self) is Yuma1 else None

    def stored(self, counts: Counts | Ints) -> Cells:
        return self.numbers.whole(counts)

    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        numbers = self.numbers
        weights, _ = self.bond_weights(network, agreement)
        instant = numbers.share(numbers.times(weights, network.stake[..., None]), axis=-2)
        bonds = self.moved(instant, numbers.share(network.bonds, axis=-2))
        held = bonds > 0
        bonds = numbers.share(bonds, axis=-2)
        dividends = numbers.times(bonds, incentive[..., None, :]).sum(axis=-1)
        # Stored so that the largest holder of each miner has one: 16 bits then resolve the others best.
        stored = numbers.over(bonds, bonds.max(axis=-2, keepdims=True, initial=0))
        return Bonds(stored, held, numbers.share(dividends))


class Yuma3(Yuma):
    """Each validator's bond on a miner moves toward its own weight; stake counts when dividends are paid."""

    def kernel(self) -> str | None:
        return "yuma3" if type(self) is Yuma3 and self.rules.liquid is None else None

    def stored(self, counts: Counts | Ints) -> Cells:
        return self.numbers.proportions(counts)

    def keeps_order(self, outcome: Outcome) -> bool:
        return self.rules.liquid is not None and self.rules.bonds_penalty in (0, 1) and bool(outcome.consensus.any())

    def invest(self, network: Network, agreement: Agreement, incentive: Cells) -> Bonds:
        numbers = self.numbers
        bonds = self.relative(network, agreement)
        shares = numbers.share(bonds, axis=-2)
        paid = numbers.times(shares, incentive[..., None, :]).sum(axis=-1)
        return Bonds(bonds, bonds > 0, numbers.share(numbers.times(paid, network.stake)))

    def relative(self, network: Network, agreement: Agreement) -> Cells:
        """The moved bonds, (..., V, N); with liquid alpha, bonds on miners that are no longer listed vanish."""
        weights, listed = self.bond_weights(network, agreement)
        steady = self.moved(weights, network.bonds)
        if self.rules.liquid is None:
            return steady
        numbers, old = self.numbers, network.bonds
        plain = 0 < self.rules.bonds_penalty < 1
        seen = np.where(walked(None if plain else network.order, listed), weights, 0)
        held = np.where(walked(network.bond_order, np.ones_like(listed)), old, 0)
        alpha = rates(numbers, self.rules.liquid, seen, held, agreement.consensus)
        mixed = numbers.times(numbers.one - alpha, old) + numbers.times(alpha, weights)
        agreed = (agreement.consensus != 0).any(axis=-1)[..., None, None]
        moved: Cells = np.where(agreed, np.where(listed, np.minimum(mixed, numbers.one), 0), steady)
        return moved
