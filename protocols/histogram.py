# SPDX-License-Identifier: Apache-2.0
"""How often a quantity was how large: counts in buckets, cheap enough to be kept for each query and each step.

Plain integers, because a metrics library's own histograms cost ten times as much. One thread adds and another reads;
what is read in between may lack the newest value, which no reader of a metric can tell.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

__all__ = ["Histogram", "ROWS", "SECONDS"]

SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds for how long something took."""
ROWS: Final = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
"""Bounds for how many were served together."""


@dataclass(slots=True, eq=False)
class Histogram:
    """The values that were added, counted by the least bound that they do not exceed."""

    bounds: tuple[float, ...] = SECONDS
    total: float = field(default=0.0, init=False)
    """The sum of all values."""
    _counts: list[int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._counts = [0] * (len(self.bounds) + 1)

    def add(self, value: float) -> None:
        """Count a value."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def buckets(self) -> list[tuple[str, float]]:
        """How many values were at most each bound, as Prometheus writes it; the last is how many there were."""
        return list(zip((*map(str, self.bounds), "+Inf"), accumulate(self._counts), strict=True))
