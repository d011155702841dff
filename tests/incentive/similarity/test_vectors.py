# SPDX-License-Identifier: Apache-2.0
"""Cosine and angle of vectors: against scikit-learn, at zero, and where squares overflow."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import pairwise as metrics

from incentive.arrays import Array, Numbers
from incentive.similarity import Angular, Cosine, Similarity
from protocols.errors import NotFinite, WrongShape

both = pytest.mark.parametrize("measure", [Cosine(), Angular()], ids=["cosine", "angular"])
vectors = arrays(np.float64, (4, 3), elements=st.sampled_from([0.0, 1.0, -1.0, 2.5, 1e-3]))


@settings(deadline=None)
@given(vectors)
def test_the_cosine_is_scikit_learns(rows: Array) -> None:
    assert Cosine().matrix(list(rows)) == pytest.approx(metrics.cosine_similarity(rows), abs=1e-12)


@settings(deadline=None)
@given(vectors)
def test_the_angle_keeps_the_triangle_rule(rows: Array) -> None:
    rows[:, 0] += np.pi  # none is zero
    d = 1.0 - Angular().matrix(list(rows))
    assert np.all(d[:, None, :] <= d[:, :, None] + d[None, :, :] + 1e-9)


def test_angles_are_parts_of_a_half_turn() -> None:
    compass = [[1, 0], [1, 1], [0, 3], [-2, 0]]
    assert Angular().matrix(compass)[0] == pytest.approx([1.0, 0.75, 0.5, 0.0])
    assert Cosine().matrix(compass)[0] == pytest.approx([1.0, np.sqrt(0.5), 0.0, -1.0])


@both
def test_one_direction_is_alike_at_any_length(measure: Similarity[Numbers]) -> None:
    assert measure.sim([1e-300, 2e-300, 3e-300], [1e300, 2e300, 3e300]) == pytest.approx(1.0, abs=1e-15)
    assert measure.sim([5e-324, 0.0], [1.7e308, 0.0]) == 1.0
    assert measure.sim([0.1, 0.2, 0.3], [0.3, 0.6, 0.9]) == pytest.approx(1.0, abs=1e-15)


@both
def test_a_vector_of_zeros_is_like_nothing_not_even_itself(measure: Similarity[Numbers]) -> None:
    zero = [0.0, 0.0]
    assert measure.matrix([zero, [1.0, 2.0]]).tolist() == [[0.0, 0.0], [0.0, pytest.approx(1.0)]]
    assert measure.sim(measure.empty(), [1.0, 2.0]) == 0.0
    assert not measure.embed([zero, zero]).any()


@both
def test_rows_have_the_similarities_as_inner_products(measure: Similarity[Numbers]) -> None:
    rng = np.random.default_rng(2)
    items = [*rng.normal(size=(5, 3)), np.zeros(3)]
    rows = measure.embed(items)
    assert rows @ rows.T == pytest.approx(measure.matrix(items), abs=1e-7)


@both
def test_what_is_not_a_vector_is_refused(measure: Similarity[Numbers]) -> None:
    with pytest.raises(NotFinite):
        measure.sim([np.nan], [1.0])
    with pytest.raises(WrongShape):
        measure.sim([1.0, 2.0], [1.0])
    with pytest.raises(WrongShape):
        measure.matrix([[1.0, 2.0], [1.0]])


def test_a_shuffled_vector_holds_the_same_numbers() -> None:
    item = [1.0, 2.0, 3.0, 4.0]
    shuffled = Angular().shuffled(item, np.random.default_rng(0))
    assert sorted(shuffled) == item
    assert Cosine().baseline([item], np.random.default_rng(0)).empty == 0.0
