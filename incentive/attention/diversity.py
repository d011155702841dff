# SPDX-License-Identifier: Apache-2.0
"""How many different answers there really are.

A subnet of 256 miners who all run one model has one answer, and its owner should see that number. It is the diversity
of Leinster and Cobbold: the effective number of species, where similar species count less than one each.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, fractions, nonnegative, shares, sized
from protocols.errors import NothingToWeigh, OutOfRange, WrongShape

__all__ = ["effective_number", "vendi_score"]


def effective_number(similarity: npt.ArrayLike, p: npt.ArrayLike | None = None, q: float = 1.0) -> float:
    """D = (sum_i p_i (Zp)_i^(q-1))^(1/(1-q)): from 1, all the same, to N, all equally present and nothing alike.

    `similarity` Z (N, N) is within [0, 1] with ones on its diagonal, `p` (N,) says how much of each there is. The
    order `q`, 0 to infinity, says how little rare ones count. effective_number(numpy.eye(4)) is 4. (arXiv 1512.06314)
    """
    z = _similarities(similarity)
    if math.isnan(q) or q < 0.0:
        raise OutOfRange(f"q is {q}, expected 0 or more")
    presence = shares(np.ones(len(z)) if p is None else sized("p", nonnegative("p", p), len(z)))
    if not presence.any():
        raise NothingToWeigh("p is zero everywhere: the diversity of nothing is not defined", help="give it some mass")
    present = presence > 0.0
    ordinary = np.log((z @ presence)[present])  # (M,) log (Zp)_i
    return math.exp(_log_diversity(presence[present], ordinary, q))


def vendi_score(similarity: npt.ArrayLike) -> float:
    """The exponential of the entropy of the eigenvalues of Z / N, Z symmetric and positive semidefinite."""
    z = _similarities(similarity)
    eigenvalues = np.linalg.eigvalsh(z) / len(z)
    if not np.array_equal(z, z.T) or eigenvalues[0] < -1e-9:
        raise OutOfRange(
            f"similarity has the eigenvalue {eigenvalues[0]}, expected a symmetric matrix with none below 0"
        )
    positive = eigenvalues[eigenvalues > 0.0]
    return math.exp(-float(positive @ np.log(positive)))


def _log_diversity(p: Array, ordinary: Array, q: float) -> float:
    if q == 1.0:
        return -float(p @ ordinary)
    if math.isinf(q):
        return -float(ordinary.max())
    powers = (q - 1.0) * ordinary  # (M,)
    if np.abs(powers).max() < 1.0:
        # Near q = 1 the sum is nearly 1, and its distance from 1 is all that counts.
        return math.log1p(float(p @ np.expm1(powers))) / (1.0 - q)
    terms = np.log(p) + powers
    top = float(terms.max())
    return (top + math.log(float(np.exp(terms - top).sum()))) / (1.0 - q)


def _similarities(similarity: npt.ArrayLike) -> Array:
    z = fractions("similarity", similarity)
    if z.ndim != 2 or not len(z):
        raise WrongShape(f"similarity has shape {z.shape}, expected (N, N) with N of 1 or more")
    sized("similarity", z, len(z), len(z))
    away = np.abs(np.diagonal(z) - 1.0)
    if away.max() > 1e-6:
        i = int(away.argmax())
        raise OutOfRange(f"similarity[{i}, {i}] is {z[i, i]}, expected 1: everything is like itself")
    return z
