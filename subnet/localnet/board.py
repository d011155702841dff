# SPDX-License-Identifier: Apache-2.0
"""A network as a terminal shows it while it runs: the clock, how to stop it, where the chain is, and who earns what.

It is drawn several times a second and must not mislead in between: what does not fit the terminal is said to be
missing, never cut within a number, and the last drawing of all, which stays, has every row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from protocols.clock import Clock
from protocols.types import Block
from subnet.localnet.standing import Standing, Summary
from subnet.localnet.table import cell, ordered

__all__ = ["Board"]

_WIDTHS: Final = {
    "uid": 3,
    "role": 12,
    "quality": 7,
    "incentive": 9,
    "dividends": 9,
    "trust": 5,
    "emission": 8,
    "earned": 9,
}
_GAP: Final = 2
_LINES: Final = 5
"""Lines that are no participant's: two above the table, its head, one between its halves, and the cursor's; where the
chain is takes one more."""
_UNPAID: Final = ("uid", "role", "quality")
_EXPENDABLE: Final = ("earned", "trust", "dividends", "uid", "emission", "quality")
_LEGEND: Final = (
    "quality: the validators' score of a miner, 0 to 1. incentive, dividends: the part of what all miners, all "
    "validators were paid in the last epoch. trust: how far a validator votes like the others. emission, earned: "
    "alpha paid in the last epoch, and since the start."
)
_STOP: Final = "Ctrl-C stops it"
_STOPPING: Final = "stopping ..."
_STOPPED: Final = "stopped"


class Board:
    """The network's state as last told, and how it is drawn."""

    def __init__(self, title: str, clock: Clock, block_time: float | None) -> None:
        """Begin without participants; `block_time` is None where blocks follow no clock."""
        self._title = title
        self._clock = clock
        self._block_time = block_time
        self._summary: Summary | None = None
        self._due: Block | None = None
        self._seen_s = 0.0
        self._advice = _STOP
        self._place: str | None = None

    def reached_at(self, place: str | None) -> None:
        """Say where tools reach the chain, while it is there."""
        self._place = place

    def update(self, summary: Summary, due: Block | None) -> None:
        """Show where everybody stands, and count down to the block that the next epoch is due at."""
        if self._summary is None or summary.block != self._summary.block:
            self._seen_s = self._clock.monotonic()
        self._summary, self._due = summary, due

    def stopping(self) -> None:
        """Say that the network is being stopped."""
        self._advice = _STOPPING
        self._place = None

    def end(self) -> None:
        """Draw what is to stay on the terminal from now on."""
        self._advice = _STOPPED

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """What rich draws of it, at this width and height."""
        columns = _fitting(options.max_width)
        yield Text(self._head(), style="bold")
        yield Text(self._advice_beside(columns), style="dim")
        if self._summary is None:
            return
        if self._place is not None:
            yield Text(f"chain: {self._place}", style="dim")
        rows, legend = ordered(self._summary), Text(_LEGEND, style="dim")
        room = math.inf if self._advice == _STOPPED else console.size.height - _LINES - (self._place is not None)
        shown = rows if len(rows) <= room else rows[: max(1, int(room) - 1)]
        yield _table(shown, columns, is_paid=any(row.earned for row in rows))
        if len(shown) < len(rows):
            yield Text(f"and {len(rows) - len(shown)} more, for which this terminal is too low", style="dim")
        elif len(rows) + len(console.render_lines(legend, options)) <= room:
            yield legend

    def _head(self) -> str:
        if (summary := self._summary) is None:
            return f"{self._title}  starting ..."
        words = [summary.subnet, f"epoch {summary.epoch}", f"block {summary.block}"]
        if self._advice == _STOP and self._due is not None and self._block_time is not None:
            left = (self._due - summary.block) * self._block_time + self._seen_s - self._clock.monotonic()
            words.append(f"next epoch in {max(0, math.ceil(left))} s")
        return "  ".join([*words, f"seed {summary.seed}"])

    def _advice_beside(self, columns: Sequence[str]) -> str:
        hidden = [name for name in _WIDTHS if name not in columns]
        return f"{self._advice}  (too narrow for: {', '.join(hidden)})" if hidden else self._advice


def _fitting(width: int) -> list[str]:
    """The columns that fit whole."""
    columns = list(_WIDTHS)
    for name in _EXPENDABLE:
        if sum(_WIDTHS[column] + _GAP for column in columns) - _GAP <= width:
            break
        columns.remove(name)
    return columns


def _table(rows: Sequence[Standing], columns: Sequence[str], is_paid: bool) -> Table:
    drawn = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="underline")
    for name in columns:
        justify: Literal["left", "right"] = "left" if name == "role" else "right"
        drawn.add_column(name, justify=justify, min_width=_WIDTHS[name], no_wrap=True)
    for at, row in enumerate(rows):
        if at and row.kind != rows[at - 1].kind:
            drawn.add_row()
        # What the chain still has from before the start is not what these participants did.
        drawn.add_row(*(_drawn(row, name) if is_paid or name in _UNPAID else "" for name in columns))
    return drawn


def _drawn(row: Standing, name: str) -> Text:
    match name:
        case "uid":
            return Text(str(row.uid), style="dim")
        case "role":
            return Text(row.name)
    said = cell(row, name)
    if not said.strip("0."):  # whoever has nothing stands back
        return Text(said, style="dim")
    return Text(said, style="green" if name in ("incentive", "dividends") else "")
