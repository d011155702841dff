# SPDX-License-Identifier: Apache-2.0
"""A definition's `aggregate` and `weigh` for whole batches, whether its author thought of batches or not.

`aggregate` is written for one row of scores. Where it gives the same for a batch, as arithmetic does, a batch is one
call; where it does not, each row is a call of its own: slower, and right.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from incentive.arrays import Array, Flags, nonnegative, sized
from incentive.simulation.world import Aggregate, Weigh
from protocols.errors import InvalidSubnet, RewardError
from protocols.spec import Subnet

__all__ = ["aggregate_of", "weigh_of"]

_BATCH: Final = (2, 3)
_SCALES: Final = (1.0, 1e-3, 0.0)


def aggregate_of(definition: Subnet, miners: int) -> Aggregate:
    """The definition's `aggregate` on arrays (..., N); `InvalidSubnet` where what it gives are no scores."""

    def row(scores: Array, rewards: Array, asked: Flags) -> Array:
        return _checked(definition, "aggregate", definition.aggregate(scores, rewards, asked), scores)

    rng, shape = np.random.default_rng(0), (*_BATCH, miners)
    asked = np.ones(shape, dtype=np.bool_)
    if all(_is_batched(row, scale * rng.random(shape), rng.random(shape), asked) for scale in _SCALES):
        return row
    return lambda scores, rewards, asked: _row_by_row(row, scores, rewards, asked)


def weigh_of(definition: Subnet, miners: int) -> Weigh:
    """The definition's `weigh` on arrays (..., N); `InvalidSubnet` where what it gives are no weights."""

    def row(scores: Array) -> Array:
        return _checked(definition, "weigh", definition.weigh(scores), scores)

    rng = np.random.default_rng(0)
    if all(_is_batched(row, scale * rng.random((*_BATCH, miners))) for scale in _SCALES):
        return row
    return lambda scores: _row_by_row(row, scores)


def _is_batched(call: Callable[..., Array], *arrays: Array | Flags) -> bool:
    expected = _row_by_row(call, *arrays)
    try:
        given = call(*arrays)
    except Exception:  # whatever an author's code for one row makes of a batch, it is an answer: not in batches
        return False
    return bool(np.allclose(given, expected, rtol=1e-12, atol=0.0))


def _row_by_row(call: Callable[..., Array], *arrays: Array | Flags) -> Array:
    n = arrays[0].shape[-1]
    rows = zip(*(array.reshape(-1, n) for array in arrays), strict=True)
    return np.stack([call(*row) for row in rows]).reshape(arrays[0].shape)


def _checked(definition: Subnet, method: str, given: object, scores: Array) -> Array:
    try:
        return sized(method, nonnegative(method, np.asarray(given)), *scores.shape)
    except RewardError as error:
        raise InvalidSubnet(f"{definition.ref()}: {error.message}") from None
