# SPDX-License-Identifier: Apache-2.0
"""The epochs that Python calls: one a version of Yuma, over a batch of networks, results into arrays of the caller's.

numba keeps what it compiled of these, and compiles again when this file has changed, but not when only a file behind
it has. So this one names what is behind it.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from incentive.arrays import Ints
from incentive.consensus.arithmetic import Cells
from incentive.consensus.kernels.agreement import agree
from incentive.consensus.kernels.bonds import invest1, invest3, pay
from incentive.consensus.kernels.cells import inverse, minority, over, row_total, small, times, whole
from incentive.consensus.kernels.machine import Result, Room, Span, Speed, Votes, compiled, entry
from incentive.consensus.kernels.small import agree_small, invest1_small, invest3_small

__all__ = [
    "BEHIND",
    "poll",
    "row_shares",
    "yuma1",
    "yuma1_joined",
    "yuma1_small",
    "yuma3",
    "yuma3_joined",
    "yuma3_small",
]

BEHIND: Final = "4efc7ef9ebb532aa9efe65b9850d9bcffa48ed00b0ad9e635b5de17711dbc362"
"""SHA-256 of the other files of this package, in order of name: a test compares it and says what to write."""

_CELLS: Final = 1 << 16
"""Cells of a block: with what goes with it, it fits the second level of a common cache."""


@entry
def poll(votes: Votes, kappa: Any) -> None:
    """Fill in what the votes say of rows: totals, shares of stake, and the stake to pass over."""
    for b in range(len(votes.stake)):
        stake, shares = votes.stake[b], np.empty_like(votes.stake[b])
        _share(stake, shares)
        total, fine = shares[0] - shares[0], 0
        for i in range(len(stake)):
            votes.totals[b, i] = row_total(votes.weights[b], i)
            votes.shares[b, i] = whole(shares[i])
            total, fine = total + shares[i], fine + votes.shares[b, i]
        least = minority(total, kappa)
        votes.minority[b] = max(least, 0) if fine > least else -1


@entry
def yuma1(votes: Votes, speed: Speed, result: Result, span: Span) -> None:
    """One epoch of `Yuma1` on each network; for a span that is not all columns, what comes before dividends."""
    room = _room(votes, span)
    for b in range(len(votes.weights)):
        network, own = _votes(votes, b), _result(result, span.place, b)
        voters = _furnish(room, network, own)
        for start in range(span.start, span.end, room.lines.shape[1]):
            ends = start, min(start + room.lines.shape[1], span.end)
            agree(network, own, ends, voters, room)
            invest1(network, speed, own, ends, room)
        if span.end - span.start == len(own.consensus):
            _pay1(own)


@entry
def yuma3(votes: Votes, speed: Speed, result: Result, span: Span) -> None:
    """The same for `Yuma3`."""
    room = _room(votes, span)
    for b in range(len(votes.weights)):
        network, own = _votes(votes, b), _result(result, span.place, b)
        voters = _furnish(room, network, own)
        for start in range(span.start, span.end, room.lines.shape[1]):
            ends = start, min(start + room.lines.shape[1], span.end)
            agree(network, own, ends, voters, room)
            invest3(network, speed, own, ends, room)
        if span.end - span.start == len(own.consensus):
            _pay3(network, own)


@entry
def yuma1_joined(votes: Votes, result: Result) -> None:
    """What `yuma1` leaves to do where columns were cut into spans; sums go to the place of the first."""
    for b in range(len(votes.weights)):
        _join(result, b)
        _pay1(_result(result, 0, b))


@entry
def yuma3_joined(votes: Votes, result: Result) -> None:
    """The same for `yuma3`."""
    for b in range(len(votes.weights)):
        _join(result, b)
        _pay3(_votes(votes, b), _result(result, 0, b))


@entry
def yuma1_small(votes: Votes, speed: Speed, result: Result) -> None:
    """The same as `yuma1`, cell by cell."""
    for b in range(len(votes.weights)):
        agree_small(votes, result, b)
        _share(result.ranks[b], result.incentive[b])
        invest1_small(votes, speed, result, b)
        _share(result.dividends[b], result.dividends[b])


@entry
def yuma3_small(votes: Votes, speed: Speed, result: Result) -> None:
    """The same as `yuma3`, cell by cell."""
    for b in range(len(votes.weights)):
        agree_small(votes, result, b)
        _share(result.ranks[b], result.incentive[b])
        invest3_small(votes, speed, result, b)
        for i in range(votes.stake.shape[1]):
            result.dividends[b, i] = times(result.dividends[b, i], votes.stake[b, i])
        _share(result.dividends[b], result.dividends[b])


@entry
def row_shares(counts: Ints, parts: Cells) -> None:
    """Each row's counts as parts of their sum, (V, N)."""
    for i in range(len(counts)):
        row, own = counts[i], parts[i]
        for j in range(len(row)):
            own[j] = row[j]
        _share(own, own)


@compiled
def _votes(votes: Votes, b: int) -> Votes:
    weights, bonds = votes.weights[b], votes.bonds[b]
    return Votes(weights, votes.stake[b], bonds, votes.shares[b], votes.minority[b], votes.totals[b])


@compiled
def _result(result: Result, place: int, b: int) -> Result:
    miners = result.consensus[b], result.ranks[b], result.incentive[b]
    shares = result.shares[min(b, len(result.shares) - 1)]
    return Result(*miners, result.dividends[b], result.trust[place, b], result.bonds[b], result.held[b], shares)


@compiled
def _room(votes: Votes, span: Span) -> Room:
    v, kind, (weight, share) = votes.weights.shape[1], votes.stake.dtype, small(votes.weights, votes.stake)
    width = min(span.end - span.start, max(32, _CELLS // v))
    # A little wider than used: rows a power of two apart would compete for the same places of the cache.
    r, wider = (v + 9) // 4 * 4, width + 8
    weights, marks = np.zeros((r, wider), weight.dtype), np.empty((4, width), weight.dtype)
    shares, support = np.empty(r, share.dtype), np.empty(width, share.dtype)
    block, lines = np.zeros((r, wider), kind), np.empty((3, width), kind)
    rest = np.empty(width), np.empty(r, kind), np.empty(v, np.int64)
    return Room(weights, marks, shares, support, block, lines, rest[0], rest[1], rest[2])


@compiled
def _furnish(room: Room, network: Votes, result: Result) -> int:
    """Give each validator its row, and begin sums at zero: the answer is how many rows those with stake take."""
    voters = 0
    for i in range(len(network.shares)):
        voters += network.shares[i] > 0
    voters, low, high = (voters + 3) // 4 * 4, 0, (voters + 3) // 4 * 4
    for k in range(len(room.shares)):
        room.shares[k], room.stake[k] = 0, 0
    for i in range(len(network.shares)):
        if network.shares[i] > 0:
            room.rows[i], low = low, low + 1
        else:
            room.rows[i], high = high, high + 1
        at = room.rows[i]
        room.shares[at], room.stake[at] = network.shares[i], network.stake[i]
        result.trust[i] = 0
    for k in range(low, voters):
        room.weights[k], room.block[k] = 0, 0
    for k in range(high, len(room.shares)):
        room.weights[k], room.block[k] = 0, 0
    return voters


@compiled
def _join(result: Result, b: int) -> None:
    for place in range(1, len(result.trust)):
        for i in range(result.trust.shape[2]):
            result.trust[0, b, i] += result.trust[place, b, i]


@compiled
def _pay1(result: Result) -> None:
    _share(result.ranks, result.incentive)
    pay(result.shares, result.incentive, result.dividends)
    _share(result.dividends, result.dividends)


@compiled
def _pay3(network: Votes, result: Result) -> None:
    _share(result.ranks, result.incentive)
    pay(result.shares, result.incentive, result.dividends)
    for i in range(len(network.stake)):
        result.dividends[i] = times(result.dividends[i], network.stake[i])
    _share(result.dividends, result.dividends)


@compiled
def _share(amounts: Cells, parts: Cells) -> None:
    total = amounts[0] - amounts[0]
    for i in range(len(amounts)):
        total += amounts[i]
    if total == 0:
        total += 1
    rate = inverse(total)
    for i in range(len(amounts)):
        parts[i] = over(amounts[i], total, rate)
