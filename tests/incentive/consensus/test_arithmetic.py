# SPDX-License-Identifier: Apache-2.0
"""Vectors of 64-bit integers round exactly as single Python integers do, and both as the chain's fixed point."""

from __future__ import annotations

import gzip
import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.consensus.arithmetic import FIXED, FLOAT
from incentive.fixed import I32F32, I64F64, U96F32, exp

DATA = Path(__file__).parents[2] / "data" / "yuma" / "misc.json.gz"
ONE = I32F32.one
parts = st.one_of(st.integers(0, ONE), st.sampled_from([0, 1, ONE - 1, ONE]))
signed = st.one_of(st.integers(-(2**52), 2**52), st.sampled_from([-1, 0, 1, -ONE, ONE]))


@settings(deadline=None)
@given(st.lists(st.tuples(signed, parts), min_size=1))
def test_products_are_floored(pairs: list[tuple[int, int]]) -> None:
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    assert FIXED.times(a, b).tolist() == [I32F32.multiply(x, y) for x, y in pairs]


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**49), st.integers(0, 2**60)), min_size=1))
def test_quotients_of_parts_are_truncated(pairs: list[tuple[int, int]]) -> None:
    pairs = [(a, a + rest) for a, rest in pairs]
    a, b = (np.array(column) for column in zip(*pairs, strict=True))
    assert FIXED.over(a, b).tolist() == [I32F32.divide(x, y) if y else x for x, y in pairs]


@settings(deadline=None)
@given(st.lists(st.integers(-25 * ONE, 25 * ONE), min_size=1))
def test_exponentials_follow_the_series(powers: list[int]) -> None:
    assert FIXED.exp(np.array(powers)).tolist() == [exp(power) for power in powers]


def test_exponentials_are_those_of_the_chain() -> None:
    rows = np.array(json.loads(gzip.decompress(DATA.read_bytes()))["exp_safe_I32F32_bits[in,out]"])
    assert FIXED.exp(rows[:, 0]).tolist() == rows[:, 1].tolist()


@settings(deadline=None)
@given(st.lists(parts, min_size=1, max_size=300))
def test_floats_give_the_same_shares_to_within_a_unit_of_16_bits(cells: list[int]) -> None:
    bits = np.array(cells)
    fixed, float_ = FIXED.to_u16(FIXED.share(bits)), FLOAT.to_u16(FLOAT.share(bits / ONE))
    assert np.abs(fixed - float_).max() <= 1


@pytest.mark.parametrize(
    ("value", "bits"), [(Fraction(32_767, 65_535), 2_147_450_879), (0.5, ONE // 2), (1, ONE), (-10, -10 * ONE)]
)
def test_hyperparameters_become_the_chains_constants(value: Fraction | float, bits: int) -> None:
    assert FIXED.constant(value) == bits
    assert FLOAT.constant(value) == pytest.approx(bits / ONE)


def test_what_does_not_fit_saturates() -> None:
    assert I32F32.of(2**40) == 2**63 - 1
    assert I32F32.multiply(I32F32.of(-(2**30)), I32F32.of(2**30)) == -(2**63)
    assert U96F32.saturate(-1) == 0


def test_the_chain_takes_a_quotient_that_does_not_exist_as_zero() -> None:
    assert I32F32.divide(ONE, 0) == 0
    assert I32F32.divide(I32F32.of(2**30), 1) == 0
    assert I32F32.divide(-3, 2 * ONE) == -1


def test_a_coarser_format_floors() -> None:
    assert I64F64.to(I32F32, (1 << 64) - 1) == ONE - 1
    assert I64F64.to(I32F32, -1) == -1
    assert I32F32.to(I64F64, ONE) == I64F64.one
