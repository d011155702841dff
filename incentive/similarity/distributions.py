# SPDX-License-Identifier: Apache-2.0
"""How alike two probability vectors are, and whether two classifiers err alike beyond chance.

Two of the measures score a forecast against what came (a vector with one 1): Brier and the logarithm. The others
compare answers with each other. Good classifiers agree because they are right; only agreement where they could have
differed, above what their accuracies explain, says that one is a copy.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, Ints, finite, nonnegative, sized
from incentive.similarity.measure import Similarity, distinct, spectral
from protocols.errors import OutOfRange, WrongShape

__all__ = [
    "Brier",
    "ErrorAgreement",
    "Hellinger",
    "JensenShannon",
    "LogScore",
    "TotalVariation",
    "error_agreement",
    "one_hot",
]


class _Probabilities(Similarity[Array]):
    """Vectors of one length, each summing to 1; a vector of length 0 says nothing and is read as all alike."""

    __slots__ = ()

    @abstractmethod
    def _each(self, p: Array, others: Array) -> Array:
        """The similarity of p, (K,), to each row of the others, (M, K)."""

    def sim(self, a: Array, b: Array) -> float:
        """The similarity of two vectors, 1 where they are the same."""
        return float(self.matrix([a], [b])[0, 0])

    def matrix(self, items: Sequence[Array], others: Sequence[Array] | None = None) -> Array:
        """Each vector's similarity to each other one, (N, M)."""
        rows = _stacked([*items, *(others or [])])
        left = rows[: len(items)]
        right = left if others is None else rows[len(items) :]
        table = np.array([self._each(p, right) for p in left]).reshape(len(left), len(right))
        return np.asarray(np.clip(table, 0.0, 1.0))

    def empty(self) -> Array:
        """No vector at all, read as all alike."""
        return np.zeros(0)

    def shuffled(self, item: Array, rng: np.random.Generator) -> Array:
        """The probabilities at each other's places."""
        return np.asarray(rng.permutation(finite("probabilities", item)))


class Brier(_Probabilities):
    """Brier's score turned round: `1 - |p - q|^2 / 2`, 0 for certainty about what did not come.

    Brier().sim(np.array([0.7, 0.2, 0.1]), one_hot([0], 3)[0])
    """

    __slots__ = ()

    name = "brier"

    def _each(self, p: Array, others: Array) -> Array:
        return np.asarray(1.0 - 0.5 * np.sum((p - others) ** 2, axis=1))


class LogScore(_Probabilities):
    """The logarithmic score on a scale of 0 to 1: `1 - sum q ln(q / p) / ln(1 / floor)`, p the forecast, q what came.

    Probabilities below `floor` count as `floor`: certainty about what did not come costs all (0), not infinity. The
    forecast comes first: the two are not alike in their roles, and `embed` takes the mean of both.
    """

    __slots__ = ("floor",)

    name = "log-score"

    def __init__(self, floor: float = 1e-6) -> None:
        if not 0.0 < floor < 1.0:
            raise OutOfRange(f"floor is {floor}, expected more than 0 and less than 1")
        self.floor = floor

    def _each(self, p: Array, others: Array) -> Array:
        surprise = np.log(np.maximum(others, self.floor)) - np.log(np.maximum(p, self.floor))  # (M, K)
        return np.asarray(1.0 + np.sum(others * surprise, axis=1) / math.log(self.floor))

    def embed(self, items: Sequence[Array]) -> Array:
        """Rows for the mean of both directions, (N, d)."""
        rows, at = distinct(items)
        table = self.matrix(rows)
        return spectral(0.5 * (table + table.T))[at]


class TotalVariation(_Probabilities):
    """One less the largest difference that any event's probability can have: `1 - sum |p - q| / 2`."""

    __slots__ = ()

    name = "total-variation"

    def _each(self, p: Array, others: Array) -> Array:
        return np.asarray(1.0 - 0.5 * np.sum(np.abs(p - others), axis=1))


class JensenShannon(_Probabilities):
    """One less the Jensen-Shannon divergence in bits: 0 for vectors that share no outcome."""

    __slots__ = ()

    name = "jensen-shannon"

    def _each(self, p: Array, others: Array) -> Array:
        middle = 0.5 * (p + others)
        return np.asarray(1.0 - 0.5 * (_bits(np.broadcast_to(p, others.shape), middle) + _bits(others, middle)))


class Hellinger(_Probabilities):
    """One less the square of the Hellinger distance: `sum sqrt(p q)`, the inner product of the roots."""

    __slots__ = ()

    name = "hellinger"

    def _each(self, p: Array, others: Array) -> Array:
        return np.asarray(np.sum(np.sqrt(p) * np.sqrt(others), axis=1))

    def embed(self, items: Sequence[Array]) -> Array:
        """The roots of the probabilities, (N, K)."""
        return np.sqrt(_stacked(items))


class ErrorAgreement(Similarity["Array | Ints"]):
    """Agreement of two classifiers above chance, 0 where it is below (CAPA, arXiv 2502.04313).

    An item is a classifier's answers to all questions: labels, (D,), or probabilities, (D, K). It is measured with
    the right answers, since two that are right 9 times in 10 agree often without knowing of each other. Labels are
    like themselves (1); unsure probabilities are not, as two draws from them differ.

        measure = ErrorAgreement(truth=[2, 0, 1, 1], options=3)
        measure.sim(np.array([2, 1, 1, 0]), np.array([2, 1, 1, 2]))
    """

    __slots__ = ("options", "truth")

    name = "error-agreement"

    def __init__(self, truth: npt.ArrayLike, options: int) -> None:
        self.options = options
        self.truth = np.argmax(one_hot(truth, options), axis=1)  # (D,)

    def sim(self, a: Array | Ints, b: Array | Ints) -> float:
        """The agreement of two classifiers above chance."""
        return float(self.matrix([a], [b])[0, 0])

    def matrix(self, items: Sequence[Array | Ints], others: Sequence[Array | Ints] | None = None) -> Array:
        """The agreements of all classifiers above chance, (N, M)."""
        rows, at = distinct(items)
        left = self._answers(rows)
        if others is None:
            return np.clip(_above_chance(left, left, self.truth), 0.0, 1.0)[np.ix_(at, at)]
        columns, to = distinct(others)
        return np.clip(_above_chance(left, self._answers(columns), self.truth), 0.0, 1.0)[np.ix_(at, to)]

    def empty(self) -> Array | Ints:
        """No answers at all, read as all options alike for each question."""
        return np.zeros(0)

    def shuffled(self, item: Array | Ints, rng: np.random.Generator) -> Array | Ints:
        """The answers to other questions."""
        return np.asarray(rng.permutation(np.asarray(item)))

    def _answers(self, items: Sequence[Array | Ints]) -> Array:
        shape = (len(self.truth), self.options)
        read = np.full((len(items), *shape), 1.0 / self.options)  # (N, D, K)
        for i, item in enumerate(items):
            given = finite("answers", item)
            if given.size:
                read[i] = one_hot(given, self.options) if given.shape == shape[:1] else _table(given, *shape)
        return read


def error_agreement(a: npt.ArrayLike, b: npt.ArrayLike, truth: npt.ArrayLike) -> float:
    """Agreement of two probability tables, (D, K), above chance: negative where they differ more than chance would.

    Observed: the chance that draws from both agree. Expected: the same if each were right as often as it is, and wrong
    evenly and on its own. The result is `(observed - expected) / (1 - expected)`, and 1 for two that are never wrong.
    """
    left, right = finite("answers", a), finite("answers", b)
    if left.ndim != 2 or left.shape != right.shape:
        raise WrongShape(f"answers of shapes {left.shape} and {right.shape}, expected two tables of one shape (D, K)")
    right_answers = np.argmax(one_hot(truth, left.shape[1]), axis=1)
    p, q = (_table(answers, len(right_answers), left.shape[1])[None] for answers in (left, right))
    return float(_above_chance(p, q, right_answers)[0, 0])


def one_hot(labels: npt.ArrayLike, options: int) -> Array:
    """Rows with a 1 at each label, (D, K).

    one_hot([2, 0], 3)  # [[0, 0, 1], [1, 0, 0]]
    """
    given = finite("labels", labels)
    if given.ndim != 1 or not given.size:
        raise WrongShape(f"labels have shape {given.shape}, expected one row of 1 label or more")
    if options < 2:
        raise OutOfRange(f"options is {options}, expected 2 or more")
    wrong = np.flatnonzero((given != np.floor(given)) | (given < 0.0) | (given >= options))
    if wrong.size:
        raise OutOfRange(f"labels[{wrong[0]}] is {given[wrong[0]]}, expected a whole number from 0 to {options - 1}")
    return np.asarray(np.eye(options)[given.astype(np.int64)])


def _above_chance(a: Array, b: Array, truth: Ints) -> Array:
    """(N, D, K) and (M, D, K) against the right answers, (D,) -> (N, M)."""
    questions, options = a.shape[1:]
    observed = a.reshape(len(a), -1) @ b.reshape(len(b), -1).T / questions  # (N, M)
    at = np.arange(questions)
    p, q = a[:, at, truth].mean(axis=1)[:, None], b[:, at, truth].mean(axis=1)[None, :]
    expected = p * q + (1.0 - p) * (1.0 - q) / (options - 1)  # (N, M)
    room = 1.0 - expected
    # Without room for disagreement both are always right (or both wrong in the one way there is), so both are alike.
    return np.asarray(np.divide(observed - expected, room, out=np.ones_like(room), where=room > 1e-12))


def _stacked(items: Sequence[Array]) -> Array:
    """The vectors as rows, (N, K); a vector of length 0 becomes all alike."""
    read = [nonnegative("probabilities", item) for item in items]
    shapes = {row.shape for row in read} - {(0,)}
    if len(shapes) > 1 or any(len(shape) != 1 for shape in shapes):
        raise WrongShape(f"probabilities of shapes {sorted(shapes)}, expected rows of one length")
    options = next(iter(shapes))[0] if shapes else 1
    rows = [row if row.size else np.full(options, 1.0 / options) for row in read]
    return _summing_to_one(np.array(rows).reshape(len(rows), options))


def _table(values: Array, questions: int, options: int) -> Array:
    """Probabilities of each option for each question, (D, K)."""
    return _summing_to_one(sized("answers", nonnegative("answers", values), questions, options))


def _summing_to_one(rows: Array) -> Array:
    with np.errstate(over="ignore"):
        totals = rows.sum(axis=1, keepdims=True)
    wrong = np.flatnonzero(np.abs(totals - 1.0) > 1e-4)  # what rounding to float32 does to many outcomes stays below
    if wrong.size:
        raise OutOfRange(f"probabilities[{wrong[0]}] sum to {totals[wrong[0], 0]}, expected 1")
    return np.asarray(rows / totals)


def _bits(p: Array, middle: Array) -> Array:
    """Divergence of p from the middle, along the last axis, in bits; outcomes that p excludes count nothing."""
    some = (p > 0.0) & (middle > 0.0)
    ratio = np.divide(p, middle, out=np.ones_like(middle), where=some)
    return np.asarray(np.sum(p * np.log2(ratio), axis=1))
