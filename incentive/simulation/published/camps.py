# SPDX-License-Identifier: Apache-2.0
"""Honest validators against a cabal: the networks of subtensor's Monte Carlo, and what the honest earn in one epoch.

Honest stake puts its weight where the utility is, the cabal puts as much as it likes on its own servers. Whether the
honest earn at least their share of the stake decides whether they keep the majority (subtensor docs/consensus.md). A
network is drawn once; utilities only scale its four blocks, so that one draw serves a whole map.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from incentive.arrays import Array, fractions, nonnegative, shares
from incentive.consensus import Network, Rules, Yuma1
from incentive.fixed import PROPORTION
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Camps", "Normals", "Sizes", "camps", "emission_map", "honest_emission"]

Normals: TypeAlias = Callable[[int], Array]
"""So many standard normal numbers: `rng.standard_normal` of numpy, or `StdRng(0).normal` of the published figures."""

_A_CAMP_EACH: Final = 2


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many neurons there are and how much stakes and weights vary, as parts of their mean."""

    neurons: int = 512
    validators: int = 64
    stake_deviation: float = 0.3
    weight_deviation: float = 0.4

    def __post_init__(self) -> None:
        if min(self.validators, self.servers) < _A_CAMP_EACH:
            raise OutOfRange(f"{self.validators} validators of {self.neurons} neurons leave a camp without any")
        nonnegative("deviations", (self.stake_deviation, self.weight_deviation))

    @property
    def servers(self) -> int:
        """Neurons that are no validators."""
        return self.neurons - self.validators


@dataclass(frozen=True, slots=True)
class Camps:
    """A network divided in two; honest validators and servers come first."""

    stake: Array  # (V,) sums to 1
    weights: Array  # (V, M) each row sums to 1 over the honest servers, and again over the cabal's
    honest_stake: float
    honest_validators: int
    honest_servers: int

    def honest_votes(self, honest: Array) -> Array:
        """The weights of the honest, (B, V', M), where they give their own servers that part of it, (B,)."""
        return self._votes(slice(self.honest_validators), fractions("honest", honest))

    def cabal_votes(self, cabal: Array) -> Array:
        """The weights of the cabal, (B, V - V', M), where it gives its own servers that part of it, (B,)."""
        return self._votes(slice(self.honest_validators, None), 1 - fractions("cabal", cabal))

    def _votes(self, rows: slice, for_honest: Array) -> Array:
        m, counts = self.honest_servers, for_honest[:, None, None] * PROPORTION  # (B, 1, 1)
        drawn = self.weights[rows]
        # Weights are set as whole counts of 1/65535, of which a server of many gets few: what is cut off matters.
        votes = np.empty((len(for_honest), *drawn.shape))
        np.multiply(drawn[:, :m], counts, out=votes[..., :m])
        np.multiply(drawn[:, m:], PROPORTION - counts, out=votes[..., m:])
        np.floor(votes, out=votes)
        total = votes.sum(axis=-1, keepdims=True)
        np.divide(votes, np.where(total > 0, total, 1), out=votes)
        return votes


def camps(honest_stake: float, sizes: Sizes, normals: Normals) -> Camps:
    """Draw a network in which the honest have that share of stake, of the validators and of the servers."""
    if not 0 < honest_stake < 1:
        raise OutOfRange(f"honest_stake is {honest_stake}, expected between 0 and 1")
    validators, servers = _part(honest_stake, sizes.validators), _part(honest_stake, sizes.servers)
    stake = np.empty(sizes.validators)
    for rows, share in ((slice(validators), honest_stake), (slice(validators, None), 1 - honest_stake)):
        stake[rows] = share * _sample(normals, len(stake[rows]), sizes.stake_deviation)
    weights = np.empty((sizes.validators, sizes.servers))
    for row in weights:
        for columns in (slice(servers), slice(servers, None)):
            row[columns] = _sample(normals, len(row[columns]), sizes.weight_deviation)
    return Camps(stake, weights, honest_stake, validators, servers)


def honest_emission(drawn: Camps, rules: Rules, honest: Array, cabal: Array) -> tuple[Array, Array]:
    """What the honest get of the dividends and of the incentive, (B,) each, after one epoch without old bonds.

    Both camps give their own servers a part of their weight, (B,) each.
    """
    if honest.shape != cabal.shape or honest.ndim != 1:
        raise WrongShape(f"honest has shape {honest.shape} and cabal {cabal.shape}, expected one part a network")
    votes = np.concatenate([drawn.honest_votes(honest), drawn.cabal_votes(cabal)], axis=-2)
    return _paid(drawn, rules, votes, np.zeros_like(votes))


def emission_map(drawn: Camps, rules: Rules, honest: Array, cabal: Array) -> tuple[Array, Array]:
    """The same for each honest part with each cabal part, (H, C) each."""
    # Each camp's rows are made once, and one set of networks is rewritten in place: a map has thousands of them.
    by_honest, by_cabal = drawn.honest_votes(honest), drawn.cabal_votes(cabal)
    votes = np.empty((len(cabal), *drawn.weights.shape))  # (C, V, M)
    votes[:, drawn.honest_validators :] = by_cabal
    bonds = np.zeros_like(votes)
    dividends, incentive = np.empty((2, len(honest), len(cabal)))
    for at, rows in enumerate(by_honest):
        votes[:, : drawn.honest_validators] = rows
        dividends[at], incentive[at] = _paid(drawn, rules, votes, bonds)
    return dividends, incentive


def _paid(drawn: Camps, rules: Rules, votes: Array, bonds: Array) -> tuple[Array, Array]:
    stake = np.broadcast_to(drawn.stake, votes.shape[:-1])
    outcome = Yuma1(rules).run(Network(votes, stake, bonds))
    dividends = outcome.dividends[:, : drawn.honest_validators].sum(axis=-1)
    incentive = outcome.incentive[:, : drawn.honest_servers].sum(axis=-1)
    # Where nobody agrees on anything, the chain pays all emission by stake.
    agreed = outcome.incentive.any(axis=-1)
    by_stake = drawn.honest_stake
    return np.where(agreed, dividends, by_stake), np.where(agreed, incentive, by_stake)


def _part(share: float, total: int) -> int:
    """So many of a total, at least one and not all."""
    return min(max(int(share * total), 1), total - 1)


def _sample(normals: Normals, count: int, deviation: float) -> Array:
    """Normal numbers around one, none negative, that sum to one; all zero where none is above."""
    return shares(np.maximum(1 + deviation * normals(count), 0))
