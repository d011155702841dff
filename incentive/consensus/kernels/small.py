# SPDX-License-Identifier: Apache-2.0
"""The same epochs cell by cell, for batches of networks so small that their blocks would be nearly empty.

A block costs a microsecond or two before its first cell is read. A network of three validators and two miners is done
in a fraction of that here, which is what sweeps over many thousand cases need. Weights and bonds are cells.
"""

from __future__ import annotations

from typing import Any

from incentive.consensus.kernels.cells import between, inverse, over, times
from incentive.consensus.kernels.machine import Result, Speed, Votes, compiled

__all__ = ["agree_small", "invest1_small", "invest3_small"]


@compiled
def agree_small(votes: Votes, result: Result, b: int) -> None:
    """The weighted median and the rank of each miner of network b, and what of each row survives the clipping."""
    for i in range(votes.weights.shape[1]):
        result.trust[0, b, i], result.dividends[b, i] = 0, 0
    for j in range(votes.weights.shape[2]):
        consensus = _median(votes, b, j)
        rank = consensus - consensus
        for i in range(votes.weights.shape[1]):
            clipped = min(votes.weights[b, i, j], consensus)
            result.trust[0, b, i] += clipped
            rank += times(clipped, votes.stake[b, i])
        result.consensus[b, j], result.ranks[b, j] = consensus, rank


@compiled
def invest1_small(votes: Votes, speed: Speed, result: Result, b: int) -> None:
    """Bonds that are shares of a miner."""
    for j in range(votes.weights.shape[2]):
        incentive = result.incentive[b, j]
        total, peak = _move(votes, speed, result, b, j)
        rate = inverse(total)
        peak = _divisor(over(peak, total, rate))
        peak_rate = inverse(peak)
        for i in range(votes.weights.shape[1]):
            share = over(result.bonds[b, i, j], total, rate)
            result.dividends[b, i] += times(share, incentive)
            result.bonds[b, i, j] = over(share, peak, peak_rate)


@compiled
def invest3_small(votes: Votes, speed: Speed, result: Result, b: int) -> None:
    """Bonds that move toward each validator's own weights."""
    for j in range(votes.weights.shape[2]):
        total = result.incentive[b, j] - result.incentive[b, j]
        for i in range(votes.weights.shape[1]):
            new = _followed(votes, speed, result, b, i, j)
            bond = times(new, speed.new) + times(votes.bonds[b, i, j], speed.old)
            result.bonds[b, i, j], result.held[b, i, j] = bond, bond > 0
            total += bond
        total = _divisor(total)
        rate = inverse(total)
        for i in range(votes.weights.shape[1]):
            share = over(result.bonds[b, i, j], total, rate)
            result.dividends[b, i] += times(share, result.incentive[b, j])


@compiled
def _median(votes: Votes, b: int, j: int) -> Any:
    """From zero to the next higher weight until more than the minority of stake is at or below it."""
    minority, level = votes.minority[b], votes.stake[b, 0] - votes.stake[b, 0]
    while True:
        support, above = 0, level
        for i in range(votes.weights.shape[1]):
            if votes.shares[b, i] > 0:
                weight = votes.weights[b, i, j]
                if weight <= level:
                    support += votes.shares[b, i]
                elif above == level or weight < above:
                    above = weight
        if above == level or 0 <= minority < support:
            return level
        level = above


@compiled
def _followed(votes: Votes, speed: Speed, result: Result, b: int, i: int, j: int) -> Any:
    weight = votes.weights[b, i, j]
    return between(weight, min(weight, result.consensus[b, j]), speed.penalty)


@compiled
def _move(votes: Votes, speed: Speed, result: Result, b: int, j: int) -> Any:
    """Move the bonds on one miner; what they then add up to, and the largest."""
    before = total = result.ranks[b, j] - result.ranks[b, j]
    for i in range(votes.weights.shape[1]):
        new = times(_followed(votes, speed, result, b, i, j), votes.stake[b, i])
        result.bonds[b, i, j] = new
        total, before = total + new, before + votes.bonds[b, i, j]
    total, before = _divisor(total), _divisor(before)
    rate, rate_before = inverse(total), inverse(before)
    moved = peak = total - total
    for i in range(votes.weights.shape[1]):
        new = over(result.bonds[b, i, j], total, rate)
        bond = times(new, speed.new) + times(over(votes.bonds[b, i, j], before, rate_before), speed.old)
        result.bonds[b, i, j], result.held[b, i, j] = bond, bond > 0
        moved, peak = moved + bond, max(peak, bond)
    return _divisor(moved), peak


@compiled
def _divisor(total: Any) -> Any:
    """The total, or 1 where there is nothing to divide."""
    return total if total > 0 else total + 1
