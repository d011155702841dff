# SPDX-License-Identifier: Apache-2.0
"""The one protocol by which two answers are compared, whatever they are: texts, numbers, rankings, images.

A reward asks three things of a measure: how alike are these two, how alike are all of these, and vectors that say
the same. Who writes a measure states `sim` alone and gets the other two; who has vectors states `embed` alone.
What a measure gives to an answer without content belongs to it too, since that much is earned by nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

import numpy as np

from incentive.arrays import Array, Ints, finite
from protocols.errors import OutOfRange, RewardError, WrongShape

__all__ = ["Baseline", "Embedded", "Similarity", "Subtracted", "baseline", "distinct", "pairwise", "spectral"]

T = TypeVar("T")


class Similarity(ABC, Generic[T]):
    """How alike two answers are: symmetric, deterministic, 1 for the same answer, never below `lowest`.

    `sim` is given the answer first and the reference second; `matrix` and `embed` rely on its symmetry, so a measure
    that has none (a forecast against its outcome) overrides `matrix`.

        class SameLength(Similarity[str]):
            name = "same-length"

            def sim(self, a: str, b: str) -> float:
                return float(len(a) == len(b))
    """

    __slots__ = ()

    lowest: ClassVar[float] = 0.0
    """The smallest similarity: 0, or -1 for a measure of cosine type, whose opposites are less than unrelated."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What reports and configurations call the measure."""

    @abstractmethod
    def sim(self, a: T, b: T) -> float:
        """The similarity of two items, from `lowest` to 1."""

    def matrix(self, items: Sequence[T], others: Sequence[T] | None = None) -> Array:
        """Each item's similarity to each other one, (N, M); to the items themselves where no others are given."""
        return pairwise(self.sim, items, others)

    def embed(self, items: Sequence[T]) -> Array:
        """Rows whose inner products are the similarities, (N, d); they fit only rows of the same call.

        A measure without vectors gets the spectral ones: see `spectral`. To compare answers with a reference through
        them, embed both in one call.
        """
        rows, at = distinct(items)
        return spectral(self.matrix(rows))[at]

    def empty(self) -> T:
        """The answer of who answers nothing."""
        raise RewardError(
            f"{self.name} does not say what an empty answer is",
            help="override empty(), or call baseline(measure, references, empty=..., shuffle=..., rng=...)",
        )

    def shuffled(self, item: T, rng: np.random.Generator) -> T:
        """The item's content in an order that means nothing."""
        raise RewardError(
            f"{self.name} does not say what a shuffled answer is",
            help="override shuffled(), or call baseline(measure, references, empty=..., shuffle=..., rng=...)",
        )

    def baseline(self, references: Sequence[T], rng: np.random.Generator) -> Baseline:
        """What this measure gives to its own empty answer and to each reference shuffled."""
        return baseline(self, references, empty=self.empty(), shuffle=self.shuffled, rng=rng)


class Embedded(Similarity[T]):
    """A measure that has vectors: it states `embed`, rows of length 1 (or 0 for no content), and nothing else.

    Its rows depend on their own item alone, so rows of different calls fit each other.
    """

    __slots__ = ()

    @abstractmethod
    def embed(self, items: Sequence[T]) -> Array:
        """One row of length 1 for each item, or of zeros where it has no content, (N, d)."""

    def sim(self, a: T, b: T) -> float:
        """The inner product of the two items' rows."""
        return float(self.matrix([a], [b])[0, 0])

    def matrix(self, items: Sequence[T], others: Sequence[T] | None = None) -> Array:
        """The inner products of the items' rows with the others', (N, M)."""
        # A matrix product may round equal rows at different places differently; clones must not differ in one bit.
        rows, at = distinct(items)
        left = self._rows(rows)  # (n, d)
        if others is None:
            return np.clip(left @ left.T, self.lowest, 1.0)[np.ix_(at, at)]
        columns, to = distinct(others)
        right = self._rows(columns)  # (m, d)
        if left.size == 0 or right.size == 0:
            return np.zeros((len(items), len(others)))
        if left.shape[1] != right.shape[1]:
            raise WrongShape(
                f"{self.name} compares vectors of {left.shape[1]} with vectors of {right.shape[1]} numbers"
            )
        return np.clip(left @ right.T, self.lowest, 1.0)[np.ix_(at, to)]

    def _rows(self, items: Sequence[T]) -> Array:
        rows = finite(f"{self.name} embedding", self.embed(items))
        if rows.ndim != 2 or len(rows) != len(items):
            raise WrongShape(f"{self.name} embedding has shape {rows.shape}, expected ({len(items)}, d)")
        return rows


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a measure gives to answers that say nothing."""

    empty: float
    """The mean score of the empty answer."""

    shuffled: float
    """The mean score of a reference's own content in an order that means nothing."""

    def __post_init__(self) -> None:
        for field, value in (("empty", self.empty), ("shuffled", self.shuffled)):
            if not -1.0 <= value <= 1.0:
                raise OutOfRange(f"the {field} baseline is {value}, expected -1 to 1")

    @property
    def chance(self) -> float:
        """What is earned without knowing anything: the better of the two."""
        return max(self.empty, self.shuffled)


def baseline(
    measure: Similarity[T],
    references: Sequence[T],
    *,
    empty: T,
    shuffle: Callable[[T, np.random.Generator], T],
    rng: np.random.Generator,
) -> Baseline:
    """The mean score against the references of an empty answer, and of each reference's own shuffled content."""
    if not len(references):
        raise OutOfRange("a baseline of 0 references, expected 1 or more")
    nothing = [measure.sim(empty, reference) for reference in references]
    noise = [measure.sim(shuffle(reference, rng), reference) for reference in references]
    return Baseline(empty=float(np.mean(nothing)), shuffled=float(np.mean(noise)))


class Subtracted(Similarity[T]):
    """A measure less what chance earns: `(s - chance) / (1 - chance)`, from 0 to 1.

        honest = Subtracted(RougeL(), RougeL().baseline(references, rng))

    A measure that is blind to order gives a shuffled answer full marks, so nothing would be left and it is refused.
    """

    __slots__ = ("measure", "measured")

    def __init__(self, measure: Similarity[T], baseline: Baseline) -> None:
        if baseline.chance >= 1.0:
            raise OutOfRange(
                f"{measure.name} gives {baseline.chance} to an answer that says nothing, expected less than 1",
                help="for a measure blind to order, subtract the empty answer alone: Baseline(empty=..., shuffled=0.0)",
            )
        self.measure = measure
        self.measured = baseline

    @property
    def name(self) -> str:
        """The measure's name, marked."""
        return f"{self.measure.name}-less-chance"

    def sim(self, a: T, b: T) -> float:
        """The similarity above chance."""
        return float(self._above(np.float64(self.measure.sim(a, b))))

    def matrix(self, items: Sequence[T], others: Sequence[T] | None = None) -> Array:
        """The similarities above chance, (N, M)."""
        return self._above(self.measure.matrix(items, others))

    def empty(self) -> T:
        """The measure's empty answer."""
        return self.measure.empty()

    def shuffled(self, item: T, rng: np.random.Generator) -> T:
        """The measure's shuffled answer."""
        return self.measure.shuffled(item, rng)

    def _above(self, s: Array | np.float64) -> Array:
        chance = self.measured.chance
        return np.clip((np.asarray(s) - chance) / (1.0 - chance), 0.0, 1.0)


def distinct(items: Sequence[T]) -> tuple[list[T], Ints]:
    """The items without repetitions, in order, and for each item the place of its first equal."""
    first: dict[Hashable, int] = {}
    kept: list[T] = []
    at = np.empty(len(items), dtype=np.int64)
    for i, item in enumerate(items):
        at[i] = place = first.setdefault(_key(item), len(kept))
        if place == len(kept):
            kept.append(item)
    return kept, at


def pairwise(compare: Callable[[T, T], float], items: Sequence[T], others: Sequence[T] | None = None) -> Array:
    """The comparison of each item with each other one, (N, M); equal items are compared once.

    Without others the items are compared among themselves, each pair once: the comparison is taken to be symmetric.
    """
    rows, at = distinct(items)
    if others is None:
        square = np.zeros((len(rows), len(rows)))
        for i, a in enumerate(rows):
            square[i, i:] = square[i:, i] = [compare(a, b) for b in rows[i:]]
        return square[np.ix_(at, at)]
    columns, to = distinct(others)
    table = np.array([[compare(a, b) for b in columns] for a in rows], dtype=np.float64)
    return table.reshape(len(rows), len(columns))[np.ix_(at, to)]


def spectral(similarities: Array) -> Array:
    """Vectors whose inner products are the similarities: eigenvectors times the roots of the eigenvalues, (N, d).

    Similarities that no vectors have (a negative eigenvalue) are met as nearly as vectors can; each row keeps the
    length that its own similarity to itself asks for.
    """
    if similarities.size == 0:
        return np.zeros((len(similarities), 0))
    values, vectors = np.linalg.eigh(finite("similarities", similarities))  # (N,), (N, N) columns
    kept = values > max(values[-1], 0.0) * len(values) * np.finfo(np.float64).eps
    vectors = vectors[:, kept]
    # An eigenvector's sign is free; one choice makes the rows the same wherever they are computed.
    peak = np.argmax(np.abs(vectors), axis=0)
    vectors = vectors * np.sign(vectors[peak, np.arange(vectors.shape[1])])
    rows = vectors * np.sqrt(values[kept])  # (N, d)
    length = np.linalg.norm(rows, axis=1)
    wanted = np.sqrt(np.maximum(np.diagonal(similarities), 0.0))
    scale = np.divide(wanted, length, out=np.zeros_like(length), where=length > 0.0)
    return np.asarray(rows * scale[:, None])


def _key(item: object) -> Hashable:
    if isinstance(item, np.ndarray):
        return (item.shape, item.dtype.str, item.tobytes())
    try:
        hash(item)
    except TypeError:
        return (type(item), tuple(map(_key, item))) if isinstance(item, list | tuple) else id(item)
    return (type(item), item)
