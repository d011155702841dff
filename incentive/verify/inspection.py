# SPDX-License-Identifier: Apache-2.0
"""What makes cheating unprofitable, and how often it happens when checking costs money too.

A slash deters only as far as a cheat is found, and nobody looks for cheats where there are none: if checking costs more
than it finds, checkers stop, and then cheating pays again. Between the two lies a mixed equilibrium, which play
circles around, and which planted errors can push towards honesty.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from incentive.arrays import Array, fractions, nonnegative
from protocols.errors import OutOfRange

__all__ = ["InspectionGame", "Play", "break_even", "expected_profit", "replicator"]


def break_even(gain: float, stake: float) -> float:
    """Probability of detection p* = g / (g + S) above which a cheat that saves g and is slashed by S does not pay."""
    saved, lost = _positive("gain", gain), float(nonnegative("stake", stake))
    return 1.0 / (1.0 + lost / saved)


def expected_profit(gain: float, stake: float, detection: float) -> float:
    """What one cheat brings on average: (1 - p) g - p S."""
    p = float(fractions("detection", detection))
    return (1.0 - p) * float(nonnegative("gain", gain)) - p * float(nonnegative("stake", stake))


@dataclass(frozen=True, slots=True)
class InspectionGame:
    """A worker that may cheat, and a checker that may look.

    InspectionGame(gain=1, stake=30, cost=0.5, bounty=5).equilibrium   # cheats 10 % of the time, checked 3.2 %
    """

    gain: float
    """What an unseen cheat saves the worker, g."""
    stake: float
    """What a found one costs it, S."""
    cost: float
    """What a check costs, c."""
    bounty: float
    """What finding an error brings the checker, B."""
    planted: float = 0.0
    """Share of the work with an error put there on purpose, so that looking is worth while though nobody cheats."""

    def __post_init__(self) -> None:
        for name in ("gain", "cost", "bounty"):
            _positive(name, getattr(self, name))
        nonnegative("stake", self.stake)
        if float(fractions("planted", self.planted)) == 1.0:
            raise OutOfRange(f"planted is {self.planted}, expected below 1")

    @property
    def equilibrium(self) -> tuple[float, float]:
        """Rates of cheating and of checking from which neither side gains by moving: c/B and g/(g+S).

        With planted errors j the first is (c/B - j) / (1 - j). Where j alone pays for looking, every piece is checked
        and nobody cheats; where no bounty pays for it, nobody looks and everybody cheats.
        """
        cheat = self.indifference
        if cheat <= 0.0:
            return 0.0, 1.0
        if cheat >= 1.0:
            return 1.0, 0.0
        return cheat, break_even(self.gain, self.stake)

    def cheating_pays(self, check: float) -> float:
        """What cheating brings the worker at this rate of checking, beside honesty's 0."""
        return expected_profit(self.gain, self.stake, check)

    def checking_pays(self, cheat: float) -> float:
        """What looking brings the checker at this rate of cheating, beside 0 for looking away."""
        found = self.planted + (1.0 - self.planted) * float(fractions("cheat", cheat))
        return found * self.bounty - self.cost

    @property
    def indifference(self) -> float:
        """Rate of cheating at which looking neither pays nor costs; outside of 0 to 1 where it always does one."""
        return (self.cost / self.bounty - self.planted) / (1.0 - self.planted)


@dataclass(frozen=True, slots=True, eq=False)
class Play:
    """Rates of cheating and of checking over time."""

    cheat: Array  # (T,)
    check: Array  # (T,)

    @property
    def average(self) -> tuple[float, float]:
        """Both rates over the whole time."""
        return float(self.cheat.mean()), float(self.check.mean())


def replicator(game: InspectionGame, start: tuple[float, float], *, steps: int = 50_000, step: float = 0.2) -> Play:
    """Two populations in which what pays spreads, from given rates: dx/dt = x (1 - x) a(y), dy/dt = y (1 - y) b(x).

    a and b are `cheating_pays` and `checking_pays`, each measured in what is at stake for that side: g + S, and
    B (1 - j). Around an inner equilibrium play circles forever, and its average over time is the equilibrium.
    """
    if not all(0.0 < rate < 1.0 for rate in start):
        raise OutOfRange(f"start is {start}, expected two rates between 0 and 1, neither included")
    if steps < 1 or not 0.0 < step <= 1.0:
        raise OutOfRange(f"steps is {steps} of {step}, expected 1 or more of at most 1")
    cheat, check = np.empty(steps), np.empty(steps)
    even, indifferent = break_even(game.gain, game.stake), game.indifference
    # In log odds u, v each speed depends on the other alone, and leapfrog steps keep the orbit closed.
    u, v = (math.log(rate / (1.0 - rate)) for rate in start)
    for at in range(steps):
        u += 0.5 * step * (even - _rate(v))
        v += step * (_rate(u) - indifferent)
        u += 0.5 * step * (even - _rate(v))
        cheat[at], check[at] = _rate(u), _rate(v)
    return Play(cheat, check)


def _rate(log_odds: float) -> float:
    # By tanh, which saturates where an exponential would overflow.
    return 0.5 + 0.5 * math.tanh(0.5 * log_odds)


def _positive(name: str, value: float) -> float:
    if float(nonnegative(name, value)) == 0.0:
        raise OutOfRange(f"{name} is 0, expected more")
    return float(value)
