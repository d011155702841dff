# SPDX-License-Identifier: Apache-2.0
"""How much fits into a block, in the chain's own records: weights, lengths, what a read and a write cost.

An extrinsic's base is what the measured fee of a transfer follows from: 107,074,000 picoseconds are 53,537 rao.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from subnet.chain.node.outcome import NO_WEIGHT, Weight
from subnet.chain.node.scale.names import u32, u64

__all__ = [
    "BLOCK_LENGTH",
    "BLOCK_WEIGHTS",
    "BlockLength",
    "BlockWeights",
    "DB_WEIGHT",
    "DbWeight",
    "EXTRINSIC_REF_TIME",
    "WeightsPerClass",
]

EXTRINSIC_REF_TIME: Final = 107_074_000

_ALL: Final = 2**64 - 1
_BLOCK: Final = 4_000_000_000_000
_NORMAL: Final = _BLOCK * 3 // 4
_ROOM_FOR_HOOKS: Final = 400_000_000_000
_MEBI: Final = 1 << 20


class WeightsPerClass(NamedTuple):
    """The limits of a class of calls."""

    base_extrinsic: Weight
    max_extrinsic: Weight | None
    max_total: Weight | None
    reserved: Weight | None


class _Weights(NamedTuple):
    normal: WeightsPerClass
    operational: WeightsPerClass
    mandatory: WeightsPerClass


class BlockWeights(NamedTuple):
    """The limits of a block."""

    base_block: Weight
    max_block: Weight
    per_class: _Weights


class _Lengths(NamedTuple):
    normal: u32
    operational: u32
    mandatory: u32


class BlockLength(NamedTuple):
    """How many bytes of transactions a block has room for."""

    max: _Lengths


class DbWeight(NamedTuple):
    """What a read and a write of storage cost."""

    read: u64
    write: u64


_BASE: Final = Weight(EXTRINSIC_REF_TIME, 0)

BLOCK_WEIGHTS: Final = BlockWeights(
    Weight(431_614_000, 0),
    Weight(_BLOCK, _ALL),
    _Weights(
        WeightsPerClass(
            _BASE,
            Weight(_NORMAL - _ROOM_FOR_HOOKS - EXTRINSIC_REF_TIME, 11_990_383_647_911_208_550),
            Weight(_NORMAL, 13_835_058_055_282_163_711),
            NO_WEIGHT,
        ),
        WeightsPerClass(
            _BASE,
            Weight(_BLOCK - _ROOM_FOR_HOOKS - EXTRINSIC_REF_TIME, 16_602_069_666_338_596_454),
            Weight(_BLOCK, _ALL),
            Weight(_BLOCK - _NORMAL, 4_611_686_018_427_387_904),
        ),
        WeightsPerClass(_BASE, None, None, None),
    ),
)
BLOCK_LENGTH: Final = BlockLength(_Lengths(10 * _MEBI * 3 // 4, 10 * _MEBI, 10 * _MEBI))
DB_WEIGHT: Final = DbWeight(25_000_000, 100_000_000)
