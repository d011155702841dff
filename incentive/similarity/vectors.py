# SPDX-License-Identifier: Apache-2.0
"""Similarity of answers that are vectors: by the cosine of the angle between them, or by the angle itself.

A vector's length says nothing here, and a vector of zeros says nothing at all: it is like nothing, not even itself,
so whoever answers zeros can neither copy nor be copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Numbers, finite
from incentive.similarity.measure import Embedded, Similarity
from protocols.errors import WrongShape

__all__ = ["Angular", "Cosine", "unit"]

# Vectors of one direction, rounded, have a cosine this near to 1; the arc cosine would make 1e-8 of it.
_ROUNDING: Final = 16 * np.finfo(np.float64).eps


class Cosine(Embedded[Numbers]):
    """The cosine of the angle between two vectors, from -1 for opposites to 1.

    >>> Cosine().sim([1.0, 0.0], [1.0, 1.0])
    0.7071067811865475
    """

    __slots__ = ()

    name = "cosine"
    lowest: ClassVar[float] = -1.0

    def embed(self, items: Sequence[Numbers]) -> Array:
        """The vectors at length 1, (N, d)."""
        if not len(items):
            return np.zeros((0, 0))
        rows = finite("vectors", [np.asarray(item) for item in items])
        if rows.ndim != 2:
            raise WrongShape(f"vectors have shape {rows.shape}, expected (N, d)")
        return unit(rows)

    def empty(self) -> Numbers:
        """The vector of no numbers, which stands for zeros of any size."""
        return np.zeros(0)

    def shuffled(self, item: Numbers, rng: np.random.Generator) -> Numbers:
        """The vector's numbers in random order."""
        return rng.permutation(finite("vector", item))


class Angular(Similarity[Numbers]):
    """One less the angle between two vectors, in half turns: 1 for one direction, 1/2 at right angles, 0 for opposites.

    Unlike the cosine it tells near directions apart evenly, and `1 - sim` is a distance that keeps the triangle rule.
    """

    __slots__ = ()

    name = "angular"

    def sim(self, a: Numbers, b: Numbers) -> float:
        """One less the angle over pi."""
        return float(self.matrix([a], [b])[0, 0])

    def matrix(self, items: Sequence[Numbers], others: Sequence[Numbers] | None = None) -> Array:
        """One less each angle over pi, (N, M)."""
        cosine = Cosine()
        c = cosine.matrix(items, others)  # (N, M)
        theta = np.arccos(np.where(c > 1.0 - _ROUNDING, 1.0, c))
        told = _some(items)
        heard = told if others is None else _some(others)
        return np.asarray(np.where(np.outer(told, heard), 1.0 - theta / np.pi, 0.0))

    def empty(self) -> Numbers:
        """The vector of no numbers, which stands for zeros of any size."""
        return Cosine().empty()

    def shuffled(self, item: Numbers, rng: np.random.Generator) -> Numbers:
        """The vector's numbers in random order."""
        return Cosine().shuffled(item, rng)


def unit(rows: Array) -> Array:
    """Each row at length 1, and rows of zeros as they are, (N, d); no entry is too large or too small for it."""
    _, exponent = np.frexp(np.abs(rows).max(axis=1, keepdims=True, initial=0.0))
    # A power of two scales exactly: squares of 1e300 would overflow, and of 1e-300 vanish.
    scaled = np.ldexp(rows, -exponent)
    length = np.sqrt(np.square(scaled).sum(axis=1, keepdims=True))  # (N, 1)
    unit_rows: Array = np.divide(scaled, length, out=np.zeros_like(scaled), where=length > 0.0)
    return unit_rows


def _some(items: Sequence[Numbers]) -> npt.NDArray[np.bool_]:
    return np.array([bool(np.any(np.asarray(item) != 0.0)) for item in items], dtype=np.bool_)
