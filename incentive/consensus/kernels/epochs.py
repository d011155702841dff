# SPDX-License-Identifier: Apache-2.0
"""The epochs that Python calls: one a version of Yuma, over a batch of networks, results into arrays of the caller's.

numba keeps what it compiled of these, and compiles again when this file has changed, but not when only a file behind
it has. So this one names what is behind it.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from incentive.arrays import Ints
from incentive.consensus.arithmetic import Cells
from incentive.consensus.kernels.agreement import agree
from incentive.consensus.kernels.bonds import invest1, invest3
from incentive.consensus.kernels.cells import inverse, over, times
from incentive.consensus.kernels.machine import Result, Room, Speed, Votes, compiled, entry
from incentive.consensus.kernels.small import agree_small, invest1_small, invest3_small

__all__ = ["BEHIND", "row_shares", "yuma1", "yuma1_small", "yuma3", "yuma3_small"]

BEHIND: Final = "ddf56cfd0ffad6ac4596ca0ecfa31015335abc0132223a55a0283464960af766"
"""SHA-256 of the other files of this package, in order of name: a test compares it and says what to write."""

_CELLS: Final = 1 << 15
"""Cells of a block: two of them, with what goes with them, fit the second level of a common cache."""


@entry
def yuma1(votes: Votes, speed: Speed, result: Result) -> None:
    """One epoch of `Yuma1` on each network."""
    room = _room(votes)
    for b in range(len(votes.weights)):
        network, own = _votes(votes, b), _result(result, b)
        agree(network, own.consensus, own.ranks, room)
        _share(own.ranks, own.incentive)
        invest1(network, speed, own, room)
        _share(own.dividends, own.dividends)


@entry
def yuma3(votes: Votes, speed: Speed, result: Result) -> None:
    """One epoch of `Yuma3` on each network."""
    room = _room(votes)
    for b in range(len(votes.weights)):
        network, own = _votes(votes, b), _result(result, b)
        agree(network, own.consensus, own.ranks, room)
        _share(own.ranks, own.incentive)
        invest3(network, speed, own, room)
        for i in range(len(network.stake)):
            own.dividends[i] = times(own.dividends[i], network.stake[i])
        _share(own.dividends, own.dividends)


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
    return Votes(votes.weights[b], votes.stake[b], votes.bonds[b], votes.shares[b], votes.minority[b])


@compiled
def _result(result: Result, b: int) -> Result:
    """The outcome of one network, sums begun at zero."""
    dividends, trust = result.dividends[b], result.trust[b]
    for i in range(len(trust)):
        trust[i], dividends[i] = 0, 0
    miners = result.consensus[b], result.ranks[b], result.incentive[b]
    return Result(miners[0], miners[1], miners[2], dividends, trust, result.bonds[b], result.held[b])


@compiled
def _room(votes: Votes) -> Room:
    _, v, n = votes.weights.shape
    width, kind = min(n, max(32, _CELLS // v)), votes.stake.dtype
    # A little wider than used: rows a power of two apart would compete for the same places of the cache.
    block, other = np.empty((v + 3, width + 8), kind), np.empty((v + 3, width + 8), kind)
    lines, rates, support = np.empty((4, width), kind), np.empty((2, width)), np.empty(width, np.int64)
    shares, stake = np.empty(v + 3, np.int64), np.empty(v + 3, kind)
    return Room(block, other, lines, rates, support, shares, stake, np.empty(v, kind), np.empty(v))


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
