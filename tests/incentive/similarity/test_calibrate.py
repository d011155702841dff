# SPDX-License-Identifier: Apache-2.0
"""The sharp band: between what distinct answers reach and where paraphrases begin, or refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from incentive.similarity import Band, CharNgrams, calibrate, calibrate_tau
from protocols.errors import NotFinite, OutOfRange


def test_the_band_lies_between_almost_all_distinct_and_most_paraphrased_pairs() -> None:
    apart = np.linspace(0.0, 0.5, 1001)
    same = np.linspace(0.8, 1.0, 1001)
    assert calibrate_tau(apart, same) == pytest.approx((0.495 + 0.02, 0.81), abs=1e-9)


def test_of_few_pairs_the_extremes_count() -> None:
    assert calibrate_tau([0.2, 0.4, 0.31], [0.9, 0.83], margin=0.1) == pytest.approx(Band(low=0.5, high=0.83))


@pytest.mark.parametrize(
    ("apart", "same"),
    [([0.7], [0.6]), ([0.7], [0.7]), ([0.69], [0.7]), ([0.99], [1.0])],
)
def test_pairs_that_overlap_have_no_band(apart: list[float], same: list[float]) -> None:
    with pytest.raises(OutOfRange, match="expected them apart"):
        calibrate_tau(apart, same)


def test_copies_alone_ask_for_a_full_match() -> None:
    assert calibrate_tau([0.5], [1.0 + 1e-12, 1.0]).high == 1.0


similarities = st.lists(st.floats(-1.0, 1.0), min_size=1, max_size=30)


@given(similarities, similarities)
def test_a_band_is_always_open_and_keeps_the_pairs_on_their_sides(apart: list[float], same: list[float]) -> None:
    try:
        low, high = calibrate_tau(apart, same)
    except OutOfRange:
        assert max(apart) + 0.02 >= min(same)
    else:
        assert low < high <= 1.0
        assert max(apart) < low
        assert min(same) == high


@pytest.mark.parametrize(
    ("apart", "same", "error"),
    [([], [0.5], OutOfRange), ([0.1], [], OutOfRange), ([1.1], [1.0], OutOfRange), ([np.nan], [1.0], NotFinite)],
)
def test_what_is_not_a_similarity_is_refused(apart: list[float], same: list[float], error: type[Exception]) -> None:
    with pytest.raises(error):
        calibrate_tau(apart, same)


def test_a_measure_is_calibrated_from_pairs_of_texts() -> None:
    distinct = [("The capital is Paris.", "It must be Lyon."), ("Boil it for ten minutes.", "Fry it in butter.")]
    copies = [("The capital is Paris.", "the capital: Paris"), ("Boil it for ten minutes.", "Boil it for 10 minutes")]
    low, high = calibrate(CharNgrams(), distinct, copies)
    assert 0.0 < low < 0.3 < high < 0.9
