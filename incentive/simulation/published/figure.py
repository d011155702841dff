# SPDX-License-Identifier: Apache-2.0
"""One published number beside the one computed here.

All comparisons report in this one form, so that whoever reads them sees the source's value, ours and the distance, and
so that a computation which broke cannot pass: NaN is infinitely far from everything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["Figure"]


@dataclass(frozen=True, slots=True)
class Figure:
    """A number as published, as computed, and how far apart they may be.

    Figure("retention, S_H .6", published=0.60, computed=0.603, tolerance=0.01).ok
    """

    name: str
    published: float
    computed: float
    tolerance: float

    @property
    def difference(self) -> float:
        """How far apart the two are; infinite where either is no number."""
        if self.published == self.computed:
            return 0.0
        apart = abs(self.published - self.computed)
        return math.inf if math.isnan(apart) else apart

    @property
    def ok(self) -> bool:
        """Whether they agree within the tolerance."""
        return math.isfinite(self.difference) and self.difference <= self.tolerance

    def to_dict(self) -> dict[str, str | float | bool]:
        """The figure as plain values, with the verdict."""
        return {
            "name": self.name,
            "published": self.published,
            "computed": self.computed,
            "difference": self.difference,
            "tolerance": self.tolerance,
            "ok": self.ok,
        }
