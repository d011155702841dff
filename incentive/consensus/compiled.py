# SPDX-License-Identifier: Apache-2.0
"""Where Yuma goes when a network is large: the same epoch in machine code, if there is machine code for it.

The numpy statement in `yuma` stays the reference. What is here answers None where it cannot or should not help: a
small network, a variant that changes the mathematics, odd shapes, no numba. Loading numba takes half a second, so
that waits for the first network that is worth it. Which path runs depends on the call alone, never on earlier ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.consensus.arithmetic import Arithmetic, Cells, Fixed, Float
from incentive.consensus.rules import Network, Outcome, Rules

if TYPE_CHECKING:
    from incentive.consensus.kernels.machine import Result, Span, Speed, Votes

__all__ = ["Spread", "epoch", "row_shares"]

_WORTH: Final = 1 << 14
"""Cells from which machine code pays; a network of 64 validators and 256 miners has that many."""
_SMALL: Final = 64
"""Cells of a network up to which a block of columns does not pay."""
_PIECE: Final = 1 << 15
"""Cells that are worth a thread's while."""
_PIECES: Final = 2

Spread: TypeAlias = Callable[[Callable[[Any], None], Sequence[Any]], Iterable[None]]
"""The `map` of a pool of threads."""


def epoch(
    version: str | None, rules: Rules, numbers: Arithmetic, network: Network, spread: Spread | None
) -> Outcome | None:
    """One epoch of a version in `kernels.epochs`; weights and bonds may both be 16-bit counts, and stay such."""
    if version is None or not _fits(numbers, network) or (kernels := _kernels()) is None:
        return None
    shape = network.weights.shape
    spans = _spans(shape, spread, kernels)
    votes, result = _votes(rules, numbers, network, kernels), _result(numbers, network, len(spans), kernels)
    speed, run = _speed(rules, numbers, kernels), kernels.epochs
    if shape[-2] * shape[-1] <= _SMALL and network.weights.dtype == numbers.dtype:
        _call(getattr(run, f"{version}_small"), votes, speed, result)
    else:
        _each(spread, spans, getattr(run, version), votes, speed, result)
        if len(spans) > 1:
            _call(getattr(run, f"{version}_joined"), votes, result)
    miners, validators = (*shape[:-2], shape[-1]), shape[:-1]
    return Outcome(
        consensus=result.consensus.reshape(miners),
        ranks=result.ranks.reshape(miners),
        incentive=result.incentive.reshape(miners),
        dividends=result.dividends.reshape(validators),
        validator_trust=result.trust[0].reshape(validators),
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


def _spans(shape: tuple[int, ...], spread: Spread | None, kernels: ModuleType) -> list[Span]:
    """The columns in one piece, or in as many as there is work for."""
    v, n = shape[-2:]
    pieces = 1 if spread is None else max(1, min(_PIECES, n, v * n // _PIECE))
    ends = [n * place // pieces for place in range(pieces + 1)]
    return [kernels.machine.Span(place, *ends[place : place + 2]) for place in range(pieces)]


def _each(spread: Spread | None, spans: Sequence[Span], kernel: Any, *arguments: Any) -> None:
    """Run a kernel on every span: the first here, and the others meanwhile where the caller says."""
    others = () if spread is None else spread(lambda span: _call(kernel, *arguments, span), spans[1:])
    _call(kernel, *arguments, spans[0])
    for _ in others:
        pass


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
    shares, totals = np.empty(stake.shape, np.int64), np.empty(stake.shape, np.int64)
    weights, bonds = (np.ascontiguousarray(cells).reshape(-1, v, n) for cells in (network.weights, network.bonds))
    votes: Votes = kernels.machine.Votes(weights, stake, bonds, shares, np.empty(len(stake), np.int64), totals)
    _call(kernels.epochs.poll, votes, numbers.constant(rules.kappa))
    return votes


def _speed(rules: Rules, numbers: Arithmetic, kernels: ModuleType) -> Speed:
    new = numbers.one - numbers.constant(rules.bonds_moving_average)
    speed: Speed = kernels.machine.Speed(numbers.constant(rules.bonds_penalty), new, numbers.one - new)
    return speed


def _result(numbers: Arithmetic, network: Network, pieces: int, kernels: ModuleType) -> Result:
    v, n = network.weights.shape[-2:]
    batch = network.weights.size // (v * n)
    miners = [np.empty((batch, n), dtype=numbers.dtype) for _ in range(3)]
    dividends, trust = (np.empty(shape, dtype=numbers.dtype) for shape in ((batch, v), (pieces, batch, v)))
    bonds, held = np.empty((batch, v, n), dtype=network.bonds.dtype), np.empty((batch, v, n), dtype=np.bool_)
    shares = np.empty((1 if pieces == 1 else batch, v, n), dtype=numbers.dtype)
    result: Result = kernels.machine.Result(*miners, dividends, trust, bonds, held, shares)
    return result
