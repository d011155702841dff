# SPDX-License-Identifier: Apache-2.0
"""From scores to the weights that a validator sets, one small step each, and what to set when there is nothing to say.

Every step gives shares: along the last axis they sum to 1, or all are zero where no score was above zero. So steps can
follow each other in any order, and `weigh` is the one place that must decide what silence means. There is no default
for that: equal weights to everybody pay for no work, and a validator that sets none goes stale.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, nonnegative, shares, sized
from incentive.fixed import PROPORTION
from protocols.errors import NothingToWeigh, OutOfRange, WrongShape

__all__ = [
    "Burn",
    "Hold",
    "Policy",
    "Refuse",
    "Uniform",
    "clip_share",
    "floor",
    "min_count",
    "normalise",
    "power",
    "top_k",
    "weigh",
]

_SMALLEST: Final = 1.0 / PROPORTION
_ROUNDING: Final = 1e-9


def normalise(weights: npt.ArrayLike) -> Array:
    """Each weight's part of the sum."""
    return shares(_rows("weights", weights))


def power(weights: npt.ArrayLike, exponent: float) -> Array:
    """Weights sharpened by an exponent above 1, or flattened by one below; zero stays zero, also at exponent 0.

    Above 1, a miner that is good half of the time earns less than half of what one that always is does.
    """
    given = _rows("weights", weights)
    if float(finite("exponent", exponent)) < 0.0:
        raise OutOfRange(f"exponent is {exponent}, expected 0 or more")
    # Relative to the largest first: the power of a number up to 1 cannot overflow.
    relative = _relative(given)
    return shares(np.where(relative > 0.0, relative**exponent, 0.0))


def top_k(weights: npt.ArrayLike, k: int) -> Array:
    """Only the `k` largest weights; among equals the lower index stays."""
    given = _rows("weights", weights)
    if k < 1:
        raise OutOfRange(f"k is {k}, expected 1 or more")
    best = np.argsort(-given, axis=-1, kind="stable")[..., :k]
    kept = np.zeros_like(given)
    np.put_along_axis(kept, best, np.take_along_axis(given, best, axis=-1), axis=-1)
    return shares(kept)


def clip_share(weights: npt.ArrayLike, limit: float) -> Array:
    """Nobody above `limit` of the sum; what is cut goes to those below it, in proportion to their weights.

    Where they cannot take it all, since fewer than 1 / limit miners have any weight, the rest goes evenly to those
    without. `OutOfRange` if even all N miners at the limit do not reach a sum of 1.
    """
    given = normalise(weights)
    n = given.shape[-1]
    if n == 0:
        return given
    if not 0.0 < float(finite("limit", limit)) <= 1.0 or limit * n < 1.0 - _ROUNDING:
        raise OutOfRange(f"limit is {limit} for {n} miners, expected 1/{n} to 1", help=f"limit={1 / n:.4g}")
    order = np.argsort(-given, axis=-1, kind="stable")  # (..., N)
    falling = np.take_along_axis(given, order, axis=-1)
    below = np.cumsum(falling[..., ::-1], axis=-1)[..., ::-1]  # what the miner and all after it have together
    left = 1.0 - limit * np.arange(n)  # for them, if all before it are at the limit
    fits = falling * left <= limit * below
    fits[..., -1:] = True  # also where limit * N is 1 but for rounding
    first = np.argmax(fits, axis=-1, keepdims=True)
    return _filled(given, order, first, limit)


def floor(weights: npt.ArrayLike) -> Array:
    """Every positive weight at least 1/65535 of the largest: the smallest that a chain's 16 bits keep."""
    given = _rows("weights", weights)
    return shares(_raised(given))


def min_count(weights: npt.ArrayLike, n: int) -> Array:
    """At least `n` weights above zero: as many as are missing, lower indices first, get the smallest of `floor`.

    Where any is missing the others are raised to that as well, so that no miner falls behind one without a score.
    """
    given = _rows("weights", weights)
    if not 0 <= n <= given.shape[-1]:
        raise OutOfRange(f"n is {n} for {given.shape[-1]} miners, expected 0 to {given.shape[-1]}")
    silent = given == 0.0
    missing = n - np.count_nonzero(given, axis=-1, keepdims=True)
    lifted = silent & (np.cumsum(silent, axis=-1) <= missing)
    speaks = ~silent.all(axis=-1, keepdims=True)
    return np.where((missing > 0) & speaks, shares(np.where(lifted, _SMALLEST, _raised(given))), shares(given))


class Policy(Protocol):
    """What a validator sets when no score is above zero."""

    def weights(self, n: int) -> Array:
        """The weights of all n miners, (n,), summing to 1; or `NothingToWeigh`."""


@dataclass(frozen=True, slots=True, eq=False)
class Hold:
    """The weights set last, in the order of today's miners."""

    last: Array

    def weights(self, n: int) -> Array:
        """The last weights, if they are of n miners and say anything."""
        held = normalise(sized("last weights", finite("last weights", self.last), n))
        if not held.any():
            raise NothingToWeigh("no miner has a score above zero, and neither has one in the last weights")
        return held


@dataclass(frozen=True, slots=True)
class Burn:
    """All to one uid, the subnet owner's, whose reward the chain burns."""

    uid: int

    def weights(self, n: int) -> Array:
        """One for the uid, zero for the others."""
        if not 0 <= self.uid < n:
            raise OutOfRange(f"uid {self.uid} is not among {n} miners", help="Burn(uid=...) of the subnet's owner")
        weights = np.zeros(n)
        weights[self.uid] = 1.0
        return weights


@dataclass(frozen=True, slots=True)
class Uniform:
    """The same to everybody: pays for no work, and is right only where all are known to do it."""

    def weights(self, n: int) -> Array:
        """1/n each."""
        return np.full(n, 1.0 / max(n, 1))


@dataclass(frozen=True, slots=True)
class Refuse:
    """No weights: whoever calls must decide."""

    def weights(self, n: int) -> Array:
        """Never; says why instead."""
        raise NothingToWeigh(f"none of {n} miners has a score above zero")


def weigh(scores: npt.ArrayLike, *, nothing: Policy, shape: Callable[[Array], Array] = normalise) -> Array:
    """Weights, (..., N), for scores of that shape, and `nothing`'s wherever no score is above zero.

    weigh(scores, nothing=Burn(owner), shape=lambda scores: clip_share(power(scores, 2), 0.2))
    """
    given = _rows("scores", scores)
    weights = normalise(sized("shaped scores", shape(given), *given.shape))
    speaks = weights.any(axis=-1, keepdims=True)
    return weights if speaks.all() else np.where(speaks, weights, nothing.weights(given.shape[-1]))


def _rows(name: str, values: npt.ArrayLike) -> Array:
    array = nonnegative(name, values)
    if array.ndim == 0:
        raise WrongShape(f"{name} is the single number {array}, expected one for each miner")
    return array


def _relative(weights: Array) -> Array:
    """Each weight beside the largest, which is 1; a positive one stays positive only if a float can hold the ratio."""
    largest = weights.max(axis=-1, keepdims=True, initial=0.0)
    ratios: Array = np.divide(weights, largest, out=np.zeros_like(weights), where=largest > 0.0)
    return ratios


def _raised(weights: Array) -> Array:
    return np.where(weights > 0.0, np.maximum(_relative(weights), _SMALLEST), 0.0)


def _filled(given: Array, order: npt.NDArray[np.intp], first: npt.NDArray[np.intp], limit: float) -> Array:
    """Those before `first` in the order at the limit, and the others with what is left of 1."""
    n = given.shape[-1]
    rank = np.argsort(order, axis=-1)  # (..., N), inverse of the order
    full = rank < first
    open_ = np.where(full, 0.0, given)
    parts = shares(open_)
    # Whoever is left has no weight at all: an even part each.
    idle = ~open_.any(axis=-1, keepdims=True)
    parts = np.where(idle, ~full / (n - first), parts)
    filled = np.where(full, limit, np.minimum(parts * (1.0 - limit * first), limit))
    return np.where(given.any(axis=-1, keepdims=True), filled, 0.0)
