# SPDX-License-Identifier: Apache-2.0
"""A true product always passes, a wrong one as seldom as promised, and what is no product never."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.arrays import Array
from incentive.verify.freivalds import MERSENNE_31, freivalds, freivalds_modular, tolerance
from protocols.errors import NotFinite, OutOfRange, WrongShape

SHAPES = st.tuples(st.integers(1, 8), st.integers(0, 8), st.integers(1, 8))
SEEDS = st.integers(0, 2**32 - 1)


def factors(shape: tuple[int, int, int], seed: int, spread: float = 8.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    n, k, m = shape
    # Sizes across many orders, where rounding is at its worst.
    a = rng.normal(size=(n, k)) * np.exp(rng.normal(0.0, spread, size=(n, k)))
    b = rng.normal(size=(k, m)) * np.exp(rng.normal(0.0, spread, size=(k, m)))
    return a, b


@given(SHAPES, SEEDS)
@settings(deadline=None, max_examples=60)
def test_an_honest_float_product_always_passes_in_either_precision(shape: tuple[int, int, int], seed: int) -> None:
    a, b = factors(shape, seed)
    rng = np.random.default_rng(seed)
    assert freivalds(a, b, a @ b, rng=rng)
    backwards = a[:, ::-1] @ b[::-1]
    assert freivalds(a, b, backwards, rng=rng)
    narrow_a, narrow_b = (np.clip(x, -1e8, 1e8).astype(np.float32) for x in (a, b))
    assert freivalds(narrow_a, narrow_b, narrow_a @ narrow_b, rng=rng, roundoff=2.0**-24)


def test_a_large_float32_product_passes_only_with_the_roundoff_it_was_made_with() -> None:
    rng = np.random.default_rng(5)
    a = rng.normal(size=(60, 400)).astype(np.float32)
    b = rng.normal(size=(400, 50)).astype(np.float32)
    assert freivalds(a, b, a @ b, rng=rng, roundoff=2.0**-24)
    assert not freivalds(a, b, a @ b, rng=rng)


@given(SHAPES.filter(lambda shape: shape[1] > 0), SEEDS)
@settings(deadline=None, max_examples=60)
def test_a_single_entry_off_by_more_than_the_tolerance_is_found(shape: tuple[int, int, int], seed: int) -> None:
    a, b = factors(shape, seed, spread=1.0)
    rng = np.random.default_rng(seed)
    row, column = rng.integers(shape[0]), rng.integers(shape[2])
    wrong = a @ b
    wrong[row, column] += 2.5 * tolerance(a, b)[row]
    assert not freivalds(a, b, wrong, rng=rng, trials=1)  # alone in its row, no sign can hide it


def test_errors_that_may_cancel_pass_one_trial_in_two_at_most() -> None:
    a, b = factors((3, 3, 4), 6, spread=0.0)
    wrong = a @ b
    wrong[1] += [1.0, -1.0, 0.0, 0.0]  # hidden whenever both signs are the same
    rng = np.random.default_rng(7)
    passed = sum(freivalds(a, b, wrong, rng=rng, trials=1) for _ in range(4_000)) / 4_000
    assert passed == pytest.approx(0.5, abs=0.04)
    assert not any(freivalds(a, b, wrong, rng=rng, trials=30) for _ in range(200))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e308])
@pytest.mark.parametrize("everywhere", [False, True])
def test_no_number_is_never_a_product(bad: float, everywhere: bool) -> None:
    a, b = factors((4, 4, 4), 8)
    wrong = a @ b
    wrong[slice(None) if everywhere else 2] = bad
    assert not freivalds(a, b, wrong, rng=np.random.default_rng(9))


def test_sums_that_overflow_in_both_directions_are_no_product() -> None:
    a, b, huge = np.eye(4), np.ones((4, 256)), np.full((4, 256), 1e308)
    huge[:, 128:] = -1e308
    # Infinity minus infinity is NaN, which no comparison calls too large.
    assert not any(freivalds(a, b, huge, rng=np.random.default_rng(seed), trials=1) for seed in range(100))


def test_tiny_products_are_held_to_tiny_tolerances() -> None:
    a, b = np.eye(3) * 1e-200, np.eye(3)
    rng = np.random.default_rng(0)
    assert freivalds(a, b, a @ b, rng=rng)
    assert not freivalds(a, b, 1.001 * (a @ b), rng=rng)
    assert not freivalds(np.zeros((3, 3)), b, a, rng=rng)


@pytest.mark.parametrize(
    "c",
    [np.zeros((2, 3)), np.zeros(4), np.zeros((2, 2), dtype=complex), np.array([["a", "b"]] * 2), np.eye(2, dtype=bool)],
)
def test_a_stranger_gives_the_wrong_kind_of_array_and_is_simply_wrong(c: npt.NDArray[Any]) -> None:
    rng = np.random.default_rng(0)
    assert not freivalds(np.eye(2), np.eye(2), c, rng=rng)
    assert not freivalds_modular(np.eye(2, dtype=int), np.eye(2, dtype=int), c, rng=rng)


@pytest.mark.parametrize("modulus", [2, 3, 5, 101])
def test_a_single_wrong_entry_modulo_p_passes_one_trial_in_p(modulus: int) -> None:
    rng = np.random.default_rng(modulus)
    a, b = rng.integers(0, modulus, size=(2, 4, 4))
    wrong = a @ b % modulus
    wrong[1, 2] = (wrong[1, 2] + 1) % modulus
    rounds = 6_000
    passed = sum(freivalds_modular(a, b, wrong, modulus=modulus, rng=rng, trials=1) for _ in range(rounds)) / rounds
    spread = 4.0 * (modulus - 1) ** 0.5 / modulus / rounds**0.5
    assert passed == pytest.approx(1.0 / modulus, abs=spread)


@given(SHAPES, SEEDS, st.sampled_from([np.int8, np.uint8, np.int64, np.uint64]))
@settings(deadline=None, max_examples=60)
def test_an_honest_product_of_whole_numbers_always_passes(shape: tuple[int, int, int], seed: int, kind: Any) -> None:
    n, k, m = shape
    rng = np.random.default_rng(seed)
    limits = np.iinfo(kind)
    a = rng.integers(limits.min, limits.max, size=(n, k), dtype=kind, endpoint=True)
    b = rng.integers(limits.min, limits.max, size=(k, m), dtype=kind, endpoint=True)
    exact = (a.astype(object) @ b.astype(object)) % MERSENNE_31 if k else np.zeros((n, m))
    c = exact.astype(np.int64)
    assert freivalds_modular(a, b, c, rng=rng)
    c[0, 0] = (c[0, 0] + 1) % MERSENNE_31
    assert not freivalds_modular(a, b, c, rng=rng)


def test_only_the_least_residue_is_the_product() -> None:
    one, rng = np.ones((1, 1), dtype=np.int64), np.random.default_rng(0)
    assert freivalds_modular(one, one, one, modulus=7, rng=rng)
    for shift in (-7, 7, 70):
        assert not freivalds_modular(one, one, one + shift, modulus=7, rng=rng)


@pytest.mark.parametrize("modulus", [-7, 0, 1, 4, 9, 341, 2047, 3215031751, 2**31, MERSENNE_31 - 2, 4294967311])
def test_a_modulus_that_is_no_prime_or_too_large_is_refused(modulus: int) -> None:
    one = np.ones((1, 1), dtype=np.int64)
    with pytest.raises(OutOfRange, match="expected a prime"):
        freivalds_modular(one, one, one, modulus=modulus, rng=np.random.default_rng(0))


def test_all_primes_below_a_thousand_may_be_moduli_and_nothing_else() -> None:
    zero, rng = np.zeros((1, 1), dtype=np.int64), np.random.default_rng(0)

    def is_taken(modulus: int) -> bool:
        try:
            return freivalds_modular(zero, zero, zero, modulus=modulus, rng=rng)
        except OutOfRange:
            return False

    primes = [n for n in range(2, 1000) if all(n % d for d in range(2, int(n**0.5) + 1))]
    assert [n for n in range(1000) if is_taken(n)] == primes


def test_what_the_checker_itself_gives_must_make_sense() -> None:
    rng, eye, whole = np.random.default_rng(0), np.eye(2), np.eye(2, dtype=np.int64)
    with pytest.raises(NotFinite, match=r"A\[0, 1\] is nan"):
        freivalds([[1.0, np.nan], [0.0, 1.0]], eye, eye, rng=rng)
    with pytest.raises(NotFinite, match="overflows"):
        freivalds(eye * 1e200, eye * 1e200, eye, rng=rng)
    with pytest.raises(WrongShape, match="expected A's columns to be B's rows"):
        freivalds(eye, np.eye(3), eye, rng=rng)
    with pytest.raises(WrongShape, match="two dimensions"):
        freivalds([1.0], eye, eye, rng=rng)
    with pytest.raises(WrongShape, match="A holds float64"):
        freivalds_modular(eye, whole, whole, rng=rng)
    with pytest.raises(OutOfRange, match="trials is 0"):
        freivalds(eye, eye, eye, rng=rng, trials=0)
    with pytest.raises(OutOfRange, match="trials is 0"):
        freivalds_modular(whole, whole, whole, rng=rng, trials=0)
    for roundoff in (0.0, 0.1, np.nan):
        with pytest.raises(OutOfRange, match="roundoff is"):
            freivalds(eye, eye, eye, rng=rng, roundoff=roundoff)
