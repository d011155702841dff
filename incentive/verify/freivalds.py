# SPDX-License-Identifier: Apache-2.0
"""Whether C is the product of A and B, in the time of a few vector products instead of a matrix product.

A wrong C differs from AB in some entry, and a random vector sees that with a known probability (Freivalds, 1977). It is
no zero-knowledge proof, it needs no set-up, and it is all that checking a large matrix product takes. C comes from a
stranger: a C of the wrong shape, or with a NaN in it, is simply not the product.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from incentive.arrays import Array, finite
from protocols.errors import NotFinite, OutOfRange, WrongShape

__all__ = ["MERSENNE_31", "freivalds", "freivalds_modular", "tolerance"]

MERSENNE_31: Final = 2**31 - 1
"""The largest prime whose products fit 64 bits with room to add them."""

_ROUNDOFF: Final = 2.0**-53
_TINY: Final = 5e-324
_WITNESSES: Final = (2, 3, 5, 7)


def tolerance(a: Array, b: Array, *, roundoff: float = _ROUNDOFF) -> Array:
    """How far rounding alone can move each row's check, (n,): what an honest product never exceeds.

    For A of (n, k) and B of (k, m): (k u + (k + 2m) 2^-53) |A| |B| 1, where u is the unit roundoff of whoever computed
    C, in whatever order it summed; the other terms are our own. 1 % is added for the products of roundoffs. Underflow
    is allowed for as float64 has it: products of float32 below 1e-38 are to be scaled up first.
    """
    k, m = b.shape
    slack = k * roundoff + (k + 2 * m) * _ROUNDOFF
    if not 0.0 < roundoff < 1.0 or slack >= 0.01:
        raise OutOfRange(f"roundoff is {roundoff} over {k} terms, expected above 0 and far below 1/{k}")
    with np.errstate(over="ignore", invalid="ignore"):
        bound: Array = 1.01 * slack * (np.abs(a) @ np.abs(b).sum(axis=1)) + (k + 1) * (m + 1) * _TINY  # (n,)
    if not np.isfinite(bound).all():
        raise NotFinite("the product of A and B overflows", help="scale A and B down before they are multiplied")
    return bound


def freivalds(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    c: npt.NDArray[Any],
    *,
    rng: np.random.Generator,
    trials: int = 20,
    roundoff: float = _ROUNDOFF,
) -> bool:
    """Whether C is AB but for rounding; a C with an entry off by more than twice the `tolerance` passes at 2^-trials.

    `roundoff` is the unit roundoff with which C was computed: 2^-53 for float64, 2^-24 for float32. With signs r at
    random, A(Br) - Cr shows an entry's error or more in at least half of the cases, whatever the other entries are.
    """
    left, right = _matrix("A", a), _matrix("B", b)
    n, m = _product_shape(left, right)
    _check_trials(trials)
    allowed = tolerance(left, right, roundoff=roundoff)[:, None]  # (n, 1)
    if c.shape != (n, m) or c.dtype.kind not in "fiu" or not np.isfinite(c).all():
        return False
    signs = rng.integers(0, 2, size=(m, trials)) * 2.0 - 1.0  # (m, trials)
    with np.errstate(over="ignore", invalid="ignore"):
        apart = np.abs(left @ (right @ signs) - c.astype(np.float64) @ signs)  # (n, trials)
    # Written so that NaN fails: an overflow that C caused is no product of what A and B allow.
    return bool((apart <= allowed).all())


def freivalds_modular(
    a: npt.ArrayLike,
    b: npt.ArrayLike,
    c: npt.NDArray[Any],
    *,
    modulus: int = MERSENNE_31,
    rng: np.random.Generator,
    trials: int = 2,
) -> bool:
    """Whether C is AB modulo a prime p, each entry from 0 to p - 1; a wrong C passes with probability p^-trials."""
    if not _is_prime(modulus) or modulus > MERSENNE_31:
        raise OutOfRange(f"modulus is {modulus}, expected a prime up to {MERSENNE_31}", help="modulus=MERSENNE_31")
    left, right = _residues("A", a, modulus), _residues("B", b, modulus)
    n, m = _product_shape(left, right)
    _check_trials(trials)
    # Only the least residue: else C + p would pass for C.
    if c.shape != (n, m) or c.dtype.kind not in "iu" or not ((c >= 0) & (c < modulus)).all():
        return False
    claimed = c.astype(np.int64)
    for _ in range(trials):
        r = rng.integers(0, modulus, size=m)  # (m,)
        if (_times(left, _times(right, r, modulus), modulus) != _times(claimed, r, modulus)).any():
            return False
    return True


def _times(matrix: npt.NDArray[np.int64], vector: npt.NDArray[np.int64], modulus: int) -> npt.NDArray[np.int64]:
    """Each product is below 2^62 and reduced before the sum, which then fits for up to 2^32 terms."""
    total: npt.NDArray[np.int64] = (matrix * vector % modulus).sum(axis=1) % modulus
    return total


def _matrix(name: str, values: npt.ArrayLike) -> Array:
    return _two_dimensional(name, finite(name, values))


def _residues(name: str, values: npt.ArrayLike, modulus: int) -> npt.NDArray[np.int64]:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        raise WrongShape(f"{name} holds {array.dtype}, expected whole numbers")
    # Widened first: the modulus may not fit the type that the numbers came in.
    wide = array.astype(np.int64 if array.dtype.kind == "i" else np.uint64)
    return _two_dimensional(name, wide % modulus).astype(np.int64)


def _two_dimensional(name: str, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if array.ndim != 2:
        raise WrongShape(f"{name} has shape {array.shape}, expected two dimensions")
    return array


def _product_shape(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> tuple[int, int]:
    if a.shape[1] != b.shape[0]:
        raise WrongShape(f"A has shape {a.shape} and B has {b.shape}, expected A's columns to be B's rows")
    return a.shape[0], b.shape[1]


def _check_trials(trials: int) -> None:
    if trials < 1:
        raise OutOfRange(f"trials is {trials}, expected 1 or more: none would accept anything")


def _is_prime(number: int) -> bool:
    """Miller and Rabin's test, with witnesses that are enough below 3.2 * 10^9."""
    if number < 2 or any(number % small == 0 for small in _WITNESSES):
        return number in _WITNESSES
    odd, twos = number - 1, 0
    while odd % 2 == 0:
        odd, twos = odd // 2, twos + 1
    for witness in _WITNESSES:
        x = pow(witness, odd, number)
        if x in (1, number - 1):
            continue
        if all((x := x * x % number) != number - 1 for _ in range(twos - 1)):
            return False
    return True
