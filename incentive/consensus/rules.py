# SPDX-License-Identifier: Apache-2.0
"""What a consensus takes and gives: a network's votes and stakes in, shares of the emission out.

`Network` is what is left when all masks are applied, `Rules` are the hyperparameters as plain fractions, `Outcome` has
what each miner and validator gets and the bonds that the next epoch starts from. All arrays may have leading batch
axes, so that one call computes a sweep.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

import numpy as np

from incentive.arrays import Flags, Ints, finite, nonnegative
from incentive.consensus.arithmetic import FLOAT, Arithmetic, Cells
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Consensus", "Liquid", "Network", "Outcome", "Rules"]

_PER_U16: Final = 65_535


@dataclass(frozen=True, slots=True)
class Liquid:
    """Bonds that move between two speeds: the more a validator's weight is ahead of consensus, the faster."""

    low: Fraction | float = Fraction(45_875, _PER_U16)
    high: Fraction | float = Fraction(58_982, _PER_U16)
    steepness: Fraction | float = 10


@dataclass(frozen=True, slots=True)
class Rules:
    """The hyperparameters that consensus reads, with the chain's defaults."""

    kappa: Fraction | float = Fraction(32_767, _PER_U16)
    """The share of stake that must agree on a weight."""
    bonds_penalty: Fraction | float = 1
    """How far bonds follow clipped weights instead of the weights that were set."""
    bonds_moving_average: Fraction | float = Fraction(9, 10)
    """The share of the old bonds that an epoch keeps."""
    liquid: Liquid | None = None

    def __post_init__(self) -> None:
        for name in ("kappa", "bonds_penalty", "bonds_moving_average"):
            if not 0 <= getattr(self, name) <= 1:
                raise OutOfRange(f"{name} is {getattr(self, name)}, expected 0 to 1")


@dataclass(frozen=True, slots=True)
class Network:
    """Who votes for whom with how much stake, all masks applied."""

    weights: Cells  # (..., V, N) each row sums to 1, or is all zero
    stake: Cells  # (..., V) sums to 1
    bonds: Cells  # (..., V, N) as the last epoch left them
    order: tuple[Ints, ...] | None = None
    """For each validator the columns in the order in which it listed them, where that is not ascending."""
    bond_order: tuple[Ints, ...] | None = None
    listed: Flags | None = None
    """Which weights are listed, where a listed weight may be zero; unless told, those above zero."""

    @classmethod
    def of(cls, weights: Cells, stake: Cells, bonds: Cells | None = None) -> Network:
        """Check and normalise plain floats: weights of any scale, stakes in any unit, no bonds yet."""
        weights, stake = nonnegative("weights", weights), nonnegative("stake", stake)
        if weights.ndim < 2 or stake.shape != weights.shape[:-1]:
            raise WrongShape(f"weights have shape {weights.shape} and stake {stake.shape}, expected (V, N) and (V,)")
        old = np.zeros_like(weights) if bonds is None else nonnegative("bonds", bonds)
        if old.shape != weights.shape:
            raise WrongShape(f"bonds have shape {old.shape}, expected that of weights {weights.shape}")
        return cls(FLOAT.share(weights), FLOAT.share(stake), old)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an epoch decides: shares of one, and the bonds that it leaves."""

    consensus: Cells  # (..., N) the weight that a majority of stake supports
    ranks: Cells  # (..., N) stake-weighted sum of clipped weights
    incentive: Cells  # (..., N) miners' shares
    dividends: Cells  # (..., V) validators' shares
    validator_trust: Cells  # (..., V) how much of a validator's weight survives the clipping
    bonds: Cells  # (..., V, N) for the next epoch
    held: Flags  # (..., V, N) where a bond exists at all, however small


class Consensus(ABC):
    """A way to turn votes into shares; `run` is one epoch."""

    def __init__(self, rules: Rules | None = None, arithmetic: Arithmetic = FLOAT) -> None:
        self.rules = Rules() if rules is None else rules
        self.numbers = arithmetic

    @abstractmethod
    def run(self, network: Network) -> Outcome:
        """One epoch: who gets how much, and what is left for the next."""

    def epoch(self, weights: Cells, stake: Cells, bonds: Cells | None = None) -> Outcome:
        """One epoch from plain floats: checks, normalises, runs."""
        finite("weights", weights)
        return self.run(Network.of(weights, stake, bonds))
