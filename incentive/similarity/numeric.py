# SPDX-License-Identifier: Apache-2.0
"""How near a number is to the number that was asked for, and a forecast to what came.

Prices, counts and measurements are answers too. What counts as near depends on the question: a part of the size, a
factor, or (for a forecast that also says how sure it is) a proper score, which no dishonest forecast can improve.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite, nonnegative
from incentive.similarity.measure import Baseline, Similarity
from protocols.errors import OutOfRange, WrongShape

__all__ = ["Crps", "Forecast", "Gaussian", "LogRatio", "RelativeError", "cramer", "crps", "interval_score"]

_ROOT_TWO: Final = math.sqrt(2.0)
_ROOT_PI: Final = math.sqrt(math.pi)


class _Elementwise(Similarity["float | Array"]):
    """Numbers, or arrays of one shape whose values are compared place by place; one number stands for all places."""

    __slots__ = ()

    @abstractmethod
    def _near(self, a: Array, b: Array) -> Array: ...

    def _read(self, item: float | Array) -> Array:
        array = finite(self.name, item)
        if array.ndim and not array.size:
            raise WrongShape(f"{self.name} of an array of shape {array.shape}, expected 1 number or more")
        return array

    def sim(self, a: float | Array, b: float | Array) -> float:
        """The mean nearness of the two items' values."""
        left, right = self._read(a), self._read(b)
        if left.shape != right.shape and left.ndim and right.ndim:
            raise WrongShape(f"{self.name} of shapes {left.shape} and {right.shape}, expected one shape")
        return float(np.mean(self._near(left, right)))

    def empty(self) -> float | Array:
        """Zero, whatever was asked."""
        return 0.0

    def shuffled(self, item: float | Array, rng: np.random.Generator) -> float | Array:
        """The values at each other's places; a single number has no order and stays."""
        array = self._read(item)
        return np.asarray(rng.permutation(array.ravel())).reshape(array.shape)

    def baseline(self, references: Sequence[float | Array], rng: np.random.Generator) -> Baseline:
        """What zero earns, and what the references' own values earn, dealt anew among all their places.

        Dealt among all, since the values of many one-number references have an order only together.
        """
        if not len(references):
            raise OutOfRange("a baseline of 0 references, expected 1 or more")
        read = [self._read(reference) for reference in references]
        pool = rng.permutation(np.concatenate([array.ravel() for array in read]))
        dealt = np.split(pool, np.cumsum([array.size for array in read])[:-1])
        noise = [self.sim(values.reshape(array.shape), array) for values, array in zip(dealt, read, strict=True)]
        nothing = [self.sim(self.empty(), array) for array in read]
        return Baseline(empty=float(np.mean(nothing)), shuffled=float(np.mean(noise)))


class RelativeError(_Elementwise):
    """One less the error as a part of the larger number: `1 - |a - b| / max(|a|, |b|, floor)`, 0 at the least.

    Below `floor` numbers are told apart by their distance alone, so that noise about zero is no error of 100 %.

        RelativeError().sim(90.0, 100.0)  # 0.9
    """

    __slots__ = ("floor",)

    name = "relative-error"

    def __init__(self, floor: float = 1e-9) -> None:
        self.floor = _positive("floor", floor)

    def _near(self, a: Array, b: Array) -> Array:
        size = np.maximum(np.maximum(np.abs(a), np.abs(b)), self.floor)
        # Divided before subtracted: the difference of two large numbers must not overflow.
        return np.asarray(np.clip(1.0 - np.abs(a / size - b / size), 0.0, 1.0))


class LogRatio(_Elementwise):
    """How many times too large or too small: `exp(-|ln(a / b)| / scale)`, for numbers of 0 or more.

    Zero is like zero (1) and infinitely many times smaller than anything else (0).

        LogRatio().sim(50.0, 100.0)  # 0.5: with a scale of 1 it is the smaller over the larger
    """

    __slots__ = ("scale",)

    name = "log-ratio"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = _positive("scale", scale)

    def _read(self, item: float | Array) -> Array:
        return nonnegative(self.name, super()._read(item))

    def _near(self, a: Array, b: Array) -> Array:
        some = (a > 0.0) & (b > 0.0)
        with np.errstate(under="ignore", over="ignore"):
            apart = np.abs(np.log(np.where(some, a, 1.0)) - np.log(np.where(some, b, 1.0))) / self.scale
            return np.asarray(np.where(some, np.exp(-apart), a == b), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Gaussian:
    """A forecast that is a normal distribution; a deviation of 0 is certainty."""

    mean: float
    sd: float

    def __post_init__(self) -> None:
        finite("mean", self.mean)
        nonnegative("sd", self.sd)


Forecast: TypeAlias = "float | Array | Gaussian"


class Crps(Similarity[Forecast]):
    """A forecast's nearness to what came: `1 / (1 + crps / scale)`, so a score of `scale` is worth one half.

    A forecast is a number, the samples of an ensemble or a `Gaussian`. What came is a number. Two forecasts are
    compared by `cramer`, which is the same score wherever one of them is certain.

        Crps(scale=2.0).sim(Gaussian(21.0, 1.5), 20.0)
    """

    __slots__ = ("scale",)

    name = "crps"

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = _positive("scale", scale)

    def sim(self, a: Forecast, b: Forecast) -> float:
        """The nearness of a forecast and what came, or of two forecasts."""
        return 1.0 / (1.0 + cramer(a, b) / self.scale)

    def empty(self) -> Forecast:
        """Zero, with certainty."""
        return 0.0

    def shuffled(self, item: Forecast, rng: np.random.Generator) -> Forecast:
        """The item itself: the samples of an ensemble have no order; `baseline` swaps whole answers instead."""
        return item

    def baseline(self, references: Sequence[Forecast], rng: np.random.Generator) -> Baseline:
        """What zero earns, and what each reference earns as the answer to another one's question."""
        if not len(references):
            raise OutOfRange("a baseline of 0 references, expected 1 or more")
        order = rng.permutation(len(references))
        noise = [self.sim(references[i], references[j]) for i, j in zip(order, np.roll(order, 1), strict=True)]
        nothing = [self.sim(self.empty(), reference) for reference in references]
        return Baseline(empty=float(np.mean(nothing)), shuffled=float(np.mean(noise)))


def crps(forecast: Forecast, observed: float) -> float:
    """Continuous ranked probability score, the integral of `(F(x) - [x >= observed])^2`; 0 is perfect.

    The samples of an ensemble are taken as the whole distribution (each sample a step of 1/n).
    """
    return cramer(forecast, float(finite("observed", observed)))


def cramer(a: Forecast, b: Forecast) -> float:
    """The integral of `(F_a(x) - F_b(x))^2` over two distributions: 0 where they are the same, symmetric."""
    largest = max(_largest(a), _largest(b))
    # All of it scales with its numbers; by a power of two, exactly. So no difference of large numbers overflows.
    size = math.ldexp(1.0, min(math.frexp(largest)[1], 1023))
    x, y = _over(a, size), _over(b, size)
    if not isinstance(x, Gaussian) and not isinstance(y, Gaussian):
        return size * _between_samples(x, y)
    # E|X - Y| - E|X - X'| / 2 - E|Y - Y'| / 2 is the same integral, for sides without steps too
    return size * max(_expected_gap(x, y) - 0.5 * _expected_gap(x, x) - 0.5 * _expected_gap(y, y), 0.0)


def interval_score(lower: npt.ArrayLike, upper: npt.ArrayLike, observed: npt.ArrayLike, alpha: float) -> Array:
    """Winkler's score of central `1 - alpha` intervals: their width, and `2 / alpha` times each miss; 0 is perfect.

    interval_score(10.0, 20.0, 22.0, alpha=0.1)  # 10 wide, missed by 2: 10 + 2 / 0.1 * 2 = 50
    """
    low, high, y = finite("lower", lower), finite("upper", upper), finite("observed", observed)
    if not 0.0 < alpha < 1.0:
        raise OutOfRange(f"alpha is {alpha}, expected more than 0 and less than 1")
    turned = np.argwhere(low > high)
    if len(turned):
        at = tuple(int(i) for i in turned[0])
        raise OutOfRange(f"lower exceeds upper at {list(at)}, expected lower <= upper")
    with np.errstate(over="ignore"):  # an error that no float can hold is an infinite one
        missed = np.maximum(low - y, 0.0) + np.maximum(y - high, 0.0)
        return np.asarray((high - low) + 2.0 * (missed / alpha))


def _between_samples(a: Array, b: Array) -> float:
    values = np.concatenate([a, b])  # (n + m,)
    steps = np.concatenate([np.full(a.size, 1.0 / a.size), np.full(b.size, -1.0 / b.size)])
    order = np.argsort(values, kind="stable")
    gap = np.cumsum(steps[order])[:-1]  # F_a - F_b from one value to the next
    return float(np.sum(gap**2 * np.diff(values[order])))


def _expected_gap(a: Array | Gaussian, b: Array | Gaussian) -> float:
    """E|X - Y| of independent X and Y; of two samples, only a sample with itself."""
    if isinstance(a, Gaussian):
        if isinstance(b, Gaussian):
            return _expected_size(a.mean - b.mean, math.hypot(a.sd, b.sd))
        return float(np.mean([_expected_size(a.mean - float(y), a.sd) for y in b]))
    if isinstance(b, Gaussian):
        return _expected_gap(b, a)
    n = a.size
    return 2.0 * float(np.sum((2.0 * np.arange(n) - n + 1.0) * np.sort(a))) / n**2


def _expected_size(mean: float, sd: float) -> float:
    """E|X| of a normal X."""
    if sd == 0.0:
        return abs(mean)
    z = mean / sd
    return sd * _ROOT_TWO / _ROOT_PI * math.exp(-0.5 * z * z) + mean * math.erf(z / _ROOT_TWO)


def _largest(forecast: Forecast) -> float:
    if isinstance(forecast, Gaussian):
        return max(abs(forecast.mean), forecast.sd)
    return float(np.abs(_samples(forecast)).max())


def _over(forecast: Forecast, size: float) -> Array | Gaussian:
    if isinstance(forecast, Gaussian):
        return Gaussian(forecast.mean / size, forecast.sd / size)
    return _samples(forecast) / size


def _samples(forecast: float | Array) -> Array:
    samples = np.atleast_1d(finite("forecast", forecast))
    if samples.ndim != 1 or not samples.size:
        raise WrongShape(f"forecast has shape {samples.shape}, expected one or more samples in a row")
    return samples


def _positive(name: str, value: float) -> float:
    if not (math.isfinite(value) and value > 0.0):
        raise OutOfRange(f"{name} is {value}, expected more than 0")
    return value
