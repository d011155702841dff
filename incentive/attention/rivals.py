# SPDX-License-Identifier: Apache-2.0
"""Other rules that pay similar answers less, so that the attention rule can be compared and not only praised.

Each is as small as its source allows: embeddings (N, d) and quality (N,) in, rewards (N,) out. They are here to be
measured (`sybil_frontier`), not to be used: each of them either pays clones or lets a copier ruin its victim.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array
from incentive.attention.kernels import unit_rows
from incentive.attention.rule import OPEN

__all__ = [
    "RIVALS",
    "Rival",
    "diversity_factor",
    "diversity_mask",
    "fitness_sharing",
    "leave_one_out",
    "naive",
    "replication_penalty",
    "ridge_leverage",
]

Rival: TypeAlias = Callable[[npt.ArrayLike, Array], Array]


def naive(embeddings: npt.ArrayLike, quality: Array) -> Array:
    """The quality alone."""
    return quality.copy()


def diversity_mask(embeddings: npt.ArrayLike, quality: Array) -> Array:
    """Quality times a mask by the distance to the nearest other answer (opentensor/validators reward/diversity.py)."""
    distance = 1.0 - np.abs(_cosine(embeddings))
    np.fill_diagonal(distance, 0.0)
    nearest: Array = np.sort(distance, axis=1)[:, min(1, len(distance) - 1)]
    return quality * diversity_factor(nearest)


def diversity_factor(distance: npt.ArrayLike) -> Array:
    """sigmoid(40 d - 4) of that distance: it costs a copy 98.2%, and the original as well."""
    factor: Array = 1.0 / (1.0 + np.exp(4.0 - 40.0 * np.asarray(distance, dtype=np.float64)))
    return factor


def fitness_sharing(embeddings: npt.ArrayLike, quality: Array) -> Array:
    """Quality over the summed similarity to all: the sharing of niches in genetic algorithms."""
    return quality / _crowding(embeddings)


def replication_penalty(embeddings: npt.ArrayLike, quality: Array) -> Array:
    """Quality times 2^-(summed similarity), the penalty of Agarwal, Dahleh and Sarkar (arXiv 1805.08125)."""
    return quality * np.exp2(-_crowding(embeddings))


def ridge_leverage(embeddings: npt.ArrayLike, quality: Array, ridge: float = 0.1) -> Array:
    """Quality times the leverage (K (K + ridge I)^-1)_ii: how far an answer is not a mixture of the others."""
    k = _region(embeddings)
    unexplained: Array = ridge * np.diagonal(np.linalg.inv(k + ridge * np.eye(len(k))))
    return quality * np.clip(1.0 - unexplained, 0.0, 1.0)


def leave_one_out(embeddings: npt.ArrayLike, quality: Array, noise: float = 1e-3) -> Array:
    """Quality times the information lost without an answer: log det(I + C/noise) with it less that without it."""
    c = _cosine(embeddings)
    without: Array = np.diagonal(np.linalg.inv(np.eye(len(c)) + c / noise))
    return quality * -np.log(np.clip(without, 1e-300, 1.0))


RIVALS: Final[Mapping[str, Rival]] = {
    "quality alone": naive,
    "nearest-neighbour mask": diversity_mask,
    "fitness sharing": fitness_sharing,
    "replication penalty": replication_penalty,
    "ridge leverage": ridge_leverage,
    "leave-one-out log det": leave_one_out,
}
"""The rules by name."""


def _cosine(embeddings: npt.ArrayLike) -> Array:
    x = unit_rows("embeddings", embeddings).astype(np.float64, copy=False)
    c: Array = np.clip(x @ x.T, -1.0, 1.0)
    np.fill_diagonal(c, 1.0)
    return c


def _region(embeddings: npt.ArrayLike) -> Array:
    """The broad kernel by itself, with the attention rule's own region."""
    k: Array = np.maximum((_cosine(embeddings) - OPEN.c0) / (1.0 - OPEN.c0), 0.0) ** OPEN.p
    return k


def _crowding(embeddings: npt.ArrayLike) -> Array:
    total: Array = _region(embeddings).sum(axis=1)  # (N,)
    return total
