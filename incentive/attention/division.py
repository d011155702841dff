# SPDX-License-Identifier: Apache-2.0
"""Dividing a claim among those who have it, at any scale.

Priors may be stakes in the smallest unit of a token or scores near zero; their sums must neither overflow nor lose
the small ones, and nothing divided by nothing must be nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, nonnegative, sized

__all__ = ["part", "priors"]


def priors(values: npt.ArrayLike | None, miners: int) -> tuple[Array, Array]:
    """The priors as given, ones where there are none; and scaled, for sums."""
    given = np.ones(miners) if values is None else sized("prior", nonnegative("prior", values), miners)
    # Only ratios matter. At 2^900 the sum of 2^100 of them does not overflow, and the least keep their digits.
    _, exponent = np.frexp(given.max(initial=0.0))
    return given, np.ldexp(given, 900 - exponent)


def part(amount: Array, total: Array) -> Array:
    """amount / total within [0, 1]; of nothing, whoever has an amount has all."""
    return np.divide(np.minimum(amount, total), total, out=(amount > 0.0).astype(np.float64), where=total > 0.0)
