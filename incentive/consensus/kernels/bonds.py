# SPDX-License-Identifier: Apache-2.0
"""The loops that move bonds and pay their holders, a block of columns at a time.

Each is one step of `Yuma1.invest` or `Yuma3.invest`, over all cells of the block. A loop that is to run on vectors
writes to one array, so a step that needs two is two loops: the block is in the cache.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from incentive.arrays import Array, Flags
from incentive.consensus.arithmetic import Cells
from incentive.consensus.kernels.agreement import peaks
from incentive.consensus.kernels.cells import amount, between, inverse, over, proportion, put, times, wide
from incentive.consensus.kernels.machine import Result, Room, Speed, Votes, compiled, inlined, summing

__all__ = ["invest1", "invest3", "pay"]

Ends: TypeAlias = tuple[int, int]


@inlined
def invest1(network: Votes, speed: Speed, result: Result, ends: Ends, room: Room) -> None:
    """Bonds that are shares of a miner."""
    start, end = ends
    block, rate, rows, width = room.block, room.inverse[: end - start], len(room.shares), end - start
    total, peak = room.lines[0, :width], room.lines[2, :width]
    _clip(room, speed.penalty, result, ends)
    _weigh(block, room.stake, width)
    _totals(block, rows, total)
    _invert(total, rate)
    _divide(block, rows, total, rate, speed.new)
    if _any(network.bonds, ends):
        _before(network.bonds, ends, total)
        _invert(total, rate)
        _follow(room, network.bonds, ends, total, speed.old)
    _hold(room, result.held, ends)
    _totals(block, rows, total)
    peaks(block, rows, peak)
    _invert(total, rate)
    _shares(room, total, result.shares, ends)
    for j in range(width):
        peak[j] = over(peak[j], total[j], rate[j])
    _invert(peak, rate)
    _store(result.shares, peak, rate, result.bonds, ends)


@inlined
def invest3(network: Votes, speed: Speed, result: Result, ends: Ends, room: Room) -> None:
    """Bonds that move toward each validator's own weights."""
    start, end = ends
    block, rate, total = room.block, room.inverse[: end - start], room.lines[0, : end - start]
    _clip(room, speed.penalty, result, ends)
    _mix(room, network.bonds, speed, ends)
    _hold(room, result.held, ends)
    _copy(room, result.bonds, ends)
    _totals(block, len(room.shares), total)
    _invert(total, rate)
    _shares(room, total, result.shares, ends)


@summing
def pay(shares: Cells, incentive: Cells, dividends: Cells) -> None:
    """What each validator's shares of miners pay."""
    for i in range(len(dividends)):
        dividends[i] = 0
        row, paid = shares[i], dividends[i]
        for j in range(len(incentive)):
            paid += times(row[j], incentive[j])
        dividends[i] = paid


@summing
def _clip(room: Room, penalty: Any, result: Result, ends: Ends) -> None:
    """The weights that bonds follow, and what of each row survives the clipping."""
    start, end = ends
    consensus, block, weights = result.consensus[start:end], room.block, room.weights
    for i in range(len(room.rows)):
        trust, at = result.trust[i], room.rows[i]
        for j in range(len(consensus)):
            weight = wide(weights[at, j])
            clipped = min(weight, consensus[j])
            trust += clipped
            block[at, j] = between(weight, clipped, penalty)
        result.trust[i] = trust


@compiled
def _weigh(block: Cells, stake: Cells, width: int) -> None:
    for i in range(len(stake)):
        s = stake[i]
        for j in range(width):
            block[i, j] = times(block[i, j], s)


@compiled
def _any(bonds: Cells, ends: Ends) -> bool:
    """Whether there are bonds at all: in a first epoch there are none, and nothing to add up."""
    start, end = ends
    for i in range(len(bonds)):
        row, found = bonds[i, start:end], False
        for j in range(len(row)):
            found |= row[j] != 0
        if found:
            return True
    return False


@summing
def _before(bonds: Cells, ends: Ends, total: Cells) -> None:
    """What the bonds on each miner add up to."""
    start, end = ends
    for j in range(len(total)):
        total[j] = 0
    fours = len(bonds) // 4 * 4
    for i in range(0, fours, 4):
        a, b, c, d = bonds[i, start:end], bonds[i + 1, start:end], bonds[i + 2, start:end], bonds[i + 3, start:end]
        for j in range(len(total)):
            ab, cd = amount(a[j], total[j]) + amount(b[j], total[j]), amount(c[j], total[j]) + amount(d[j], total[j])
            total[j] += ab + cd
    for i in range(fours, len(bonds)):
        row = bonds[i, start:end]
        for j in range(len(total)):
            total[j] += amount(row[j], total[j])


@summing
def _totals(block: Cells, rows: int, total: Cells) -> None:
    for j in range(len(total)):
        total[j] = 0
    for i in range(0, rows, 4):
        for j in range(len(total)):
            total[j] += (block[i, j] + block[i + 1, j]) + (block[i + 2, j] + block[i + 3, j])


@compiled
def _invert(total: Cells, rate: Array) -> None:
    for j in range(len(total)):
        if total[j] == 0:
            total[j] = 1
        rate[j] = inverse(total[j])


@compiled
def _divide(block: Cells, rows: int, total: Cells, rate: Array, new: Any) -> None:
    for i in range(rows):
        for j in range(len(total)):
            block[i, j] = times(over(block[i, j], total[j], rate[j]), new)


@compiled
def _follow(room: Room, bonds: Cells, ends: Ends, before: Cells, old: Any) -> None:
    (start, end), block, rate = ends, room.block, room.inverse
    for i in range(len(bonds)):
        row, at = bonds[i, start:end], room.rows[i]
        for j in range(len(row)):
            block[at, j] += times(over(amount(row[j], before[j]), before[j], rate[j]), old)


@compiled
def _mix(room: Room, bonds: Cells, speed: Speed, ends: Ends) -> None:
    (start, end), block = ends, room.block
    for i in range(len(bonds)):
        row, at = bonds[i, start:end], room.rows[i]
        for j in range(len(row)):
            old = proportion(row[j], speed.old)
            block[at, j] = times(block[at, j], speed.new) + times(old, speed.old)


@compiled
def _hold(room: Room, held: Flags, ends: Ends) -> None:
    (start, end), block = ends, room.block
    for i in range(len(held)):
        row, at = held[i, start:end], room.rows[i]
        for j in range(len(row)):
            row[j] = block[at, j] > 0


@compiled
def _shares(room: Room, total: Cells, shares: Cells, ends: Ends) -> None:
    (start, end), block, rate = ends, room.block, room.inverse
    for i in range(len(shares)):
        row, at = shares[i, start:end], room.rows[i]
        for j in range(len(row)):
            row[j] = over(block[at, j], total[j], rate[j])


@compiled
def _store(shares: Cells, peak: Cells, rate: Array, bonds: Cells, ends: Ends) -> None:
    start, end = ends
    for i in range(len(bonds)):
        row, share = bonds[i, start:end], shares[i, start:end]
        for j in range(len(row)):
            put(row, j, over(share[j], peak[j], rate[j]))


@compiled
def _copy(room: Room, bonds: Cells, ends: Ends) -> None:
    (start, end), block = ends, room.block
    for i in range(len(bonds)):
        row, at = bonds[i, start:end], room.rows[i]
        for j in range(len(row)):
            put(row, j, block[at, j])
