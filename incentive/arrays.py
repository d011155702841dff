# SPDX-License-Identifier: Apache-2.0
"""The arrays that reward mathematics takes: finite, of a known shape, within what they stand for.

One NaN makes every score that it meets NaN, and a NaN weight becomes an equal share for everybody on a chain. So
nothing is repaired here: what is not a number is refused by name, before it is added to anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from protocols.errors import NotFinite, OutOfRange, WrongShape

__all__ = ["Array", "Flags", "Ints", "Numbers", "finite", "fractions", "nonnegative", "shares", "sized"]

Array: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Flags: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = Sequence[float] | npt.NDArray[np.floating] | npt.NDArray[np.integer] | npt.NDArray[np.bool_]


def finite(name: str, values: npt.ArrayLike) -> Array:
    """The values as float64, or `NotFinite` with the place of the first that is NaN or infinite."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise WrongShape(f"{name} is {type(values).__name__}, expected an array of numbers") from error
    good = np.isfinite(array)
    if not good.all():
        place = tuple(int(at) for at in np.argwhere(~good)[0])
        raise NotFinite(f"{name}{list(place) if place else ''} is {array[place]}, expected a finite number")
    return array


def nonnegative(name: str, values: npt.ArrayLike) -> Array:
    """The values as float64, none below zero."""
    return _within(name, values, np.inf, "0 or more")


def fractions(name: str, values: npt.ArrayLike) -> Array:
    """The values as float64, each from 0 to 1."""
    return _within(name, values, 1.0, "0 to 1")


def sized(name: str, array: Array, *shape: int) -> Array:
    """The array, if that is its shape."""
    if array.shape != shape:
        raise WrongShape(f"{name} has shape {array.shape}, expected {shape}")
    return array


def shares(amounts: Array) -> Array:
    """Each amount's part of the sum along the last axis; all zero where the sum is."""
    # Scaled by a power of two first, which is exact: the sum of large amounts must not overflow.
    _, exponent = np.frexp(amounts.max(axis=-1, keepdims=True, initial=0.0))
    scaled = np.ldexp(amounts, -exponent)
    total = scaled.sum(axis=-1, keepdims=True)
    parts: Array = np.divide(scaled, total, out=np.zeros_like(amounts), where=total > 0.0)
    return parts


def _within(name: str, values: npt.ArrayLike, high: float, range_: str) -> Array:
    array = finite(name, values)
    bad = (array < 0.0) | (array > high)
    if bad.any():
        place = tuple(int(at) for at in np.argwhere(bad)[0])
        raise OutOfRange(f"{name}{list(place) if place else ''} is {array[place]}, expected {range_}")
    return array
