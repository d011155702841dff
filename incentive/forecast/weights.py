# SPDX-License-Identifier: Apache-2.0
"""From regrets to weights: who did better than the network before is listened to more.

A regret is how much lower one's loss was than the network's. Its weight is the slope of a soft ramp, phi', so that the
good ones weigh about alike, the bad ones next to nothing, and a single outlier cannot take over.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, nonnegative, sized
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Topic", "combined", "phi", "phi_prime", "regret_weights", "spread", "weighted_percentiles"]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a topic chooses: the ramp's steepness `p` and place `c`, `epsilon` beside deviations, `alpha` of regrets.

    The defaults are those that the public simulation was run with: found by fitting its numbers, which they give to
    the last digit.
    """

    p: float = 3.0
    c: float = 0.75
    epsilon: float = 0.01
    alpha: float = 0.1

    def __post_init__(self) -> None:
        for name, value in (("p", self.p), ("epsilon", self.epsilon)):
            if not (math.isfinite(value) and value > 0.0):
                raise OutOfRange(f"{name} is {value}, expected more than 0")
        finite("c", self.c)
        if not 0.0 <= self.alpha <= 1.0:
            raise OutOfRange(f"alpha is {self.alpha}, expected 0 to 1")


def phi(x: npt.ArrayLike, p: float = 3.0, c: float = 0.75) -> Array:
    """The soft ramp `ln(1 + exp(p (x - c)))`: near 0 below c, near `p (x - c)` above."""
    with np.errstate(over="ignore"):
        return np.asarray(np.logaddexp(0.0, p * (finite("x", x) - c)))


def phi_prime(x: npt.ArrayLike, p: float = 3.0, c: float = 0.75) -> Array:
    """The ramp's slope, `p / (exp(p (c - x)) + 1)`, from 0 to p."""
    with np.errstate(over="ignore", under="ignore"):
        return np.asarray(p * np.exp(-np.logaddexp(0.0, p * (c - finite("x", x)))))


def spread(values: npt.ArrayLike) -> float:
    """The standard deviation of a sample (n - 1); 0 of a single value."""
    sample = np.ravel(finite("values", values))
    size = float(np.abs(sample).max(initial=0.0))
    # Over the largest: squares of large numbers must not overflow.
    return size * float(np.std(sample / size, ddof=1)) if sample.size > 1 and size > 0.0 else 0.0


def regret_weights(regrets: npt.ArrayLike, topic: Topic | None = None) -> Array:
    """The weight of each worker, `phi'(regret / (spread + epsilon))`.

    Three bounds of the chain keep it in floats: what is above `c + 6.75/p` counts as that; where all are below
    `c - 8.25/p` they are moved up until the best is there, so somebody always counts; below `c - 17.25/p` nothing does.
    """
    topic = topic or Topic()
    r = finite("regrets", regrets)
    if r.ndim != 1 or not r.size:
        raise WrongShape(f"regrets have shape {r.shape}, expected one for each of 1 worker or more")
    with np.errstate(over="ignore"):
        x = np.clip(r / (spread(r) + topic.epsilon), -1e300, 1e300)
    floor = topic.c - 8.25 / topic.p
    if x.max() < floor:
        x = x - x.max() + floor
    x = np.minimum(x, topic.c + 6.75 / topic.p)
    return np.where(x < topic.c - 17.25 / topic.p, 0.0, phi_prime(x, topic.p, topic.c))


def combined(values: npt.ArrayLike, regrets: npt.ArrayLike, topic: Topic | None = None) -> float:
    """The workers' values, each by the weight of its regret."""
    weights = regret_weights(regrets, topic)
    inferences = sized("values", finite("values", values), weights.size)
    return float(inferences @ (weights / weights.sum()))


def weighted_percentiles(values: npt.ArrayLike, weights: npt.ArrayLike, percents: npt.ArrayLike) -> Array:
    """The values below which these percents of the weight lie, straight between the middles of the values' weights."""
    v = finite("values", values)
    w = sized("weights", nonnegative("weights", weights), v.size)
    order = np.argsort(v, kind="stable")
    order = order[w[order] > 0.0]
    if not order.size:
        raise OutOfRange("weights sum to 0, expected more")
    below = np.cumsum(w[order])
    middle = (below - 0.5 * w[order]) / below[-1]
    return np.asarray(np.interp(finite("percents", percents) / 100.0, middle, v[order]))
