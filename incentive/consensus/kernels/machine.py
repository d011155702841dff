# SPDX-License-Identifier: Apache-2.0
"""How a loop becomes machine code, and the tuples of arrays that loops work on.

What is compiled is kept on disk beside the source, else in the user's cache folder, else nowhere. No loop starts a
thread or needs the interpreter's lock, so callers may run as many epochs at once as they have cores.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

from numba import njit

from incentive.arrays import Array, Flags, Ints
from incentive.consensus.arithmetic import Cells

__all__ = ["Result", "Room", "Span", "Speed", "Votes", "compiled", "entry", "inlined", "summing"]

Loop = TypeVar("Loop", bound=Callable[..., Any])

# Any: numba's own types leave out the options that spare an inner loop its doors to Python and C.
_OUTER: Final[dict[str, Any]] = {"nogil": True, "error_model": "numpy"}
_INNER: Final[dict[str, Any]] = {**_OUTER, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
_ANY_ORDER: Final = {"reassoc", "nsz"}


class Votes(NamedTuple):
    """A batch of networks; weights and bonds are cells, or both are the 16-bit counts that a chain stores."""

    weights: Cells  # (B, V, N)
    stake: Cells  # (B, V)
    bonds: Cells  # (B, V, N)
    shares: Ints  # (B, V) of the stake of all, in units so fine that whole ones do
    minority: Ints  # (B,) the stake to pass over; negative where no weight has more than that behind it
    totals: Ints  # (B, V) what a row of counts adds up to


class Speed(NamedTuple):
    """How bonds follow weights: how far the clipped ones, and how much of new and of old makes the next."""

    penalty: Any
    new: Any
    old: Any


class Result(NamedTuple):
    """Where outcomes are written."""

    consensus: Cells  # (B, N)
    ranks: Cells  # (B, N)
    incentive: Cells  # (B, N)
    dividends: Cells  # (B, V)
    trust: Cells  # (P, B, V) what each part of the columns adds
    bonds: Cells  # (B, V, N)
    held: Flags  # (B, V, N)
    shares: Cells  # (B, V, N) of miners; of one network after another in the same place where (1, V, N)


class Span(NamedTuple):
    """One of the parts into which columns are cut."""

    place: int
    start: int
    end: int


class Room(NamedTuple):
    """Scratch space for a block of columns: first the rows with stake, then the others.

    Zeros after either make a multiple of four, which a loop then takes at once.
    """

    weights: Cells  # (R, C) of the type that `cells.small` says
    marks: Cells  # (4, C) likewise
    shares: Ints  # (R,) of stake, as in `Votes`, as wide as a weight
    support: Ints  # (C,) likewise
    block: Cells  # (R, C)
    lines: Cells  # (3, C)
    inverse: Array  # (C,)
    stake: Cells  # (R,)
    rows: Ints  # (V,) where in a block a validator's is


def entry(loop: Loop) -> Loop:
    """Compile what Python calls."""
    try:
        kept: Loop = njit(cache=True, **_OUTER)(loop)
    except RuntimeError:  # numba found no folder to keep it in
        kept = njit(**_OUTER)(loop)
    return kept


def compiled(loop: Loop) -> Loop:
    """Compile what only compiled loops call."""
    inner: Loop = njit(**_INNER)(loop)
    return inner


def inlined(loop: Loop) -> Loop:
    """The same for what is called in one place: compiled with its caller, and not before that on its own."""
    inner: Loop = njit(inline="always", **_INNER)(loop)
    return inner


def summing(loop: Loop) -> Loop:
    """The same for a loop that may add floats in any order: as many at once as a vector holds."""
    inner: Loop = njit(fastmath=_ANY_ORDER, **_INNER)(loop)
    return inner
