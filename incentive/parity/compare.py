# SPDX-License-Identifier: Apache-2.0
"""How far a computed field is from the recorded one: the largest difference of two numbers at the same place.

Fields may be numbers, flags, lists and tables of them. Where the places themselves differ, no number says how far
apart they are, and the field is wrong whatever the tolerance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Field", "distance"]


@dataclass(slots=True)
class Field:
    """One field over all cases."""

    name: str
    tolerance: int = 0
    cases: int = 0
    difference: float = 0
    worst: str = ""
    """The case in which it is largest."""

    def add(self, case: str, computed: Any, recorded: Any) -> None:
        """Compare one more case."""
        found = distance(computed, recorded)
        self.cases += 1
        if found > self.difference:
            self.difference, self.worst = found, case

    @property
    def ok(self) -> bool:
        """Whether no case is further off than allowed."""
        return self.difference <= self.tolerance

    def to_dict(self) -> dict[str, Any]:
        """The line that the command prints; a difference of places has no number."""
        number = self.difference if math.isfinite(self.difference) else None
        line = {"field": self.name, "cases": self.cases, "difference": number, "tolerance": self.tolerance}
        return {**line, "ok": self.ok, **({"worst": self.worst} if self.worst else {})}


def distance(a: Any, b: Any) -> float:
    """The largest difference between two values of one shape; infinite where their shapes differ."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return _largest(distance(a[key], b[key]) for key in a) if a.keys() == b.keys() else math.inf
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return _largest(map(distance, a, b)) if len(a) == len(b) else math.inf
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b)
    return 0 if a is None and b is None else math.inf


def _largest(values: Any) -> float:
    return max(values, default=0)
