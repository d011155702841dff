# SPDX-License-Identifier: Apache-2.0
"""Measures of numbers against their definitions: integrals done by force, the normal distribution of scipy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.arrays import Array
from incentive.similarity.measure import Similarity
from incentive.similarity.numeric import Crps, Forecast, Gaussian, LogRatio, RelativeError, cramer, crps, interval_score
from protocols.errors import NotFinite, OutOfRange, WrongShape

ANY = st.floats(allow_nan=False, allow_infinity=False)
SAMPLES = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=12).map(np.array)
GAUSSIANS = st.builds(Gaussian, st.floats(-1e6, 1e6), st.floats(0.0, 1e6))
NUMBERS: list[Similarity[float | Array]] = [RelativeError(), LogRatio()]


@pytest.mark.parametrize("measure", NUMBERS, ids=lambda measure: measure.name)
@settings(deadline=None)
@given(a=ANY.map(abs), b=ANY.map(abs))
def test_numbers_are_alike_from_0_to_1_both_ways_and_1_to_themselves(
    measure: Similarity[float | Array], a: float, b: float
) -> None:
    assert 0.0 <= measure.sim(a, b) == measure.sim(b, a) <= 1.0
    assert measure.sim(a, a) == 1.0


@pytest.mark.parametrize("measure", [*NUMBERS, Crps()], ids=lambda measure: measure.name)
@pytest.mark.parametrize("bad", [math.nan, math.inf, np.array([1.0, math.nan])])
def test_what_is_no_number_is_refused_by_name(measure: Similarity[Forecast], bad: float | Array) -> None:
    with pytest.raises(NotFinite, match=r"is (nan|inf), expected a finite number"):
        measure.sim(bad, 1.0)


def test_relative_error_is_a_part_of_the_larger_number() -> None:
    measure = RelativeError()
    assert measure.sim(90.0, 100.0) == pytest.approx(0.9)
    assert measure.sim(-1.0, 1.0) == 0.0
    assert measure.sim(1.7e308, -1.7e308) == 0.0
    assert measure.sim(0.0, 5.0) == 0.0


def test_below_the_floor_noise_about_zero_is_no_error() -> None:
    assert RelativeError(floor=1.0).sim(0.001, -0.001) == pytest.approx(0.998)
    assert RelativeError().sim(0.001, -0.001) == 0.0


def test_log_ratio_is_the_smaller_over_the_larger_to_the_power_of_one_over_the_scale() -> None:
    assert LogRatio().sim(50.0, 100.0) == pytest.approx(0.5)
    assert LogRatio(scale=2.0).sim(50.0, 100.0) == pytest.approx(math.sqrt(0.5))
    assert LogRatio().sim(0.0, 1e-300) == 0.0
    assert LogRatio().sim(0.0, 0.0) == 1.0
    with pytest.raises(OutOfRange, match="expected 0 or more"):
        LogRatio().sim(-1.0, 1.0)


def test_arrays_are_compared_place_by_place_and_one_number_with_all_places() -> None:
    measure = RelativeError()
    assert measure.sim(np.array([90.0, 0.0]), np.array([100.0, 1.0])) == pytest.approx(0.45)
    assert measure.sim(100.0, np.array([100.0, 50.0])) == pytest.approx(0.75)
    with pytest.raises(WrongShape, match=r"\(2,\) and \(3,\)"):
        measure.sim(np.ones(2), np.ones(3))


@pytest.mark.parametrize("scale", [0.0, -1.0, math.nan, math.inf])
def test_a_scale_must_be_a_positive_number(scale: float) -> None:
    for build in (RelativeError, LogRatio, Crps):
        with pytest.raises(OutOfRange, match="more than 0"):
            build(scale)


@settings(deadline=None)
@given(samples=SAMPLES, observed=st.floats(-1e6, 1e6))
def test_the_crps_of_an_ensemble_is_its_double_sum(samples: Array, observed: float) -> None:
    spread = np.abs(samples[:, None] - samples[None, :]).mean() / 2.0
    assert crps(samples, observed) == pytest.approx(np.abs(samples - observed).mean() - spread, rel=1e-9, abs=1e-6)


@pytest.mark.parametrize(("mean", "sd", "observed"), [(0.0, 1.0, 0.3), (-2.0, 0.5, 1.0), (10.0, 4.0, 10.0)])
def test_the_crps_of_a_gaussian_is_the_integral_of_the_squared_gap(mean: float, sd: float, observed: float) -> None:
    x = np.linspace(mean - 12 * sd - abs(observed - mean), mean + 12 * sd + abs(observed - mean), 800_001)
    gap = (scipy.stats.norm(mean, sd).cdf(x) - (x >= observed)) ** 2
    assert crps(Gaussian(mean, sd), observed) == pytest.approx(np.trapezoid(gap, x), abs=1e-4 * sd)


@settings(deadline=None)
@given(mean=st.floats(-100, 100), sd=st.floats(0.01, 100), observed=st.floats(-100, 100))
def test_the_crps_of_a_gaussian_has_its_published_closed_form(mean: float, sd: float, observed: float) -> None:
    z = (observed - mean) / sd
    normal = scipy.stats.norm
    closed = sd * (z * (2 * normal.cdf(z) - 1) + 2 * normal.pdf(z) - 1 / math.sqrt(math.pi))
    assert crps(Gaussian(mean, sd), observed) == pytest.approx(closed, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(a=SAMPLES | GAUSSIANS, b=SAMPLES | GAUSSIANS)
def test_forecasts_are_alike_from_0_to_1_both_ways_and_1_to_themselves(a: Forecast, b: Forecast) -> None:
    measure = Crps(scale=3.0)
    assert 0.0 < measure.sim(a, b) <= 1.0
    assert measure.sim(a, b) == pytest.approx(measure.sim(b, a), abs=1e-9)
    assert measure.sim(a, a) == pytest.approx(1.0, abs=1e-9)


def test_a_gaussian_is_the_limit_of_its_own_quantiles() -> None:
    quantiles = scipy.stats.norm(3.0, 2.0).ppf((np.arange(20_000) + 0.5) / 20_000)
    assert cramer(Gaussian(3.0, 2.0), quantiles) == pytest.approx(0.0, abs=1e-4)
    assert crps(quantiles, 1.0) == pytest.approx(crps(Gaussian(3.0, 2.0), 1.0), abs=1e-4)


def test_a_certain_forecast_pays_its_distance_and_a_score_of_the_scale_is_worth_half() -> None:
    assert crps(1.0, 3.0) == crps(Gaussian(1.0, 0.0), 3.0) == 2.0
    assert Crps(scale=2.0).sim(1.0, 3.0) == 0.5


@pytest.mark.parametrize("far", [np.array([1.7e308, -1.7e308]), Gaussian(1.7e308, 1.7e308), 5e-324])
def test_no_finite_forecast_makes_a_nan(far: Forecast) -> None:
    for other in (-1.7e308, 0.0, far):
        assert 0.0 <= Crps().sim(far, other) <= 1.0


def test_a_wrong_interval_pays_its_width_and_its_miss() -> None:
    scores = interval_score([10.0, 10.0, 10.0], [20.0, 20.0, 20.0], [15.0, 22.0, 9.5], alpha=0.1)
    assert scores == pytest.approx([10.0, 50.0, 20.0])
    with pytest.raises(OutOfRange, match=r"lower exceeds upper at \[1\]"):
        interval_score([0.0, 2.0], [1.0, 1.0], [0.0, 0.0], alpha=0.1)
    with pytest.raises(OutOfRange, match="alpha"):
        interval_score(0.0, 1.0, 0.0, alpha=1.0)


def test_the_honest_quantiles_pay_least_of_all_intervals() -> None:
    world = np.random.default_rng(5).normal(size=20_000)
    honest = interval_score(-1.2816, 1.2816, world, alpha=0.2).mean()
    assert honest < min(interval_score(-w, w, world, alpha=0.2).mean() for w in (0.8, 1.1, 1.5, 2.0))


@pytest.mark.parametrize("measure", [RelativeError(), LogRatio(), Crps()], ids=lambda measure: measure.name)
def test_the_baseline_of_numbers_is_zero_and_each_others_values(measure: Similarity[float | Array]) -> None:
    references: list[float | Array] = [float(value) for value in 10.0 ** np.arange(-9, 10)]
    nothing = measure.baseline(references, np.random.default_rng(1))
    assert nothing.chance < 0.7
    assert nothing == measure.baseline(references, np.random.default_rng(1))


def test_a_vector_is_shuffled_within_itself() -> None:
    vector = np.arange(1.0, 9.0)
    noise = RelativeError().shuffled(vector, np.random.default_rng(2))
    assert sorted(np.atleast_1d(noise)) == list(vector)
    assert RelativeError().baseline([vector], np.random.default_rng(2)).shuffled < 0.8
