# SPDX-License-Identifier: Apache-2.0
"""Measures of probability vectors against scipy and their own definitions, chance agreement against a simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.spatial.distance
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from incentive.arrays import Array
from incentive.similarity.distributions import (
    Brier,
    ErrorAgreement,
    Hellinger,
    JensenShannon,
    LogScore,
    TotalVariation,
    error_agreement,
    one_hot,
)
from incentive.similarity.measure import Similarity
from protocols.errors import NotFinite, OutOfRange, WrongShape

MEASURES: list[Similarity[Array]] = [Brier(), LogScore(), TotalVariation(), JensenShannon(), Hellinger()]
SYMMETRIC = [measure for measure in MEASURES if not isinstance(measure, LogScore)]
SURE = one_hot([0, 1, 2, 3], 4)


@st.composite
def vectors(draw: st.DrawFn) -> list[Array]:
    """Three probability vectors of one length, zeros and near-zeros among them."""
    weights = draw(arrays(np.float64, (3, draw(st.integers(2, 6))), elements=st.floats(0.0, 1.0)))
    weights[weights.sum(axis=1) < 1e-3] = 1.0
    return list(weights / weights.sum(axis=1, keepdims=True))


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
@settings(deadline=None)
@given(items=vectors())
def test_vectors_are_alike_from_0_to_1_and_1_to_themselves(measure: Similarity[Array], items: list[Array]) -> None:
    table = measure.matrix(items)
    assert ((table >= 0.0) & (table <= 1.0)).all()
    assert np.diagonal(table) == pytest.approx(np.ones(3), abs=1e-12)
    assert table == pytest.approx(np.array([[measure.sim(a, b) for b in items] for a in items]))


@pytest.mark.parametrize("measure", SYMMETRIC, ids=lambda measure: measure.name)
@settings(deadline=None)
@given(items=vectors())
def test_but_for_the_log_score_both_ways_are_one(measure: Similarity[Array], items: list[Array]) -> None:
    assert measure.sim(items[0], items[1]) == measure.sim(items[1], items[0])


@settings(deadline=None)
@given(items=vectors())
def test_the_distances_are_those_of_their_definitions(items: list[Array]) -> None:
    p, q, _ = items
    assert Brier().sim(p, q) == pytest.approx(1.0 - scipy.spatial.distance.sqeuclidean(p, q) / 2.0, abs=1e-9)
    assert TotalVariation().sim(p, q) == pytest.approx(1.0 - np.maximum(p - q, 0.0).sum(), abs=1e-9)
    distance = np.linalg.norm(np.sqrt(p) - np.sqrt(q)) / math.sqrt(2.0)
    assert Hellinger().sim(p, q) == pytest.approx(1.0 - distance**2, abs=1e-9)
    jensen = scipy.spatial.distance.jensenshannon(p, q, base=2.0)
    assert JensenShannon().sim(p, q) == pytest.approx(1.0 - np.nan_to_num(jensen) ** 2, abs=1e-9)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_certainty_about_what_did_not_come_costs_all(measure: Similarity[Array]) -> None:
    assert measure.matrix(list(SURE)) == pytest.approx(np.eye(4), abs=1e-12)


def test_the_log_score_is_the_logarithm_of_what_was_given_to_what_came() -> None:
    came = one_hot([0], 3)[0]
    for given_to_it in (0.9, 0.5, 0.01):
        rest = (1.0 - given_to_it) / 2.0
        expected = 1.0 - math.log(given_to_it) / math.log(1e-6)
        assert LogScore().sim(np.array([given_to_it, rest, rest]), came) == pytest.approx(expected)
    with pytest.raises(OutOfRange, match="floor is 0"):
        LogScore(floor=0.0)


def test_the_log_scores_vectors_take_the_mean_of_both_roles() -> None:
    items = [np.array([0.7, 0.2, 0.1]), np.array([0.1, 0.6, 0.3]), np.array([0.3, 0.3, 0.4])]
    table = LogScore().matrix(items)
    rows = LogScore().embed(items)
    assert not np.allclose(table, table.T)
    assert rows @ rows.T == pytest.approx(0.5 * (table + table.T), abs=1e-9)


@pytest.mark.parametrize("measure", [Brier(), LogScore()], ids=lambda measure: measure.name)
def test_an_honest_forecast_earns_more_on_average_than_any_other(measure: Similarity[Array]) -> None:
    truth = np.array([0.6, 0.3, 0.1])
    outcomes = list(one_hot([0, 1, 2], 3))
    earned = [measure.matrix([p], outcomes)[0] @ truth for p in (truth, np.ones(3) / 3, np.array([0.9, 0.1, 0.0]))]
    assert earned[0] > max(earned[1:])


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_the_empty_answer_is_all_alike_and_its_baseline_is_reported(measure: Similarity[Array]) -> None:
    nothing = measure.baseline(list(SURE), np.random.default_rng(1))
    assert nothing.empty == pytest.approx(measure.sim(np.full(4, 0.25), SURE[0]))
    assert nothing.shuffled < 1.0
    assert measure.matrix([measure.empty(), SURE[0]])[0, 0] == pytest.approx(1.0)


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_what_is_no_probability_vector_is_refused_by_name(measure: Similarity[Array]) -> None:
    good = np.array([0.5, 0.5])
    for bad, error in (
        ([0.5, math.nan], NotFinite),
        ([0.5, 0.4], OutOfRange),
        ([1.5, -0.5], OutOfRange),
        ([0.2, 0.3, 0.5], WrongShape),
        ([1.7e308, 1.7e308], OutOfRange),
    ):
        with pytest.raises(error, match="probabilities"):
            measure.sim(np.array(bad), good)


def test_labels_above_chance_are_cohens_kappa_where_errors_are_even() -> None:
    # 100 questions, 4 options, always "0" right: both right 70 times, wrong alike 10 times, wrong apart 20 times.
    a = np.array([0] * 70 + [1] * 10 + [1] * 20)
    b = np.array([0] * 70 + [1] * 10 + [2] * 20)
    expected = 0.7 * 0.7 + 0.3 * 0.3 / 3.0
    kappa = (0.8 - expected) / (1.0 - expected)
    assert ErrorAgreement([0] * 100, 4).sim(a, b) == pytest.approx(kappa)
    assert error_agreement(one_hot(a, 4), one_hot(b, 4), [0] * 100) == pytest.approx(kappa)


def test_independent_classifiers_agree_as_chance_says_however_good_they_are() -> None:
    rng = np.random.default_rng(9)
    truth = rng.integers(0, 5, 20_000)
    answers = []
    for accuracy in (0.5, 0.8, 0.95):
        wrong = (truth + rng.integers(1, 5, truth.size)) % 5
        answers.append(np.where(rng.random(truth.size) < accuracy, truth, wrong))
    table = ErrorAgreement(truth, 5).matrix([*answers, answers[2]])
    assert np.abs(table[np.triu_indices(3, 1)]).max() < 0.03
    assert table[2, 3] == pytest.approx(1.0)
    assert np.diagonal(table) == pytest.approx(np.ones(4))


def test_probabilities_agree_as_draws_from_them_would() -> None:
    p = np.array([[0.5, 0.5], [1.0, 0.0]])
    # observed (1/2 + 1) / 2, both right 3/4: expected 9/16 + 1/16
    assert error_agreement(p, p, [0, 0]) == pytest.approx((0.75 - 0.625) / 0.375)
    assert error_agreement(one_hot([0, 1], 2), one_hot([1, 0], 2), [0, 0]) == pytest.approx(-1.0)


def test_two_that_are_never_wrong_are_alike_and_shuffled_or_no_answers_are_not() -> None:
    truth = np.arange(60) % 3
    measure = ErrorAgreement(truth, 3)
    assert measure.sim(truth, truth) == 1.0
    nothing = measure.baseline([np.array(truth)], np.random.default_rng(2))
    assert nothing.empty == pytest.approx(0.0, abs=1e-12)
    assert nothing.shuffled < 0.3


@pytest.mark.parametrize(
    ("bad", "error"),
    [([0.0, math.nan], NotFinite), ([0, 3], OutOfRange), ([0, 0.5], OutOfRange), ([0, 1, 2], WrongShape)],
)
def test_answers_that_fit_no_question_are_refused(bad: list[float], error: type[Exception]) -> None:
    with pytest.raises(error, match=r"labels|answers"):
        ErrorAgreement([0, 1], 3).sim(np.array(bad), np.array([0, 1]))
