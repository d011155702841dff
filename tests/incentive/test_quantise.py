# SPDX-License-Identifier: Apache-2.0
"""Weights in 16 bits: rounded as the chain's own tests say, stable when sent, and nobody lost unnamed."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from incentive.arrays import Array
from incentive.fixed import I32F32
from incentive.quantise import from_u16, max_upscale, quantise, to_u16, upscale_u16
from incentive.weights import floor
from protocols.errors import NotFinite, OutOfRange, WrongShape

WEIGHTS = npst.arrays(np.float64, st.integers(1, 20), elements=st.just(0.0) | st.floats(0, 1e300))

# Inputs and targets of `test_vec_max_upscale_to_u16`, RaoFoundation/subtensor pallets/subtensor/src/tests/math; those
# with a point are f32 there.
PUBLISHED = [
    ([], []),
    ([0.0], [0]),
    ([0.0, 0.0], [0, 0]),
    ([0.0, 1.0], [0, 65535]),
    ([0.0, 0.000000001], [0, 65535]),
    ([0.0, 0.000016, 1.0], [0, 1, 65535]),
    ([0.000000001, 0.000000001], [65535, 65535]),
    (
        [0.000001, 0.000006, 0.000007, 0.0001, 0.001, 0.01, 0.1, 0.2, 0.3, 0.4],
        [0, 1, 1, 16, 164, 1638, 16384, 32768, 49151, 65535],
    ),
    ([16384], [65535]),
    ([32768], [65535]),
    ([32769], [65535]),
    ([65535], [65535]),
    ([0.0, 1.0, 65535.0], [0, 1, 65535]),
    ([0.0, 0.5, 1.0, 1.5, 2.0, 32768.0], [0, 1, 2, 3, 4, 65535]),
    ([0.0, 0.5, 1.0, 1.5, 2.0, 32768.0, 32769.0], [0, 1, 2, 3, 4, 65533, 65535]),
]


@pytest.mark.parametrize(("weights", "stored"), PUBLISHED)
def test_weights_are_stretched_as_the_chains_own_tests_say(weights: list[float], stored: list[int]) -> None:
    assert max_upscale([I32F32.nearest(float(np.float32(weight))) for weight in weights]) == stored


@pytest.mark.parametrize(
    ("bits", "stored"),
    [
        # From the same test: the largest number there is.
        ([I32F32.highest], [65535]),
        ([0, I32F32.of(1), I32F32.of(32768), I32F32.of(32769), I32F32.highest], [0, 0, 1, 1, 65535]),
        # By hand, up to 32768: (e * 65535) / max, halves up. 65535 / 2 is a half exactly, 65535 / 65536 is not.
        ([1, 2], [32768, 65535]),
        ([1, 65536], [1, 65535]),
        ([1, 131070], [1, 65535]),
        ([1, 131072], [0, 65535]),
        # By hand, above: the stretch is floor(65535 * 2^32 / 40000) = 7036767043 in 2^-32, and 20000 times it falls
        # just short of 32767.5, so that the exact half is rounded down.
        ([I32F32.of(20_000), I32F32.of(40_000)], [32767, 65535]),
        ([I32F32.of(10_000), I32F32.of(20_000)], [32768, 65535]),
    ],
)
def test_both_branches_round_as_worked_by_hand(bits: list[int], stored: list[int]) -> None:
    assert max_upscale(bits) == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        # `test_vec_u16_max_upscale_to_u16` of the same place.
        ([], []),
        ([0, 0], [0, 0]),
        ([1], [65535]),
        ([0, 1], [0, 65535]),
        ([65534], [65535]),
        ([65535, 65535], [65535, 65535]),
        ([0, 1, 65534], [0, 1, 65535]),
        ([0, 1, 2, 3, 4, 65533, 65535], [0, 1, 2, 3, 4, 65533, 65535]),
    ],
)
def test_sent_values_are_stored_as_the_chains_own_tests_say(sent: list[int], stored: list[int]) -> None:
    assert upscale_u16(sent).tolist() == stored


@given(st.lists(st.integers(0, I32F32.of(32_768)), min_size=1, max_size=6))
@settings(deadline=None, max_examples=50)
def test_up_to_32768_the_result_is_the_exact_quotient_rounded_once(bits: list[int]) -> None:
    largest = max(bits)
    exact = [Fraction(x * 65_535, largest) if largest else Fraction(0) for x in bits]
    # The chain truncates behind 32 bits before it rounds, which no quotient below a half can cross.
    assert max_upscale(bits) == [int(x + Fraction(1, 2)) for x in exact]


@given(WEIGHTS)
@settings(deadline=None, max_examples=50)
def test_what_is_sent_is_what_is_stored(weights: Array) -> None:
    values = to_u16(weights)
    np.testing.assert_array_equal(upscale_u16(values), values)
    np.testing.assert_array_equal(to_u16(from_u16(values)), values)
    assert values.max() == (65_535 if weights.any() else 0)


@given(npst.arrays(np.float64, 10, elements=st.floats(0, 1)))
@settings(deadline=None, max_examples=50)
def test_no_weight_moves_by_more_than_half_a_unit(weights: Array) -> None:
    if weights.any():
        units = weights / weights.max() * 65_535
        assert (np.abs(to_u16(weights) - units) <= 0.5 + 65_535 * 2.0**-32).all()


@given(st.floats(0, 1))
@settings(deadline=None, max_examples=50)
def test_floats_become_fixed_point_as_a_compiler_makes_constants(weight: float) -> None:
    bits = [I32F32.nearest(weight), I32F32.one]
    assert to_u16([weight, 1.0]).tolist() == max_upscale(bits)


@given(WEIGHTS)
@settings(deadline=None, max_examples=50)
def test_whoever_is_lost_is_named_and_with_a_floor_nobody_is(weights: Array) -> None:
    sent = quantise(weights)
    assert set(sent.uids) | set(sent.lost) == set(np.flatnonzero(weights).tolist())
    assert not set(sent.uids) & set(sent.lost)
    assert all(1 <= value <= 65_535 for value in sent.values)
    assert quantise(floor(weights)).lost == ()
    assert quantise(floor(weights)).uids == tuple(np.flatnonzero(weights).tolist())


def test_a_long_tail_is_reported_and_kept_only_on_request() -> None:
    weights = [1.0, 1e-6, 0.0, 0.5]
    assert quantise(weights).to_dict() == {"uids": [0, 3], "values": [65535, 32768], "lost": [1]}
    assert quantise(floor(weights)).to_dict() == {"uids": [0, 1, 3], "values": [65535, 1, 32768], "lost": []}


def test_shares_come_back_from_what_was_stored() -> None:
    assert from_u16([65_535, 0, 65_535]).tolist() == [0.5, 0.0, 0.5]
    assert from_u16([0, 0]).tolist() == [0.0, 0.0]


def test_numbers_that_are_no_weights_are_refused() -> None:
    with pytest.raises(NotFinite, match=r"weights\[1\] is nan"):
        quantise([1.0, np.nan])
    with pytest.raises(OutOfRange, match=r"weights\[0\] is -1"):
        to_u16([-1.0])
    with pytest.raises(WrongShape, match=r"shape \(1, 2\), expected \(2,\)"):
        to_u16([[1.0, 2.0]])
    for bad in (65_536, 0.5):
        with pytest.raises(OutOfRange, match=f"values hold {bad}"):
            from_u16([1, bad])
    for bits in (-1, I32F32.highest + 1):
        with pytest.raises(OutOfRange, match="bits are"):
            max_upscale([bits])
