# SPDX-License-Identifier: Apache-2.0
"""What a simulation found, a row for each strategy: what it earned, what it may earn, and whether that holds.

One result, three forms: a table for a terminal, CSV for a spreadsheet, plain values for JSON. A verdict is always on
the worst seed, and says which one that was, so that it can be looked at alone.
"""

from __future__ import annotations

import csv
import io
import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, TypeAlias

__all__ = ["Report", "Row", "Status"]

Status: TypeAlias = Literal["pass", "warn", "fail"]

_HEADS: Final = ("strategy", "n", "pool", "each", "mean", "worst", "seed", "", "what has to hold")
_WIDTH: Final = 100
_LEFT: Final = frozenset(("strategy", "", "what has to hold"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One strategy and its verdict; figures are means over the seeds."""

    strategy: str
    count: int
    """Miners or validators that play it."""
    pool: float
    """Part of all that its kind earns: of miners' incentive, or of validators' dividends."""
    each: float
    """What one of them earned relative to an honest one: a miner for itself, a validator for its stake."""
    mean: float
    """The figure that is judged."""
    worst: float
    """The same figure in the worst seed."""
    worst_seed: int
    criterion: str
    """What has to hold, of which figure."""
    status: Status
    advice: str
    """What to do where it does not hold; empty where it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The verdicts on one definition.

    report = simulate(Text())
    assert report.ok, report.text()
    """

    subnet: str
    plan: dict[str, Any]
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """Whether no row fails; a warning does not."""
        return all(row.status != "fail" for row in self.rows)

    def row(self, strategy: str) -> Row:
        """The row of this strategy; `KeyError` where it was not tried."""
        for row in self.rows:
            if row.strategy == strategy:
                return row
        raise KeyError(strategy)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain values; a figure without end is None."""
        rows = [{field.name: _plain(getattr(row, field.name)) for field in fields(row)} for row in self.rows]
        return {"subnet": self.subnet, "ok": self.ok, "plan": self.plan, "rows": rows}

    def to_csv(self) -> str:
        """The rows as CSV, with a line of names."""
        out = io.StringIO()
        names = [field.name for field in fields(Row)]
        writer = csv.DictWriter(out, ["subnet", *names], lineterminator="\n")
        writer.writeheader()
        for row in self.rows:
            writer.writerow({"subnet": self.subnet, **{name: getattr(row, name) for name in names}})
        return out.getvalue()

    def text(self) -> str:
        """The table as a terminal shows it, within 100 columns."""
        told = [line for row in self.rows if row.advice for line in _wrapped(f"{row.strategy}: {row.advice}")]
        failed = sum(row.status == "fail" for row in self.rows)
        warned = sum(row.status == "warn" for row in self.rows)
        end = f"{len(self.rows) - failed - warned} pass, {warned} warn, {failed} fail"
        return "\n".join([*self._opening(), "", *_table(self.rows), "", *told, end])

    def _opening(self) -> list[str]:
        plan = self.plan
        sampled = f"{plan['asked']} of them, and copies are found among those only"
        asked = "all of them" if plan["asked"] == plan["miners"] else sampled
        return [
            f"{self.subnet}: {plan['miners']} miners, {plan['validators']} validators, {plan['epochs']} epochs, "
            f"{plan['seeds']} seeds from {plan['seed']}, {plan['consensus']}",
            f"{plan['tasks']} tasks answered and scored by the definition; a round asks {asked}",
            "pool: part of what all its kind earn; each: beside an honest one, validators for their stake",
            "mean, worst: over the seeds, of the figure that has to hold",
        ]


def _wrapped(advice: str) -> list[str]:
    return textwrap.wrap(advice, _WIDTH, subsequent_indent="  ")


def _table(rows: Sequence[Row]) -> list[str]:
    lines = [_HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(_HEADS))]
    return ["  ".join(map(_set, line, widths, _HEADS)).rstrip() for line in lines]


def _set(cell: str, width: int, head: str) -> str:
    return cell.ljust(width) if head in _LEFT else cell.rjust(width)


def _cells(row: Row) -> tuple[str, ...]:
    figures = f"{row.pool:.1%}", f"{row.each:.2f}", f"{row.mean:.3f}", f"{row.worst:.3f}"
    return (row.strategy, str(row.count), *figures, str(row.worst_seed), row.status, row.criterion)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
