# SPDX-License-Identifier: Apache-2.0
"""Those who know the truth later, reputers, are scored by how near they are to each other.

Stake decides how much each counts, but only up to an equal part: beyond it more stake moves the consensus no further.
How much of its stake is listened to at all is found by ascent, so that a large outlier is turned down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, fractions, nonnegative, shares, sized
from incentive.forecast.weights import phi
from protocols.errors import OutOfRange, WrongShape

__all__ = [
    "Listening",
    "adjusted_stake",
    "consensus_scores",
    "listen",
    "reputer_fractions",
    "smooth_adjusted_stake",
]

_STEP: Final = 0.001  # of the numerical gradient


@dataclass(frozen=True, slots=True)
class Listening:
    """What `listen` found, for R reputers."""

    coefficients: Array  # (R,)
    """How much of each stake to listen to from now on, 0 to 1."""

    adjusted_stake: Array  # (R,)
    """The stakes that the scores were computed with: before the last step of the ascent."""

    scores: Array  # (R,)
    """How near each reputer is to the consensus."""


def adjusted_stake(stake: npt.ArrayLike, coefficients: npt.ArrayLike) -> Array:
    """Each stake as a multiple of the mean listened stake, 1 at the most: `min(R a S / sum(a S), 1)`."""
    return np.minimum(_relative_stake(stake, coefficients), 1.0)


def smooth_adjusted_stake(stake: npt.ArrayLike, coefficients: npt.ArrayLike, sharpness: float = 20.0) -> Array:
    """The same with a soft corner: `1 - phi(-sharpness (x - 1)) / phi(sharpness)` with p = 1, c = 0."""
    x = _relative_stake(stake, coefficients)
    return np.asarray(1.0 - phi(-sharpness * (x - 1.0), 1.0, 0.0) / phi(sharpness, 1.0, 0.0))


def consensus_scores(reports: npt.ArrayLike, weights: npt.ArrayLike, tolerance: float = 0.01) -> Array:
    """How near each row of losses, (R, L), is to the weighted mean of all: `1 / (distance / norm + tolerance)`."""
    losses = finite("reports", reports)
    if losses.ndim != 2:
        raise WrongShape(f"reports have shape {losses.shape}, expected (R, L)")
    listened = sized("weights", nonnegative("weights", weights), len(losses))
    consensus = shares(listened) @ losses  # (L,)
    norm = float(np.linalg.norm(consensus)) or 1e-7
    return np.asarray(1.0 / (np.linalg.norm(losses - consensus, axis=1) / norm + tolerance))


def listen(
    reports: npt.ArrayLike,
    stake: npt.ArrayLike,
    coefficients: npt.ArrayLike,
    *,
    rate: float = 0.05,
    steps: int = 10,
    least: float = 0.5,
) -> Listening:
    """The listening coefficients after an ascent of the stake-weighted score, from those of the round before.

    It stops after `steps`, or once no coefficient moves by more than a thousandth of `rate`, and never listens to less
    than a part of `least` of the stake.
    """
    losses, stakes = finite("reports", reports), nonnegative("stake", stake)
    before = after = fractions("coefficients", coefficients)
    if steps < 1:
        raise OutOfRange(f"steps is {steps}, expected 1 or more")
    for _ in range(steps):
        before = after
        moved = np.clip(before + rate * _gradient(losses, stakes, before), 0.0, 1.0)
        after = _enough(before, moved, shares(stakes), least)
        if np.abs(after - before).max() < 0.001 * rate:
            break
    listened = adjusted_stake(stakes, before)
    return Listening(after, listened, consensus_scores(losses, listened))


def reputer_fractions(stake: npt.ArrayLike, scores: npt.ArrayLike, exponent: float = 1.0) -> Array:
    """Each reputer's part of the reputers' reward: `(stake * score)^exponent`, as parts of the sum."""
    product = nonnegative("stake", stake) * nonnegative("scores", scores)
    return shares(product**exponent)


def _relative_stake(stake: npt.ArrayLike, coefficients: npt.ArrayLike) -> Array:
    stakes = nonnegative("stake", stake)
    listened = shares(stakes * sized("coefficients", nonnegative("coefficients", coefficients), stakes.size))
    return listened * stakes.size


def _gradient(losses: Array, stakes: Array, coefficients: Array) -> Array:
    def total(at: Array) -> float:
        return float(shares(stakes) @ consensus_scores(losses, adjusted_stake(stakes, at)))

    here = total(coefficients)
    slope = np.empty_like(coefficients)
    for i, coefficient in enumerate(coefficients):
        step = -_STEP if coefficient == 1.0 else _STEP
        there = coefficients.copy()
        there[i] += step
        slope[i] = (1.0 - here / total(there)) / step
    return slope


def _enough(before: Array, moved: Array, stake: Array, least: float) -> Array:
    """The moved coefficients, or as far towards them as leaves the least part of the stake listened to."""
    now, then = float(stake @ before), float(stake @ moved)
    if then >= least:
        return moved
    return before if then == now else before + (moved - before) * ((least - now) / (then - now))
