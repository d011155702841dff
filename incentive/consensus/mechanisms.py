# SPDX-License-Identifier: Apache-2.0
"""Several mechanisms in one subnet: each has votes and bonds of its own, all share the emission and the neurons.

The emission is split first, in whole rao; each mechanism then runs an epoch on its part. What is stored once for the
subnet is the sum of the mechanisms' columns, weighted by their parts and floored at each step, as the chain does it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np

from incentive.arrays import Ints
from incentive.consensus.epoch import Epoch
from incentive.consensus.ledger import Ledger, Terms
from incentive.fixed import PROPORTION, U64F64
from protocols.errors import WrongShape

__all__ = ["run_mechanisms", "split_emission"]


def split_emission(rao: int, count: int, parts: Sequence[int] | None = None) -> list[int]:
    """Each mechanism's rao, by counts of 1/65535 or evenly; what rounding leaves over goes to the first."""
    if count < 1:
        raise WrongShape(f"there are {count} mechanisms, expected 1 or more")
    if parts is None:
        shares = [rao // count] * count
    else:
        shares = [rao * part // PROPORTION for part in parts][:count]
        shares += [0] * (count - len(shares))
    shares[0] += max(0, rao - sum(shares))
    return shares


def run_mechanisms(
    epoch: Epoch, ledgers: Sequence[Ledger], rao: int, parts: Sequence[int] | None = None
) -> tuple[Terms, list[Terms]]:
    """An epoch of every mechanism: what is stored for the subnet, and what each of them stores."""
    shares = split_emission(rao, len(ledgers), parts)
    terms = [epoch.run(ledger, share) for ledger, share in zip(ledgers, shares, strict=True)]
    # Without emission the first mechanism stands for all.
    weights = [U64F64.divide(share << 64, rao << 64) if rao else (at == 0) << 64 for at, share in enumerate(shares)]
    return _together(terms, weights), terms


def _together(terms: Sequence[Terms], weights: Sequence[int]) -> Terms:
    def summed(column: Callable[[Terms], Ints]) -> Ints:
        return np.array(_weighted([column(one).tolist() for one in terms], weights, PROPORTION), dtype=np.int64)

    return replace(
        terms[0],
        active=np.logical_or.reduce([one.active for one in terms]),
        permits=np.logical_or.reduce([one.permits for one in terms]),
        stake_weight=summed(lambda one: one.stake_weight),
        consensus=summed(lambda one: one.consensus),
        dividends=summed(lambda one: one.dividends),
        validator_trust=summed(lambda one: one.validator_trust),
        emission=_weighted([one.emission for one in terms], weights, 2**64 - 1),
        server_emission=[sum(amounts) for amounts in zip(*(one.server_emission for one in terms), strict=True)],
        validator_emission=[sum(amounts) for amounts in zip(*(one.validator_emission for one in terms), strict=True)],
        bonds=[[] for _ in terms[0].bonds],
    )


def _weighted(columns: Sequence[Sequence[int]], weights: Sequence[int], highest: int) -> list[int]:
    """The weighted sum of columns, floored after each."""

    def step(total: int, added: tuple[int, int]) -> int:
        value, weight = added
        return min((total << 64) + value * weight >> 64, highest)

    return [reduce(step, zip(values, weights, strict=True), 0) for values in zip(*columns, strict=True)]
