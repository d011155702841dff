# SPDX-License-Identifier: Apache-2.0
"""How alike two orders are, and the published chain by which Numerai turns an order into money.

Where only the order of predictions is believed (which asset does better, not by how much), ranks are compared. An
order that says nothing earns nothing: correlations below zero count as zero, since a miner that knew its order to be
inverted would have inverted it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Ints, finite, nonnegative
from incentive.similarity.measure import Embedded, Similarity
from protocols.errors import OutOfRange, WrongShape

__all__ = [
    "Kendall",
    "Spearman",
    "contribution",
    "gaussian",
    "kendall",
    "numerai_corr",
    "orthogonalise",
    "payout",
    "payout_factor",
    "power",
    "spearman",
    "tail_weighted",
    "tie_kept_rank",
]


class Spearman(Embedded[Array]):
    """The correlation of two vectors' ranks, ties averaged, 0 where it is negative; `spearman` gives the sign too.

    Its rows are the centred ranks at length 1. A constant vector has no order, so no content: it is like nothing. So
    is a vector of length 0, the answer of who answers nothing.

        Spearman().sim(np.array([1.0, 2.0, 4.0]), np.array([10.0, 20.0, 30.0]))  # 1.0
    """

    __slots__ = ()

    name = "spearman"

    def embed(self, items: Sequence[Array]) -> Array:
        """The centred ranks of each vector at length 1, (N, n)."""
        rows = [_vector("ranking", item) for item in items]
        n = max((row.size for row in rows), default=0)
        if any(row.size not in (0, n) for row in rows):
            raise WrongShape(f"rankings of {sorted({row.size for row in rows})} values, expected one length")
        return np.array([_unit(_average_ranks(row)) if row.size else np.zeros(n) for row in rows]).reshape(len(rows), n)

    def matrix(self, items: Sequence[Array], others: Sequence[Array] | None = None) -> Array:
        """The correlations of ranks, none below 0, (N, M)."""
        if others is not None:
            _same_length([*items, *others])
        return super().matrix(items, others)

    def empty(self) -> Array:
        """No vector at all."""
        return np.zeros(0)

    def shuffled(self, item: Array, rng: np.random.Generator) -> Array:
        """The values at each other's places."""
        return np.asarray(rng.permutation(_vector("ranking", item)))


class Kendall(Similarity[Array]):
    """Kendall's tau-b of two vectors, 0 where it is negative; `kendall` gives the sign too.

    Reads plainly: of the pairs that are ordered in both, how many more agree than disagree. Constant and empty vectors
    are as in `Spearman`.
    """

    __slots__ = ()

    name = "kendall"

    def sim(self, a: Array, b: Array) -> float:
        """Tau-b, or 0 where it is negative."""
        left, right = _vector("ranking", a), _vector("ranking", b)
        return max(kendall(left, right), 0.0) if left.size and right.size else 0.0

    def empty(self) -> Array:
        """No vector at all."""
        return np.zeros(0)

    def shuffled(self, item: Array, rng: np.random.Generator) -> Array:
        """The values at each other's places."""
        return np.asarray(rng.permutation(_vector("ranking", item)))


def spearman(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Spearman's rank correlation, from -1 to 1, ties averaged; 0 where one of the two is constant."""
    x, y = _pair(a, b)
    return float(np.clip(_unit(_average_ranks(x)) @ _unit(_average_ranks(y)), -1.0, 1.0))


def kendall(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Kendall's tau-b, from -1 to 1, in O(n log^2 n); 0 where one of the two is constant."""
    x, y = (np.unique(values, return_inverse=True)[1] for values in _pair(a, b))
    pairs = len(x) * (len(x) - 1) // 2
    in_x, in_y = _tied_pairs(x), _tied_pairs(y)
    in_both = _tied_pairs(x * (int(y.max(initial=0)) + 1) + y)
    if in_x == pairs or in_y == pairs:
        return 0.0
    # Ties in x are ordered by y, so they never count as turned round.
    turned = _inversions(y[np.lexsort((y, x))])
    agreeing_less_disagreeing = pairs - in_x - in_y + in_both - 2 * turned
    return max(-1.0, min(1.0, agreeing_less_disagreeing / math.sqrt((pairs - in_x) * (pairs - in_y))))


def tie_kept_rank(values: npt.ArrayLike) -> Array:
    """Ranks as fractions about one half, `(rank - 0.5) / n`; equal values get their average rank."""
    vector = _vector("values", values)
    return (_average_ranks(vector) - 0.5) / max(vector.size, 1)


def gaussian(fractions: npt.ArrayLike) -> Array:
    """The standard normal quantile of each fraction; 0 and 1 have none that is a number and are refused."""
    p = _vector("fractions", fractions)
    levels, at = np.unique(p, return_inverse=True)
    if levels.size and not (levels[0] > 0.0 and levels[-1] < 1.0):
        raise OutOfRange(
            f"fractions lie from {levels[0]} to {levels[-1]}, expected more than 0 and less than 1",
            help="rank first: gaussian(tie_kept_rank(values))",
        )
    quantile = NormalDist().inv_cdf
    return np.array([quantile(float(level)) for level in levels])[at]


def power(values: npt.ArrayLike, exponent: float = 1.5) -> Array:
    """Each value's size to the exponent, with the value's sign."""
    vector = finite("values", values)
    with np.errstate(over="ignore"):
        return np.asarray(np.sign(vector) * np.abs(vector) ** exponent)


def orthogonalise(v: npt.ArrayLike, u: npt.ArrayLike) -> Array:
    """What is left of v when its projection on u is taken away; v itself where u is zero."""
    (x, size), (y, _) = (_scaled(vector) for vector in _pair(v, u))
    square = float(y @ y)
    rest = x - y * (float(x @ y) / square) if square > 0.0 else x
    with np.errstate(over="ignore"):  # what no float can hold is infinite
        return np.asarray(size * rest)


def tail_weighted(predictions: npt.ArrayLike) -> Array:
    """Ranks, made normal, to the power 1.5, so that the ends of the order weigh most.

    Published as `tie_kept_rank__gaussianize__pow_1_5`.
    """
    return power(gaussian(tie_kept_rank(predictions)), 1.5)


def numerai_corr(predictions: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """Numerai's score: the correlation of the tail-weighted predictions with the centred targets to the power 1.5.

    0 where either is constant: such a prediction says nothing.
    """
    x, y = _pair(predictions, targets)
    y, _ = _scaled(y)  # a correlation has no scale
    return float(np.clip(_unit(tail_weighted(x)) @ _unit(power(y - y.mean(), 1.5)), -1.0, 1.0))


def contribution(predictions: npt.ArrayLike, meta_model: npt.ArrayLike, targets: npt.ArrayLike) -> float:
    """What the predictions add to the meta model (Numerai's MMC): a copy of the meta model adds 0.

    Both are ranked and made normal, the predictions freed of the meta model, and what is left is their covariance
    with the targets. Targets within 0 to 1 are read as Numerai's five buckets, 0 to 4.
    """
    x, m = _pair(predictions, meta_model)
    _, y = _pair(predictions, targets)
    neutral = orthogonalise(gaussian(tie_kept_rank(x)), gaussian(tie_kept_rank(m)))
    buckets, size = _scaled(y * 4.0 if ((y >= 0.0) & (y <= 1.0)).all() else y)
    return size * float((buckets - buckets.mean()) @ neutral) / y.size


def payout_factor(at_risk: float, threshold: float) -> float:
    """The part of each score that is paid: all of it until the stake at risk passes the threshold."""
    risk, most = float(nonnegative("at_risk", at_risk)), float(nonnegative("threshold", threshold))
    return 1.0 if risk <= most else most / risk


def payout(stake: npt.ArrayLike, score: npt.ArrayLike, factor: float = 1.0, limit: float = 0.05) -> Array:
    """What a stake wins or loses in a round: `stake * clip(factor * score, -limit, limit)`.

    payout(1000.0, 0.02, payout_factor(at_risk=144_000.0, threshold=72_000.0))  # 10.0
    """
    part = float(nonnegative("factor", factor)) * finite("score", score)
    most = float(nonnegative("limit", limit))
    return np.asarray(nonnegative("stake", stake) * np.clip(part, -most, most))


def _average_ranks(values: Array) -> Array:
    _, at, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)  # rank of each distinct value's last place, from 1
    return np.asarray((last - 0.5 * (counts - 1))[at])


def _scaled(values: Array) -> tuple[Array, float]:
    """The values over a power of two near the largest, and that power: exact, and no sum of them overflows."""
    size = math.ldexp(1.0, min(math.frexp(float(np.abs(values).max(initial=0.0)))[1], 1023))
    return values / size, size


def _unit(values: Array) -> Array:
    """The values centred, at length 1; zeros where they are constant."""
    centred = values - values.mean()
    length = float(np.linalg.norm(centred))
    return centred / length if values.size and np.ptp(values) > 0.0 and length > 0.0 else np.zeros_like(values)


def _tied_pairs(groups: Ints) -> int:
    counts = np.unique(groups, return_counts=True)[1]
    return int(np.sum(counts * (counts - 1) // 2))


def _inversions(ranks: Ints) -> int:
    """How many pairs stand in the wrong order: bit by bit, the ones before each zero that agree in the bits above."""
    count = 0
    for bit in reversed(range(int(ranks.max(initial=0)).bit_length())):
        above = ranks >> (bit + 1)
        order = np.argsort(above, kind="stable")
        ranks, above = ranks[order], above[order]
        ones = (ranks >> bit) & 1
        before = np.cumsum(ones) - ones
        start = np.searchsorted(above, above)
        count += int(np.sum((before - before[start])[ones == 0]))
    return count


def _vector(name: str, values: npt.ArrayLike) -> Array:
    vector = finite(name, values)
    if vector.ndim != 1:
        raise WrongShape(f"{name} has shape {vector.shape}, expected one row of numbers")
    return vector


def _pair(a: npt.ArrayLike, b: npt.ArrayLike) -> tuple[Array, Array]:
    x, y = _vector("the first vector", a), _vector("the second vector", b)
    if x.shape != y.shape or not x.size:
        raise WrongShape(f"vectors of {x.size} and {y.size} values, expected one length of 1 or more")
    return x, y


def _same_length(items: Sequence[Array]) -> None:
    sizes = {_vector("ranking", item).size for item in items} - {0}
    if len(sizes) > 1:
        raise WrongShape(f"rankings of {sorted(sizes)} values, expected one length")
