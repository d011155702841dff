# SPDX-License-Identifier: Apache-2.0
"""A summary as a table of text: who earns what, whoever earned most first.

The order is that of everything earned so far: by the last epoch's pay alone, equals would change places every time.
"""

from __future__ import annotations

from typing import Final

from subnet.localnet.standing import Standing, Summary

__all__ = ["cell", "ordered", "table"]

_ALPHA: Final = 10**9
_KINDS: Final = {"miner": 0, "validator": 1}
_HEAD: Final = "uid  name          role       quality  incentive  dividends   trust   emission     earned"
_WIDTHS: Final = {"quality": 9, "incentive": 11, "dividends": 11, "trust": 8, "emission": 11, "earned": 11}


def table(summary: Summary) -> str:
    """The rows of all participants beneath a line that says when."""
    title = f"{summary.subnet}  epoch {summary.epoch}  block {summary.block}  seed {summary.seed}"
    return "\n".join([title, _HEAD, *(_line(row) for row in ordered(summary))])


def ordered(summary: Summary) -> list[Standing]:
    """Miners, then validators, of each whoever earned most first; the subnet's owner takes no part."""
    rows = [row for row in summary.rows if row.kind in _KINDS]
    return sorted(rows, key=lambda row: (_KINDS[row.kind], -row.earned, row.uid))


def cell(row: Standing, column: str) -> str:
    """One number as people read it; nothing where the column does not concern this kind of participant."""
    if column in (("dividends", "trust") if row.kind == "miner" else ("quality", "incentive")):
        return ""
    match column:
        case "quality" | "trust":
            return f"{getattr(row, column):.3f}"
        case "emission":
            return f"{row.emission / _ALPHA:.4f}"
        case "earned":
            return f"{row.earned / _ALPHA:.3f}"
    return f"{getattr(row, column):.4f}"


def _line(row: Standing) -> str:
    numbers = "".join(f"{cell(row, column):>{width}}" for column, width in _WIDTHS.items())
    return f"{row.uid:3}  {row.name:12}  {row.role:8} {numbers}"
