# SPDX-License-Identifier: Apache-2.0
"""The random numbers of a published Monte Carlo, so that its very networks are computed and not just others like them.

The chain's tests draw from `StdRng::seed_from_u64` of the Rust crate rand 0.8: ChaCha with 12 rounds, keyed by PCG32.
With the same draws a comparison needs no allowance for chance. It is no source of secrets.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Ints

__all__ = ["StdRng"]

_Words: TypeAlias = npt.NDArray[np.uint32]

_CONSTANTS: Final = (0x61707865, 0x3320646E, 0x79622D32, 0x6B206574)
_ROUNDS: Final = 12
_QUARTERS: Final = (
    (0, 4, 8, 12),
    (1, 5, 9, 13),
    (2, 6, 10, 14),
    (3, 7, 11, 15),
    (0, 5, 10, 15),
    (1, 6, 11, 12),
    (2, 7, 8, 13),
    (3, 4, 9, 14),
)
_BLOCK: Final = 16
_AT_ONCE: Final = 4096
_RANGE: Final = 65_535
_U32: Final = 2**32
_AWAY_FROM_ZERO: Final = 1e-6


class StdRng:
    """Draws of the crate's standard generator, in the order in which the tests take them."""

    def __init__(self, seed: int) -> None:
        self._key = tuple(_key(seed))
        self._block = 0
        self._left = np.zeros(0, dtype=np.int64)

    def below_65535(self, count: int) -> Ints:
        """Whole numbers from 0 to 65534, as `Uniform::new(0, u16::MAX)` gives them."""
        while len(self._left) < count:
            # Many at once, since each call costs as much as thousands of words.
            blocks = max(_AT_ONCE, -(-(count - len(self._left)) // _BLOCK) + 1)
            words = _chacha(self._key, self._block, blocks).astype(np.uint64)
            self._block += blocks
            products = words * np.uint64(_RANGE)
            # A word is drawn again where its low half would make some numbers likelier than others.
            fair = products % _U32 < _U32 - _U32 % _RANGE
            self._left = np.concatenate([self._left, (products[fair] >> np.uint64(32)).astype(np.int64)])
        drawn, self._left = self._left[:count], self._left[count:]
        return drawn

    def normal(self, count: int) -> Array:
        """Standard normal numbers, made of twice as many uniform ones as the tests make them (Box-Muller)."""
        uniform = self.below_65535(2 * count) / _RANGE + _AWAY_FROM_ZERO
        radius, angle = np.sqrt(np.maximum(-2 * np.log(uniform[:count]), 0)), 2 * np.pi * uniform[count:]
        normal: Array = radius * np.cos(angle)
        return normal


def _key(seed: int) -> Iterator[int]:
    """Eight words of a key from a seed, by PCG32 (XSH RR)."""
    state = seed
    for _ in range(8):
        state = (state * 6_364_136_223_846_793_005 + 11_634_580_027_462_260_723) % 2**64
        word, turn = (((state >> 18) ^ state) >> 27) % _U32, state >> 59
        yield (word >> turn | word << (32 - turn)) % _U32


def _chacha(key: tuple[int, ...], first: int, blocks: int) -> _Words:
    """The words of some blocks of ChaCha's key stream, nonce zero."""
    counter = np.arange(first, first + blocks, dtype=np.uint64)
    words = [np.full(blocks, word, dtype=np.uint32) for word in (*_CONSTANTS, *key)]
    words += [(counter % _U32).astype(np.uint32), (counter >> np.uint64(32)).astype(np.uint32)]
    words += [np.zeros(blocks, dtype=np.uint32), np.zeros(blocks, dtype=np.uint32)]
    mixed = [word.copy() for word in words]
    for _ in range(_ROUNDS // 2):
        for a, b, c, d in _QUARTERS:
            for left, right in ((16, 12), (8, 7)):
                mixed[a] = mixed[a] + mixed[b]
                mixed[d] = _rotated(mixed[d] ^ mixed[a], left)
                mixed[c] = mixed[c] + mixed[d]
                mixed[b] = _rotated(mixed[b] ^ mixed[c], right)
    return np.stack([word + start for word, start in zip(mixed, words, strict=True)], axis=1).ravel()


def _rotated(word: _Words, left: int) -> _Words:
    return word << np.uint32(left) | word >> np.uint32(32 - left)
