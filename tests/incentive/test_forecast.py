# SPDX-License-Identifier: Apache-2.0
"""Forecast-weighted inference against its authors' own simulator and unit values, and by what it promises."""

from __future__ import annotations

import copy
import gzip
import json
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from incentive import forecast
from incentive.arrays import Array
from incentive.forecast import Losses, Regrets, Topic
from incentive.simulation.published.allora import allora
from incentive.simulation.published.scoring import reference_scoring
from protocols.errors import NotFinite, OutOfRange, UnreadableCase, WrongShape

DATA = Path(__file__).parents[1] / "data"
EPOCHS: dict[str, Any] = json.loads(gzip.decompress((DATA / "allora_epochs.json.gz").read_bytes()))
REFERENCE: dict[str, Any] = json.loads((DATA / "reference_scoring.json").read_text(encoding="utf-8"))
INPUTS = r"target|inference_\d+|forecasted_loss_.*|reputer_stake_\d+|reputer_\d+_loss_.*|topic_rewards"
REGRETS = arrays(np.float64, st.integers(1, 12), elements=st.floats(-1e308, 1e308))
PARTS = arrays(np.float64, st.integers(1, 8), elements=st.floats(0.01, 1.0)).map(lambda parts: parts / parts.sum())


def few(numbers: set[int]) -> dict[str, Any]:
    return {**EPOCHS, "epochs": {str(number): EPOCHS["epochs"][str(number)] for number in numbers}}


def test_each_column_of_the_simulator_that_is_no_input_is_computed_again() -> None:
    figures = list(allora(EPOCHS))
    wrong = [figure for figure in figures if not figure.ok]
    assert not wrong, wrong[:5]
    derived = {column for column in EPOCHS["columns"] if not re.fullmatch(INPUTS, column)}
    assert len(derived) == 253
    for epoch in (303, 304, 305):
        assert {figure.name.split(", ")[2] for figure in figures if f"epoch {epoch}" in figure.name} == derived
    assert max(figure.difference / max(1.0, abs(figure.published)) for figure in figures) < 1e-12


def test_an_epoch_without_the_one_before_is_computed_as_far_as_it_goes() -> None:
    alone, pair = list(allora(few({302}))), list(allora(few({302, 303})))
    assert len(alone) == 75
    assert all(figure.ok for figure in [*alone, *pair])
    assert 75 < len(pair) - len(alone) <= 253


@pytest.mark.parametrize(
    "column", ["network_inference", "reputer_listening_coefficient_2", "inference_regret_worker_6_oneout_1", "target"]
)
def test_a_published_number_that_is_wrong_is_found(column: str) -> None:
    changed = copy.deepcopy(EPOCHS)
    changed["epochs"]["303"][EPOCHS["columns"].index(column)] += 1e-6
    wrong = [figure.name for figure in allora(changed) if not figure.ok]
    assert bool(wrong) == (column != "target")
    assert not wrong or f"allora, epoch 303, {column}" in wrong


@pytest.mark.parametrize("p", [1.0, 2.5, 3.1])
def test_other_ramps_do_not_give_the_published_numbers(p: float) -> None:
    column = EPOCHS["columns"].index
    row, last = EPOCHS["epochs"]["301"], EPOCHS["epochs"]["300"]
    forecasts = [row[column("forecasted_loss_0_for_0") : column("forecasted_loss_0_for_4") + 1]]
    inferences = row[column("inference_0") : column("inference_4") + 1]
    published = row[column("forecast_implied_inference_0")]
    loss = last[column("network_loss")]
    assert forecast.forecast_implied(inferences, forecasts, loss)[0] == pytest.approx(published, rel=1e-12)
    assert forecast.forecast_implied(inferences, forecasts, loss, Topic(p=p))[0] != pytest.approx(published, rel=1e-6)


def test_reference_values_are_met() -> None:
    figures = list(reference_scoring(REFERENCE))
    assert len(figures) == 36
    assert all(figure.ok for figure in figures), [figure for figure in figures if not figure.ok]


def test_the_chains_corner_is_the_limit_of_the_soft_one() -> None:
    stake, coefficients = [50_000.0, 100_000.0, 150_000.0], [0.25, 0.18, 0.63]
    soft = forecast.smooth_adjusted_stake(stake, coefficients, sharpness=1000.0)
    assert soft == pytest.approx(forecast.adjusted_stake(stake, coefficients), abs=1e-9)
    assert forecast.adjusted_stake(stake, coefficients) == pytest.approx([0.3, 0.432, 1.0])


WITHOUT_SCORES = [column for column in EPOCHS["columns"] if "score" not in column]


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"columns": 1, "epochs": []},
        {"columns": ["a"], "epochs": {"1": [1.0, 2.0]}},
        {"columns": ["target"], "epochs": {"1": [0.0]}},
        {"columns": WITHOUT_SCORES, "epochs": {"1": [1.0] * len(WITHOUT_SCORES)}},
    ],
)
def test_a_file_of_another_format_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(UnreadableCase, match="expected"):
        list(allora(broken))


@pytest.mark.parametrize("broken", [{"gaussian([0.5])": None}, {"cube([0.5])": [1.0]}, {"power([0.5])": [1.0]}])
def test_a_reference_of_another_format_is_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(UnreadableCase, match=r"numerai_tools_tests|no call"):
        list(reference_scoring({"numerai_tools_tests": broken}))


@pytest.mark.parametrize(("p", "c"), [(3.0, 0.75), (1.0, 0.0), (0.5, -2.0)])
def test_phi_prime_is_the_slope_of_phi(p: float, c: float) -> None:
    x, h = np.linspace(-20.0, 20.0, 401), 1e-5
    slope = (forecast.phi(x + h, p, c) - forecast.phi(x - h, p, c)) / (2.0 * h)
    assert forecast.phi_prime(x, p, c) == pytest.approx(slope, abs=1e-8)
    assert forecast.phi_prime([-1e308, 1e308], p, c) == pytest.approx([0.0, p])


@settings(deadline=None)
@given(regrets=REGRETS)
def test_more_regret_never_weighs_less_and_somebody_always_counts(regrets: Array) -> None:
    weights = forecast.regret_weights(regrets)
    assert ((weights >= 0.0) & (weights <= 3.0)).all()
    assert weights.sum() > 0.0
    assert (np.diff(weights[np.argsort(regrets, kind="stable")]) >= 0.0).all()


@settings(deadline=None)
@given(regrets=REGRETS, seed=st.integers(0, 99))
def test_a_combination_lies_between_those_it_combines(regrets: Array, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=regrets.size)
    assert values.min() - 1e-12 <= forecast.combined(values, regrets) <= values.max() + 1e-12


def test_a_round_is_learned_from_and_the_good_gain_weight() -> None:
    rng = np.random.default_rng(1)
    noise = np.array([0.05, 0.3, 1.0])
    regrets, loss = Regrets.none(3, 1), 0.0
    inferers = np.zeros(3)
    for _ in range(60):
        inferences = rng.normal(0.0, noise)
        forecasts = np.log(inferences**2 + 1e-6)[None]  # one who knows how wrong each will be
        made = forecast.synthesise(inferences, forecasts, loss, regrets)
        told = [made.network, made.naive, *inferences, *made.implied, *made.implied_one_out.ravel()]
        losses = Losses.split(np.log(np.square([*told, *made.one_out, *made.one_in]) + 1e-6), 3, 1)
        inferers = inferers + forecast.scores(losses)[0]
        regrets, loss = forecast.learned(regrets, losses), losses.network
    weights = forecast.regret_weights(regrets.workers)
    assert weights[0] > weights[1] > weights[2]
    assert weights[3] > weights[1]
    assert inferers[0] > inferers[2]


def test_without_forecasters_the_network_is_the_naive_one() -> None:
    made = forecast.synthesise([1.0, 2.0, 3.0], np.zeros((0, 3)), 0.0, Regrets.none(3, 0))
    assert made.network == made.naive == pytest.approx(2.0)
    assert made.one_out == pytest.approx([2.5, 2.0, 1.5])
    assert made.implied.size == made.one_in.size == made.implied_one_out.size == 0
    with pytest.raises(OutOfRange, match="1 inferer"):
        forecast.synthesise([1.0], np.zeros((0, 1)), 0.0, Regrets.none(1, 0))


def test_who_reports_against_all_others_is_turned_down_but_half_of_the_stake_is_heard() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(-3.0, 1.0, 30)
    reports = truth + rng.normal(0.0, 0.05, (5, 30))
    reports[4] += rng.normal(2.0, 2.0, 30)
    coefficients = np.ones(5)
    for _ in range(40):
        found = forecast.listen(reports, np.ones(5), coefficients)
        coefficients = found.coefficients
    assert coefficients[4] < coefficients[:4].min() - 0.2
    assert found.scores[4] < found.scores[:4].min()
    one_heard = forecast.listen(reports, [1.0, 1.0, 1.0, 1.0, 96.0], np.ones(5), rate=50.0)
    assert one_heard.coefficients @ np.array([1.0, 1.0, 1.0, 1.0, 96.0]) / 100.0 >= 0.5 - 1e-12


@settings(deadline=None)
@given(parts=PARTS)
def test_entropy_is_largest_where_all_share_alike_and_splitting_is_damped(parts: Array) -> None:
    even = np.full(parts.size, 1.0 / parts.size)
    assert 0.0 <= forecast.number_ratio(parts) <= parts.size * (1.0 + 1e-12)
    if parts.size > 1:
        assert forecast.task_entropy(parts) <= forecast.task_entropy(even) + 1e-12
    smooth = forecast.smoothed(parts, even, alpha=0.3)
    assert smooth.sum() == pytest.approx(1.0)


@settings(deadline=None)
@given(*[st.floats(0.01, 3.0)] * 3, st.floats(0.1, 0.5))
def test_utility_moves_reward_between_workers_and_never_from_reputers(f: float, g: float, h: float, chi: float) -> None:
    parts = forecast.task_fractions(f, g, h, chi)
    assert parts.sum() == pytest.approx(1.0)
    assert parts[2] == pytest.approx(h / (f + g + h))
    assert parts[1] / parts[0] == pytest.approx(chi * g / ((1.0 - chi) * f))


def test_forecasting_is_worth_a_tenth_when_it_harms_and_half_when_it_beats_the_best() -> None:
    assert forecast.forecast_utility(-9.0, [1.0, 2.0], ratio=0.0).utility == 0.1
    assert forecast.forecast_utility(90.0, [1.0, 2.0], ratio=0.0).utility == 0.5
    assert forecast.forecast_utility(1.0, [-1.0, 2.0], ratio=0.5, alpha=0.1).utility == pytest.approx(0.3)
    assert forecast.forecast_utility(0.0, [-1.0, 0.0], ratio=7.0) == forecast.Utility(7.0, 0.5)
    assert forecast.forecast_utility(-3.0, [-1.0], ratio=0.0, alpha=1.0).ratio == -1.0


def test_scores_are_paid_by_the_ramp_and_alike_where_they_do_not_differ() -> None:
    assert forecast.score_fractions([1.0, 1.0], [1.0, 1.0]) == pytest.approx([0.5, 0.5])
    paid = forecast.score_fractions([2.0, 1.0, -1.0], [2.0, 1.0, -1.0])
    assert paid[0] > 2.0 * paid[1] > 4.0 * paid[2] > 0.0
    # A task in which everybody does great harm, and about as much, still splits its reward.
    bad = forecast.score_fractions([-50.0, -50.1], [-50.0, -50.1])
    assert bad.sum() == pytest.approx(1.0)
    assert bad[0] > bad[1] > 0.0


def test_what_is_no_loss_is_refused_by_name() -> None:
    good = Losses.split(np.zeros(2 + 10 + 6 + 2), 3, 2)
    with pytest.raises(NotFinite, match=r"workers\[1\] is nan"):
        replace(good, workers=np.array([0.0, math.nan, 0.0, 0.0, 0.0]))
    with pytest.raises(WrongShape, match="one_in"):
        replace(good, one_in=np.zeros(3))
    with pytest.raises(WrongShape, match="row"):
        Losses.split(np.zeros(7), 3, 2)
    with pytest.raises(WrongShape, match="forecasts"):
        forecast.forecast_implied([1.0, 2.0], [[0.0, 0.0, 0.0]], 0.0)
    with pytest.raises(OutOfRange, match="epsilon is 0"):
        Topic(epsilon=0.0)
    with pytest.raises(OutOfRange, match="stakes sum to 0"):
        forecast.stake_weighted(np.ones((2, 3)), [0.0, 0.0])
