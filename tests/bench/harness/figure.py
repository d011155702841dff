# SPDX-License-Identifier: Apache-2.0
"""A figure: one number, the bar it must meet, and the absolute values behind it.

A ratio of two runs minutes apart measures the neighbours. Here each turn of ours is followed by one of the rival's,
each such pair gives a ratio, and the figure is the median of them: one slow moment spoils one pair, and drift spoils
none.
"""

from __future__ import annotations

import json
import os
import statistics
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

__all__ = ["Bar", "Figure", "effort", "middle", "pairs", "table"]

Mine = TypeVar("Mine")
Theirs = TypeVar("Theirs")


@dataclass(frozen=True, slots=True)
class Bar:
    """What a value must be to pass."""

    relation: Literal["<=", ">=", "=="]
    limit: float

    def holds(self, value: float | None) -> bool:
        """Whether the value passes; what was not measured does not."""
        if value is None:
            return False
        passes = {"<=": value <= self.limit, ">=": value >= self.limit, "==": value == self.limit}
        return passes[self.relation]

    def __str__(self) -> str:
        return f"{self.relation} {self.limit:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number; `value` is None where it could not be measured, and `detail` says why."""

    name: str
    value: float | None
    bar: Bar
    detail: Mapping[str, object] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether the bar is met."""
        return self.bar.holds(self.value)

    def line(self) -> str:
        """The figure as one line of JSON."""
        value = None if self.value is None else round(self.value, 4)
        shown = {"name": self.name, "value": value, "bar": str(self.bar), "ok": self.ok, "detail": self.detail}
        return json.dumps(shown)


def pairs(ours: Callable[[], Mine], rival: Callable[[], Theirs], count: int) -> list[tuple[Mine, Theirs]]:
    """Take turns, ours first, `count` times."""
    return [(ours(), rival()) for _ in range(count)]


def middle(values: Iterable[float]) -> float:
    """The median, to four digits."""
    return float(f"{statistics.median(values):.4g}")


def effort(full: int, quick: int) -> int:
    """How many times to do something: `full`, or `quick` under BENCH_QUICK=1, which only proves the harness."""
    return quick if os.environ.get("BENCH_QUICK") == "1" else full


def table(figures: Iterable[Figure]) -> str:
    """All figures, one a row, for people."""
    rows = [("figure", "value", "bar", "")]
    for figure in figures:
        value = "not measured" if figure.value is None else f"{figure.value:.4g}"
        rows.append((figure.name, value, str(figure.bar), "ok" if figure.ok else "MISSED"))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:<{widths[2]}}  {d}".rstrip() for a, b, c, d in rows)
