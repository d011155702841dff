# SPDX-License-Identifier: Apache-2.0
"""The loops that move bonds and pay their holders, a block of columns at a time.

Each is one step of `Yuma1.invest` or `Yuma3.invest`, over all cells of the block. A loop that is to run on vectors
writes to one array, so a step that needs two is two loops: the block is in the cache.
"""

from __future__ import annotations

from typing import Any, TypeAlias

from incentive.arrays import Array, Flags
from incentive.consensus.arithmetic import Cells
from incentive.consensus.kernels.agreement import pad, peaks
from incentive.consensus.kernels.cells import amount, between, inverse, over, part, proportion, put, times
from incentive.consensus.kernels.machine import Result, Room, Speed, Votes, compiled, inlined, summing

__all__ = ["invest1", "invest3"]

Span: TypeAlias = tuple[int, int]


@inlined
def invest1(network: Votes, speed: Speed, result: Result, room: Room) -> None:
    """Bonds that are shares of a miner."""
    v, n = network.weights.shape
    block, other, rate, step = room.block, room.other, room.inverse, room.lines.shape[1]
    pad(block, v, step)
    pad(other, v, step)
    for start in range(0, n, step):
        end = min(start + step, n)
        total, before, peak = room.lines[0, : end - start], room.lines[1, : end - start], room.lines[2, : end - start]
        _clip(network, speed.penalty, result, (start, end), room)
        _weigh(block, network.stake, end - start)
        _totals(block, v, total)
        _invert(total, rate[0])
        _divide(block, v, total, rate[0], speed.new)
        if _any(network.bonds, (start, end)):
            _load(network.bonds, (start, end), total[0], other)
            _totals(other, v, before)
            _invert(before, rate[1])
            _follow(block, other, v, before, rate[1], speed.old)
        _hold(block, result.held, (start, end))
        _totals(block, v, total)
        peaks(block, v, peak)
        _invert(total, rate[0])
        _pay(block, total, rate[0], result.incentive[start:end], result.dividends)
        for j in range(end - start):
            peak[j] = over(peak[j], total[j], rate[0, j])
        _invert(peak, rate[0])
        _store(block, peak, rate[0], result.bonds, (start, end))


@inlined
def invest3(network: Votes, speed: Speed, result: Result, room: Room) -> None:
    """Bonds that move toward each validator's own weights."""
    v, n = network.weights.shape
    block, rate, step = room.block, room.inverse[0], room.lines.shape[1]
    pad(block, v, step)
    for start in range(0, n, step):
        end = min(start + step, n)
        total = room.lines[0, : end - start]
        _clip(network, speed.penalty, result, (start, end), room)
        _mix(block, network.bonds, speed, (start, end))
        _hold(block, result.held, (start, end))
        _copy(block, result.bonds, (start, end))
        _totals(block, v, total)
        _invert(total, rate)
        _pay(block, total, rate, result.incentive[start:end], result.dividends)


@summing
def _clip(network: Votes, penalty: Any, result: Result, span: Span, room: Room) -> None:
    """The weights that bonds follow, and what of each row survives the clipping."""
    start, end = span
    block, consensus = room.block, result.consensus[start:end]
    for i in range(len(network.stake)):
        row, total, rate = network.weights[i, start:end], room.totals[i], room.rates[i]
        trust = result.trust[i]
        for j in range(len(consensus)):
            weight = part(row[j], total, rate)
            clipped = min(weight, consensus[j])
            trust += clipped
            block[i, j] = between(weight, clipped, penalty)
        result.trust[i] = trust


@compiled
def _weigh(block: Cells, stake: Cells, width: int) -> None:
    for i in range(len(stake)):
        s = stake[i]
        for j in range(width):
            block[i, j] = times(block[i, j], s)


@compiled
def _any(bonds: Cells, span: Span) -> bool:
    """Whether there are bonds at all: in a first epoch there are none, and nothing to add up."""
    start, end = span
    for i in range(len(bonds)):
        row, found = bonds[i, start:end], False
        for j in range(len(row)):
            found |= row[j] != 0
        if found:
            return True
    return False


@compiled
def _load(bonds: Cells, span: Span, like: Any, other: Cells) -> None:
    start, end = span
    for i in range(len(bonds)):
        row = bonds[i, start:end]
        for j in range(len(row)):
            other[i, j] = amount(row[j], like)


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
def _follow(block: Cells, other: Cells, rows: int, before: Cells, rate: Array, old: Any) -> None:
    for i in range(rows):
        for j in range(len(before)):
            block[i, j] += times(over(other[i, j], before[j], rate[j]), old)


@compiled
def _mix(block: Cells, bonds: Cells, speed: Speed, span: Span) -> None:
    start, end = span
    for i in range(len(bonds)):
        row = bonds[i, start:end]
        for j in range(len(row)):
            old = proportion(row[j], speed.old)
            block[i, j] = times(block[i, j], speed.new) + times(old, speed.old)


@compiled
def _hold(block: Cells, held: Flags, span: Span) -> None:
    start, end = span
    for i in range(len(held)):
        row = held[i, start:end]
        for j in range(len(row)):
            row[j] = block[i, j] > 0


@summing
def _pay(block: Cells, total: Cells, rate: Array, incentive: Cells, dividends: Cells) -> None:
    """Turn bonds into shares of each miner, and add up what they pay."""
    for i in range(len(dividends)):
        paid = dividends[i]
        for j in range(len(incentive)):
            share = over(block[i, j], total[j], rate[j])
            block[i, j] = share
            paid += times(share, incentive[j])
        dividends[i] = paid


@compiled
def _store(block: Cells, peak: Cells, rate: Array, bonds: Cells, span: Span) -> None:
    start, end = span
    for i in range(len(bonds)):
        row = bonds[i, start:end]
        for j in range(len(row)):
            put(row, j, over(block[i, j], peak[j], rate[j]))


@compiled
def _copy(block: Cells, bonds: Cells, span: Span) -> None:
    start, end = span
    for i in range(len(bonds)):
        row = bonds[i, start:end]
        for j in range(len(row)):
            put(row, j, block[i, j])
