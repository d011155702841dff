# SPDX-License-Identifier: Apache-2.0
"""The loops that find the weight which a majority of stake supports, for all columns of a block together.

A sort moves every weight of a column many times; here the stake at or below a probe is added up instead, and the
probe moves half way, until few weights are left to choose from. A loop that is to run on vectors writes to one array.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from incentive.arrays import Ints
from incentive.consensus.arithmetic import Cells
from incentive.consensus.kernels.cells import inverse, middle, narrow, part, times, wide
from incentive.consensus.kernels.machine import Result, Room, Votes, compiled, inlined

__all__ = ["agree", "peaks"]

Ends: TypeAlias = tuple[int, int]
Range: TypeAlias = tuple[Any, Any]

# Probes beyond those that halve as many evenly spread weights as there are voters down to one.
_PROBES: Final = 2


@inlined
def agree(network: Votes, result: Result, ends: Ends, voters: int, room: Room) -> None:
    """The weighted median and the rank of each miner of a block, which is left holding the weights."""
    start, end = ends
    high = room.marks[1, : end - start]
    _gather(network, ends, room.rows, room.weights)
    peaks(room.weights, voters, high)
    if network.minority >= 0:
        _narrow(network.minority, voters, end - start, room)
    _rank(room.weights, room.stake, voters, high, result.ranks[start:end])
    for j in range(end - start):
        result.consensus[start + j] = wide(high[j])


@compiled
def peaks(block: Cells, rows: int, peak: Cells) -> None:
    """The largest cell of each column."""
    for j in range(len(peak)):
        peak[j] = 0
    for i in range(0, rows, 4):
        for j in range(len(peak)):
            ab, cd = max(block[i, j], block[i + 1, j]), max(block[i + 2, j], block[i + 3, j])
            peak[j] = max(peak[j], max(ab, cd))


@compiled
def _gather(network: Votes, ends: Ends, rows: Ints, block: Cells) -> None:
    start, end = ends
    for i in range(len(rows)):
        row, total, rate, at = network.weights[i, start:end], network.totals[i], inverse(network.totals[i]), rows[i]
        for j in range(len(row)):
            block[at, j] = narrow(part(row[j], total, rate), block)


@inlined
def _narrow(minority: Any, rows: int, width: int, room: Room) -> None:
    """Lower the highest weight of each column to the lowest that has more than the minority at or below it."""
    low, high, probe, other = room.marks[0, :width], room.marks[1, :width], room.marks[2, :width], room.marks[3, :width]
    for j in range(width):
        low[j] = 0
    probes = _PROBES
    while 1 << probes < rows << _PROBES:
        probes += 1
    # Weights that nearly agree are told apart in the second round, which begins with them alone.
    for count in (probes, _PROBES):
        for j in range(width):
            probe[j] = low[j]
        for _ in range(count):
            _supports(room.weights, room.shares, rows, probe, room.support[:width])
            _halve(minority, room.support, low, high, probe)
        _lowest(room.weights, rows, low, high, probe)
        _highest(room.weights, rows, low, high, other)
        _snap(low, high, probe, other)
    for j in range(width):
        if low[j] < high[j]:
            high[j] = _select(minority, room.weights, room.shares, rows, j, (low[j], high[j]))


@compiled
def _supports(block: Cells, shares: Ints, rows: int, probe: Cells, support: Ints) -> None:
    """The stake behind weights that are at most the probe.

    All stake may be one too much for the type, and is then none; but not all is behind less than the highest weight.
    """
    none = support.dtype.type(0)
    for j in range(len(probe)):
        support[j] = 0
    for i in range(0, rows, 4):
        a, b, c, d = shares[i], shares[i + 1], shares[i + 2], shares[i + 3]
        for j in range(len(probe)):
            top = probe[j]
            ab = (a if block[i, j] <= top else none) + (b if block[i + 1, j] <= top else none)
            cd = (c if block[i + 2, j] <= top else none) + (d if block[i + 3, j] <= top else none)
            support[j] += ab + cd


@compiled
def _halve(minority: Any, support: Ints, low: Cells, high: Cells, probe: Cells) -> None:
    """The answer is at most the probe if enough stake is, and above it if not."""
    for j in range(len(probe)):
        high[j] = probe[j] if support[j] > minority else high[j]
    for j in range(len(probe)):
        low[j] = low[j] if support[j] > minority else probe[j]
    for j in range(len(probe)):
        probe[j] = middle(low[j], high[j])


@compiled
def _snap(low: Cells, high: Cells, lowest: Cells, highest: Cells) -> None:
    for j in range(len(low)):
        if low[j] < high[j]:
            low[j], high[j] = lowest[j], highest[j]


@compiled
def _lowest(block: Cells, rows: int, low: Cells, high: Cells, lowest: Cells) -> None:
    for j in range(len(lowest)):
        lowest[j] = high[j]
    for i in range(0, rows, 4):
        for j in range(len(lowest)):
            floor, top = low[j], high[j]
            a, b, c, d = block[i, j], block[i + 1, j], block[i + 2, j], block[i + 3, j]
            ab = min(a if a > floor else top, b if b > floor else top)
            cd = min(c if c > floor else top, d if d > floor else top)
            lowest[j] = min(lowest[j], min(ab, cd))


@compiled
def _highest(block: Cells, rows: int, low: Cells, high: Cells, highest: Cells) -> None:
    for j in range(len(highest)):
        highest[j] = low[j]
    for i in range(0, rows, 4):
        for j in range(len(highest)):
            floor, top = low[j], high[j]
            a, b, c, d = block[i, j], block[i + 1, j], block[i + 2, j], block[i + 3, j]
            ab = max(a if a <= top else floor, b if b <= top else floor)
            cd = max(c if c <= top else floor, d if d <= top else floor)
            highest[j] = max(highest[j], max(ab, cd))


@compiled
def _select(minority: Any, block: Cells, shares: Ints, rows: int, j: int, span: Range) -> Any:
    """The same for one column, of which both ends are weights that somebody set."""
    low, high = span
    while low < high:
        probe = middle(low, high)
        support, below, above = 0, low, high
        for i in range(rows):
            weight = block[i, j]
            if weight <= probe:
                support += shares[i]
                below = max(below, weight)
            else:
                above = min(above, weight)
        if support > minority:
            high = below
        else:
            low = above
    return high


@compiled
def _rank(block: Cells, stake: Cells, rows: int, consensus: Cells, ranks: Cells) -> None:
    for j in range(len(ranks)):
        ranks[j] = 0
    for i in range(0, rows, 2):
        s, t = stake[i], stake[i + 1]
        for j in range(len(ranks)):
            top = consensus[j]
            ranks[j] += times(wide(min(block[i, j], top)), s) + times(wide(min(block[i + 1, j], top)), t)
