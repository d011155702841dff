# SPDX-License-Identifier: Apache-2.0
"""Which similarity means the same answer: a band, learned from pairs that the validators own.

A measure's numbers mean nothing by themselves: honest answers to one question may be .3 alike by one embedder and .8
by another. The band comes from pairs known to be distinct and pairs known to be copies, never from what miners sent:
whoever floods a round with near-copies would move it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from incentive.arrays import Array, Numbers, finite
from incentive.similarity.measure import Similarity
from protocols.errors import OutOfRange

__all__ = ["Band", "calibrate", "calibrate_tau"]

T = TypeVar("T")


class Band(NamedTuple):
    """Similarities below `low` are of distinct answers, from `high` on of one answer, and in between in part."""

    low: float
    """tau0."""

    high: float
    """tau1."""


def calibrate_tau(
    distinct: Numbers,
    paraphrases: Numbers,
    *,
    margin: float = 0.02,
    distinct_quantile: float = 0.99,
    paraphrase_quantile: float = 0.05,
) -> Band:
    """The sharp band between the similarities of distinct pairs and those of paraphrased pairs.

    `low` is the 99th percentile of the distinct pairs and a margin, `high` the 5th percentile of the paraphrases; of
    a small sample that is its largest, or smallest, value. Where the two overlap there is no band: any would call
    honest answers copies, or copies honest, so `OutOfRange` is raised.

        attention = calibrate_tau(distinct=[0.2, 0.31, 0.4], paraphrases=[0.83, 0.9])    # Band(low=0.42, high=0.83)
    """
    apart, same = _similarities("distinct", distinct), _similarities("paraphrases", paraphrases)
    # Values of the sample, not between them: with ten pairs "almost all" is all ten.
    low = min(float(np.quantile(apart, distinct_quantile, method="higher")) + margin, 1.0)
    high = min(float(np.quantile(same, paraphrase_quantile, method="lower")), 1.0)
    if low >= high:
        raise OutOfRange(
            f"distinct pairs reach {low:.3f} (with a margin of {margin:g}) and paraphrases begin at {high:.3f}, "
            "expected them apart",
            help="take a measure that tells these pairs apart, or compare miners over many tasks instead of one answer",
        )
    return Band(low, high)


def calibrate(
    measure: Similarity[T],
    distinct: Sequence[tuple[T, T]],
    paraphrases: Sequence[tuple[T, T]],
    *,
    margin: float = 0.02,
) -> Band:
    """The sharp band of a measure, from pairs of distinct answers to one question and pairs of paraphrases.

    band = calibrate(CharNgrams(), distinct=[("Paris.", "It is Lyon.")], paraphrases=[("Paris.", "paris")])
    """
    return calibrate_tau(
        [measure.sim(a, b) for a, b in distinct], [measure.sim(a, b) for a, b in paraphrases], margin=margin
    )


def _similarities(name: str, values: Numbers) -> Array:
    array = finite(name, values).ravel()
    if not array.size:
        raise OutOfRange(f"{name} has 0 pairs, expected 1 or more")
    # Rounding may take an inner product of unit rows just past 1.
    if np.abs(array).max() > 1.0 + 1e-9:
        raise OutOfRange(f"{name} has a similarity of {array[np.abs(array).argmax()]}, expected -1 to 1")
    return array
