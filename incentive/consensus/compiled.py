# SPDX-License-Identifier: Apache-2.0
"""Where Yuma goes when a network is large: the same epoch in machine code, if there is machine code for it.

The numpy statement in `yuma` stays the reference. What is here answers None where it cannot or should not help: a
small network, a variant that changes the mathematics, odd shapes, no numba. Loading numba takes half a second, so
that waits for the first network that is worth it. Which path runs depends on the call alone, never on earlier ones.
"""

from __future__ import annotations

from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from incentive.consensus.arithmetic import Arithmetic, Cells, Fixed, Float
from incentive.consensus.rules import Network, Outcome, Rules

if TYPE_CHECKING:
    from incentive.consensus.kernels.machine import Result, Speed, Votes

__all__ = ["epoch", "row_shares"]

_WORTH: Final = 1 << 14
"""Cells from which machine code pays; a network of 64 validators and 256 miners has that many."""
_SMALL: Final = 64
"""Cells of a network up to which a block of columns does not pay."""
_TIE: Final = 1e-12  # as in `median`
_FINE: Final = 2.0**60
"""Parts of the stake in a float's share of it: so fine that rounding up to whole ones breaks no tie."""


def epoch(version: str | None, rules: Rules, numbers: Arithmetic, network: Network) -> Outcome | None:
    """One epoch of a version in `kernels.epochs`; weights and bonds may both be 16-bit counts, and stay such."""
    if version is None or not _fits(numbers, network) or (kernels := _kernels()) is None:
        return None
    votes, result = _votes(rules, numbers, network, kernels), _result(numbers, network, kernels)
    shape = network.weights.shape
    small = shape[-2] * shape[-1] <= _SMALL and network.weights.dtype == numbers.dtype
    kernel = getattr(kernels.epochs, f"{version}_small" if small else version)
    _call(kernel, votes, _speed(rules, numbers, kernels), result)
    miners, validators = (*shape[:-2], shape[-1]), shape[:-1]
    return Outcome(
        consensus=result.consensus.reshape(miners),
        ranks=result.ranks.reshape(miners),
        incentive=result.incentive.reshape(miners),
        dividends=result.dividends.reshape(validators),
        validator_trust=result.trust.reshape(validators),
        bonds=result.bonds.reshape(shape),
        held=result.held.reshape(shape),
    )


def row_shares(numbers: Arithmetic, counts: npt.NDArray[np.integer]) -> Cells:
    """Rows of whole numbers, (V, N), as parts of their sums."""
    if counts.size < _WORTH or (kernels := _kernels()) is None:
        return numbers.share(numbers.whole(counts))
    parts: Cells = np.empty(counts.shape, dtype=numbers.dtype)
    _call(kernels.epochs.row_shares, np.ascontiguousarray(counts, dtype=numbers.dtype), parts)
    return parts


@cache
def _kernels() -> ModuleType | None:
    try:
        import incentive.consensus.kernels.epochs
    except ImportError:  # no numba here, or none that agrees with this numpy
        return None
    return incentive.consensus.kernels


def _call(kernel: Any, *arguments: Any) -> None:
    try:
        kernel(*arguments)
    except OSError:  # no room on the disk to keep what was just compiled; in memory it is there
        kernel(*arguments)


def _fits(numbers: Arithmetic, network: Network) -> bool:
    weights, stake, bonds = network.weights, network.stake, network.bonds
    counts = weights.dtype == bonds.dtype == np.uint16
    return (
        weights.size >= _WORTH
        and type(numbers) in (Fixed, Float)
        and weights.shape == bonds.shape == (*stake.shape, weights.shape[-1])
        and stake.dtype == numbers.dtype
        and (counts or weights.dtype == bonds.dtype == numbers.dtype)
    )


def _votes(rules: Rules, numbers: Arithmetic, network: Network, kernels: ModuleType) -> Votes:
    v, n = network.weights.shape[-2:]
    stake = np.ascontiguousarray(network.stake).reshape(-1, v)
    shares, kappa = numbers.share(stake), numbers.constant(rules.kappa)
    minority = shares.sum(axis=-1) - kappa
    if numbers.dtype is np.float64:
        shares, minority = np.ceil(shares * _FINE), np.floor((minority + _TIE) * _FINE)
    decided = shares.sum(axis=-1) > minority
    votes: Votes = kernels.machine.Votes(
        np.ascontiguousarray(network.weights).reshape(-1, v, n),
        stake,
        np.ascontiguousarray(network.bonds).reshape(-1, v, n),
        shares.astype(np.int64),
        np.where(decided, np.maximum(minority, 0), -1).astype(np.int64),
    )
    return votes


def _speed(rules: Rules, numbers: Arithmetic, kernels: ModuleType) -> Speed:
    new = numbers.one - numbers.constant(rules.bonds_moving_average)
    speed: Speed = kernels.machine.Speed(numbers.constant(rules.bonds_penalty), new, numbers.one - new)
    return speed


def _result(numbers: Arithmetic, network: Network, kernels: ModuleType) -> Result:
    v, n = network.weights.shape[-2:]
    batch = network.weights.size // (v * n)
    miners = [np.empty((batch, n), dtype=numbers.dtype) for _ in range(3)]
    validators = [np.empty((batch, v), dtype=numbers.dtype) for _ in range(2)]
    bonds = np.empty((batch, v, n), dtype=network.bonds.dtype)
    result: Result = kernels.machine.Result(*miners, *validators, bonds, np.empty((batch, v, n), dtype=np.bool_))
    return result
