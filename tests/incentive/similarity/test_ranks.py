# SPDX-License-Identifier: Apache-2.0
"""Rank measures against scipy, and Numerai's chain against the numbers of its own tests."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.arrays import Array
from incentive.similarity import ranks
from incentive.similarity.measure import Similarity, Subtracted
from incentive.similarity.ranks import Kendall, Spearman
from protocols.errors import NotFinite, OutOfRange, WrongShape

PUBLISHED: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "reference_scoring.json").read_text(encoding="utf-8")
)
UP = np.arange(5.0)
UP_DOWN = np.array([1.0, 0.0, 1.0, 0.0, 1.0])
MEASURES: list[Similarity[Array]] = [Spearman(), Kendall()]


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Array, Array]:
    """Two vectors of one length with many ties."""
    n = draw(st.integers(2, 40))
    values = st.lists(st.integers(-4, 4), min_size=n, max_size=n).map(lambda row: np.array(row, dtype=np.float64))
    return draw(values), draw(values)


@settings(deadline=None)
@given(pair=pairs())
def test_both_correlations_are_those_of_scipy_ties_included(pair: tuple[Array, Array]) -> None:
    a, b = pair
    if np.ptp(a) == 0.0 or np.ptp(b) == 0.0:
        assert ranks.spearman(a, b) == ranks.kendall(a, b) == 0.0
        return
    assert ranks.spearman(a, b) == pytest.approx(scipy.stats.spearmanr(a, b).statistic, abs=1e-12)
    assert ranks.kendall(a, b) == pytest.approx(scipy.stats.kendalltau(a, b).statistic, abs=1e-12)


def test_a_long_ranking_is_that_of_scipy_too() -> None:
    rng = np.random.default_rng(3)
    a = rng.normal(size=5000)
    b = a + rng.normal(size=5000)
    assert ranks.kendall(a, b) == pytest.approx(scipy.stats.kendalltau(a, b).statistic, abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@settings(deadline=None)
@given(pair=pairs())
def test_rankings_are_alike_from_0_to_1_both_ways_and_1_to_themselves(
    measure: Similarity[Array], pair: tuple[Array, Array]
) -> None:
    a, b = pair
    assert 0.0 <= measure.sim(a, b) <= 1.0
    assert measure.sim(a, b) == pytest.approx(measure.sim(b, a), abs=1e-12)
    assert measure.sim(a, a) == pytest.approx(float(np.ptp(a) > 0.0), abs=1e-12)
    assert measure.sim(a, np.exp(a)) == pytest.approx(measure.sim(a, a), abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_an_order_that_says_nothing_earns_nothing(measure: Similarity[Array]) -> None:
    up = np.arange(200.0)
    for nothing in (up[::-1], np.zeros(200), measure.empty()):
        assert measure.sim(nothing, up) == 0.0
    honest = Subtracted(measure, measure.baseline([up], np.random.default_rng(4)))
    assert honest.measured.empty == 0.0
    assert honest.measured.chance < 0.2
    assert measure.matrix([up, measure.empty(), up]) == pytest.approx(np.array([[1, 0, 1], [0, 0, 0], [1, 0, 1]]))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_a_ranking_that_is_no_vector_of_numbers_is_refused_by_name(measure: Similarity[Array]) -> None:
    with pytest.raises(NotFinite, match=r"ranking\[1\] is nan"):
        measure.sim(np.array([0.0, math.nan]), np.zeros(2))
    with pytest.raises(WrongShape, match="2"):
        measure.sim(np.zeros(2), np.zeros(3))
    with pytest.raises(WrongShape, match="one row"):
        measure.sim(np.zeros((2, 2)), np.zeros((2, 2)))


def test_numerais_transforms_give_the_published_numbers() -> None:
    numbers = PUBLISHED["numerai_tools_tests"]
    computed = {
        "tie_kept_rank([1,0,1,0,1])": ranks.tie_kept_rank(UP_DOWN),
        "gaussian([0,.25,.5,.75,1])_inner": ranks.gaussian([0.25, 0.5, 0.75]),
        "power1.5([.5,1,2])": -ranks.power([-0.5, -1.0, -2.0]),
        "tie_kept_rank__gaussianize__pow_1_5(up)": ranks.tail_weighted(UP),
        "orthogonalize(up,up_down)": ranks.orthogonalise(UP, UP_DOWN),
    }
    assert set(computed) == set(numbers) - {"source"}
    for name, values in computed.items():
        assert values == pytest.approx(numbers[name], rel=0.0, abs=1e-9), name


def test_the_normal_quantile_is_that_of_scipy_to_the_far_ends() -> None:
    p = np.concatenate([10.0 ** -np.arange(1, 300, 7), np.linspace(0.001, 0.999, 500)])
    assert ranks.gaussian(p) == pytest.approx(scipy.stats.norm.ppf(p), rel=1e-12)
    with pytest.raises(OutOfRange, match="less than 1") as caught:
        ranks.gaussian([0.0, 0.5])
    assert "tie_kept_rank" in str(caught.value.help)


def test_what_is_orthogonal_to_nothing_is_left_whole() -> None:
    assert ranks.orthogonalise(UP, np.zeros(5)) == pytest.approx(UP)
    assert ranks.orthogonalise(UP, UP) == pytest.approx(np.zeros(5))
    assert np.isfinite(ranks.orthogonalise(UP * 1e300, UP_DOWN * 1e-300)).all()


def test_numerais_correlation_is_the_plain_correlation_of_the_transformed() -> None:
    rng = np.random.default_rng(6)
    targets = rng.integers(0, 5, 300) / 4.0
    predictions = targets + rng.normal(size=300)
    powered = np.sign(targets - targets.mean()) * np.abs(targets - targets.mean()) ** 1.5
    rank = (scipy.stats.rankdata(predictions) - 0.5) / 300
    normal = scipy.stats.norm.ppf(rank)
    expected = np.corrcoef(np.sign(normal) * np.abs(normal) ** 1.5, powered)[0, 1]
    assert ranks.numerai_corr(predictions, targets) == pytest.approx(expected, abs=1e-12)
    assert ranks.numerai_corr(predictions, targets * 1e300) == pytest.approx(expected, abs=1e-12)
    assert ranks.numerai_corr(np.ones(300), targets) == ranks.numerai_corr(predictions, np.ones(300)) == 0.0


def test_a_copy_of_the_meta_model_contributes_nothing_and_new_knowledge_does() -> None:
    rng = np.random.default_rng(7)
    hidden, known = rng.normal(size=4000), rng.normal(size=4000)
    targets = np.digitize(hidden + known, [-2.0, -0.7, 0.7, 2.0]) / 4.0
    assert ranks.contribution(known, known, targets) == pytest.approx(0.0, abs=1e-12)
    assert ranks.contribution(np.exp(known), known, targets) == pytest.approx(0.0, abs=1e-12)
    assert ranks.contribution(hidden, known, targets) > 0.3
    assert ranks.contribution(-hidden, known, targets) < -0.3
    assert ranks.contribution(hidden, np.zeros(4000), targets) > 0.3


def test_contribution_is_the_slope_of_the_meta_models_correlation() -> None:
    rng = np.random.default_rng(8)
    targets = rng.integers(0, 5, 500) / 4.0
    meta = ranks.gaussian(ranks.tie_kept_rank(targets + rng.normal(size=500)))
    predictions = [ranks.gaussian(ranks.tie_kept_rank(targets * k + rng.normal(size=500))) for k in range(8)]
    before = np.corrcoef(targets, meta)[0, 1]
    slopes = [np.corrcoef(targets, 0.999 * meta + 0.001 * p)[0, 1] - before for p in predictions]
    scores = [ranks.contribution(p, meta, targets) for p in predictions]
    assert np.corrcoef(slopes, scores)[0, 1] > 0.9999


@pytest.mark.parametrize("threshold", PUBLISHED["numerai_payout"]["stake_threshold"].values())
def test_a_payout_is_clipped_and_shared_once_too_much_is_at_risk(threshold: float) -> None:
    assert ranks.payout_factor(threshold, threshold) == 1.0
    assert ranks.payout_factor(2.0 * threshold, threshold) == 0.5
    won = ranks.payout([100.0, 100.0, 100.0], [0.02, 0.2, -0.9], ranks.payout_factor(2.0 * threshold, threshold))
    assert won == pytest.approx([1.0, 5.0, -5.0])
