# SPDX-License-Identifier: Apache-2.0
"""The toy model with which liquid alpha was first argued: what a weight copier loses when bonds move faster.

Source: Opentensor, "Amplifying the Weight-copying Penalty" (2024-07-12), its figures. An honest validator moves weight
from one miner to another, a copier does so some epochs later. The figures come out with a lower end of 0.1, not with
the stated 0.7. Its G at delta .4, and its table of real subnets, have no inputs that would let them be computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from incentive.arrays import Array
from incentive.consensus import Network, Rules
from incentive.consensus.arithmetic import Cells
from incentive.consensus.history import history
from incentive.consensus.yuma import Agreement
from incentive.simulation.published.dialects import Drifting
from incentive.simulation.published.figure import Figure
from protocols.errors import UnreadableCase

__all__ = ["EarlyLiquid", "liquid_alpha"]

_LOW: Final = 0.1
_HIGH: Final = 0.9
_COPIER: Final = 1
_WITHOUT_INPUTS: Final = "G"
_MOVES: Final = (1, 3)  # the epochs in which weight begins to move and is where it goes
_UNTIL: Final = 5


class EarlyLiquid(Drifting):
    """The first liquid alpha: a miner's bonds keep a share of themselves that is a logistic of its consensus.

    It is `low` at the lower quartile of all consensus weights and `high` at the upper one, and stays between the two.
    """

    def __init__(self, rules: Rules, low: float, high: float) -> None:
        super().__init__(rules)
        self.low, self.high = low, high

    def settled(self, network: Network, agreement: Agreement, instant: Cells) -> Cells:
        kept = self.kept(agreement.consensus)[..., None, :]
        bonds: Cells = kept * network.bonds + (1 - kept) * instant
        return bonds

    def kept(self, consensus: Array) -> Array:
        """The share of old bonds on each miner, (..., N), that an epoch keeps."""
        lower, upper = np.quantile(consensus, [0.25, 0.75], axis=-1)[..., None]
        low, high = np.log(self.low / (1 - self.low)), np.log(self.high / (1 - self.high))
        slope = (high - low) / np.where(upper > lower, upper - lower, 1)
        kept: Array = 1 / (1 + np.exp(-(low + slope * (consensus - lower))))
        return np.clip(kept, self.low, self.high)


def liquid_alpha(table: Mapping[str, Any]) -> Iterator[Figure]:
    """The copier's dividends without and with liquid alpha, as published and as an earlier reproduction had them."""
    toy = table["toy_model"]
    for key, given in toy["published"].items():
        model, what = _read(toy, key)
        if what.startswith("Dk(t="):
            without, liquid = given
            yield _figure(f"{key}: without", without, model.dividend(None))
            yield _figure(f"{key}: with", liquid, model.dividend(_LOW))
        elif what.startswith("reduction at t="):
            yield _figure(key, given, model.reduction(_LOW))
        elif what != _WITHOUT_INPUTS:
            raise UnreadableCase(f"{key!r} is not known, expected Dk(t=...) or a reduction at t=...")
    for key, given in toy["reproduced_here"].items():
        model, what = _read(toy, key)
        lowest = re.search(r"alpha_low=([.\d]+)", what)
        low = None if lowest is None else float(lowest[1])
        computed = model.reduction(low) if what.startswith("reduction") else model.dividend(low)
        yield _figure(f"{key} (reproduction)", given, computed)


@dataclass(frozen=True, slots=True)
class _Toy:
    """A miner A gains what B loses, D is steady; validators are an honest one, a copier and the rest of the stake."""

    stake: Array  # (3,)
    start: float
    delta: float
    delay: int
    until: int

    def dividend(self, low: float | None) -> float:
        """The copier's share at the last epoch; without a lower end bonds have one speed."""
        rule = Drifting(Rules()) if low is None else EarlyLiquid(Rules(), low, _HIGH)
        epochs = range(self.until + 1)
        weights = [np.array([self.weights(t), self.weights(t - self.delay), self.weights(t)]) for t in epochs]
        return float(history(rule, weights, [self.stake] * len(epochs))[-1].dividends[_COPIER])

    def reduction(self, low: float | None) -> float:
        """The part of the copier's share that liquid alpha takes."""
        return 1 - self.dividend(low) / self.dividend(None)

    def weights(self, t: int) -> tuple[float, ...]:
        """What an honest validator gives A, B, C and D at an epoch."""
        a = self.start + self.delta * (0 if t < _MOVES[0] else t / _MOVES[1] if t < _MOVES[1] else 1)
        return (a, 0.5 - a, 0.0, 0.5)


def _read(toy: Mapping[str, Any], key: str) -> tuple[_Toy, str]:
    """The model that a key like 'delta=.5 Dk(t=5)' is about, and what it says of it."""
    delta = re.match(r"delta=([.\d]+) ", key)
    delay = next((found for role in toy["roles"] if (found := re.search(r"copier.*\((\d+) epoch", role))), None)
    if delta is None or delay is None:
        raise UnreadableCase(f"{key!r} of {toy['roles']} states no delta or no delay of a copier in epochs")
    at = re.search(r"\bt=(\d+)", key)
    until = _UNTIL if at is None else int(at[1])
    stake = np.array(toy["stake"], dtype=np.float64)
    return _Toy(stake, toy["rho"], float(delta[1]), int(delay[1]), until), key[delta.end() :]


def _figure(name: str, published: float, computed: float) -> Figure:
    """A number that agrees to one of its last digit, which may be rounded or cut off."""
    digits = len(str(published).partition(".")[2])
    return Figure(name, published, computed, 10.0**-digits)
