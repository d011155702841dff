# SPDX-License-Identifier: Apache-2.0
"""Every step from scores to weights gives shares, treats all places alike, and silence is decided by name."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from incentive.arrays import Array
from incentive.weights import (
    Burn,
    Hold,
    Policy,
    Refuse,
    Uniform,
    clip_share,
    floor,
    min_count,
    normalise,
    power,
    top_k,
    weigh,
)
from protocols.errors import NotFinite, NothingToWeigh, OutOfRange, WrongShape

SCORES = npst.arrays(np.float64, st.integers(1, 12), elements=st.just(0.0) | st.floats(0, 1e300))
TAME = npst.arrays(np.float64, st.integers(1, 12), elements=st.just(0.0) | st.floats(1e-6, 1))
STEPS: list[Callable[[Array], Array]] = [
    normalise,
    lambda w: power(w, 2.5),
    lambda w: power(w, 0.0),
    lambda w: top_k(w, 3),
    lambda w: clip_share(w, 1.0 if w.shape[-1] == 1 else 2.0 / (w.shape[-1] + 1)),
    lambda w: min_count(w, (w.shape[-1] + 1) // 2),
    floor,
]
steps = pytest.mark.parametrize(
    "step", STEPS, ids=["normalise", "power", "flat", "top_k", "clip", "min_count", "floor"]
)


@steps
@given(scores=SCORES)
@settings(deadline=None, max_examples=40)
def test_a_step_gives_shares_of_one_or_nothing(step: Callable[[Array], Array], scores: Array) -> None:
    before = scores.copy()
    weights = step(scores)
    np.testing.assert_array_equal(scores, before)
    assert ((weights >= 0.0) & (weights <= 1.0 + 1e-12)).all()
    assert weights.sum() == pytest.approx(1.0 if scores.any() else 0.0, abs=1e-9)


@steps
@given(scores=TAME, exponent=st.integers(-60, 60))
@settings(deadline=None, max_examples=40)
def test_only_proportions_count(step: Callable[[Array], Array], scores: Array, exponent: int) -> None:
    np.testing.assert_allclose(step(np.ldexp(scores, exponent)), step(scores), rtol=1e-12)


@steps
@given(scores=npst.arrays(np.float64, 8, elements=st.floats(0.01, 1), unique=True), order=st.permutations(range(8)))
@settings(deadline=None, max_examples=40)
def test_miners_who_change_places_change_weights(
    step: Callable[[Array], Array], scores: Array, order: list[int]
) -> None:
    np.testing.assert_allclose(step(scores[order]), step(scores)[order], atol=1e-12)


@steps
@given(scores=TAME)
@settings(deadline=None, max_examples=40)
def test_a_better_score_never_weighs_less(step: Callable[[Array], Array], scores: Array) -> None:
    rising = np.argsort(scores, kind="stable")
    # Read from the right: among equals the lower index may be the one that is kept.
    falling = rising[::-1]
    best_first = step(scores[falling])
    assert (np.diff(best_first) <= 1e-12).all()


@steps
def test_rows_are_weighed_one_by_one(step: Callable[[Array], Array]) -> None:
    scores = np.array([[0.0, 0.3, 0.3, 0.9], [0.0, 0.0, 0.0, 0.0], [1.0, 0.0, 0.0, 0.0]])
    np.testing.assert_allclose(step(scores), [step(row) for row in scores], atol=1e-15)


@steps
def test_a_score_that_is_no_number_or_below_zero_is_refused(step: Callable[[Array], Array]) -> None:
    with pytest.raises(NotFinite, match=r"weights\[1\] is nan"):
        step(np.array([1.0, np.nan]))
    with pytest.raises(OutOfRange, match=r"weights\[1\] is -1"):
        step(np.array([1.0, -1.0]))


def test_among_equals_the_lower_index_stays() -> None:
    assert top_k([1.0, 2.0, 2.0, 2.0], 2).tolist() == [0.0, 0.5, 0.5, 0.0]


def test_a_power_sharpens_and_leaves_zero_alone() -> None:
    np.testing.assert_allclose(power([1.0, 3.0, 0.0], 2.0), [0.1, 0.9, 0.0])
    assert power([1.0, 3.0, 0.0], 0.0).tolist() == [0.5, 0.5, 0.0]


@given(scores=TAME, limit=st.floats(0.01, 1))
@settings(deadline=None, max_examples=40)
def test_nobody_exceeds_the_limit_and_whoever_is_below_keeps_its_proportion(scores: Array, limit: float) -> None:
    if limit * scores.size < 1.0:
        with pytest.raises(OutOfRange, match=f"for {scores.size} miners"):
            clip_share(scores, limit)
        return
    weights = clip_share(scores, limit)
    assert weights.max() <= limit
    assert weights.sum() == pytest.approx(1.0 if scores.any() else 0.0)
    below = (weights < limit * (1.0 - 1e-9)) & (scores > 0.0)
    ratios = weights[below] / scores[below]
    np.testing.assert_allclose(ratios, ratios[:1].repeat(ratios.size), rtol=1e-9)
    if below.any():  # nobody is cut to the limit who would fit below it
        at_limit = ~below & (scores > 0.0)
        assert (scores[at_limit] * ratios[0] >= limit * (1.0 - 1e-9)).all()


def test_what_those_with_weight_may_not_take_goes_evenly_to_the_others() -> None:
    np.testing.assert_allclose(clip_share([9.0, 1.0, 0.0, 0.0], 0.3), [0.3, 0.3, 0.2, 0.2])


@pytest.mark.parametrize("n", [3, 7, 10, 49, 98])
def test_a_limit_of_one_over_n_gives_everybody_the_same_in_spite_of_rounding(n: int) -> None:
    np.testing.assert_allclose(clip_share(np.arange(1.0, n + 1), 1.0 / n), np.full(n, 1.0 / n))


def test_as_many_as_wanted_have_weight_and_none_overtakes_a_better_one() -> None:
    weights = min_count([0.0, 1.0, 0.0, 1e-9, 0.0], 4)
    assert np.flatnonzero(weights).tolist() == [0, 1, 2, 3]
    assert weights[0] == weights[2] == weights[3] == pytest.approx(weights[1] / 65_535)
    assert min_count([0.0, 1.0, 1e-9], 2).tolist() == normalise([0.0, 1.0, 1e-9]).tolist()


@pytest.mark.parametrize(
    "call",
    [
        lambda: top_k([1.0], 0),
        lambda: power([1.0], -1.0),
        lambda: min_count([1.0], 2),
        lambda: min_count([1.0], -1),
        lambda: clip_share([1.0], 0.0),
        lambda: clip_share([1.0, 1.0], 1.5),
    ],
)
def test_a_setting_that_cannot_work_is_refused(call: Callable[[], Array]) -> None:
    with pytest.raises(OutOfRange):
        call()


def test_a_single_number_is_no_vector() -> None:
    with pytest.raises(WrongShape, match="single number"):
        normalise(1.0)


@pytest.mark.parametrize(
    ("nothing", "weights"),
    [
        (Burn(2), [0.0, 0.0, 1.0]),
        (Uniform(), [1 / 3, 1 / 3, 1 / 3]),
        (Hold(np.array([3.0, 1.0, 0.0])), [0.75, 0.25, 0.0]),
    ],
)
def test_silence_means_what_the_policy_says_and_only_then(nothing: Policy, weights: list[float]) -> None:
    assert weigh([0.0, 0.0, 0.0], nothing=nothing).tolist() == pytest.approx(weights)
    assert weigh([0.0, 1.0, 1.0], nothing=nothing).tolist() == [0.0, 0.5, 0.5]
    both = weigh([[0.0, 0.0, 0.0], [0.0, 1.0, 1.0]], nothing=nothing)
    np.testing.assert_allclose(both, [weights, [0.0, 0.5, 0.5]])


def test_who_refuses_to_guess_gets_an_error_that_says_what_to_choose_from() -> None:
    assert weigh([1.0, 3.0], nothing=Refuse()).tolist() == [0.25, 0.75]
    with pytest.raises(NothingToWeigh, match="none of 2 miners") as refused:
        weigh([0.0, 0.0], nothing=Refuse())
    assert "hold" in refused.value.help


@pytest.mark.parametrize(
    ("nothing", "error", "message"),
    [
        (Burn(2), OutOfRange, "uid 2 is not among 2"),
        (Burn(-1), OutOfRange, "uid -1"),
        (Hold(np.ones(3)), WrongShape, r"\(3,\), expected \(2,\)"),
        (Hold(np.zeros(2)), NothingToWeigh, "last weights"),
        (Hold(np.array([1.0, np.nan])), NotFinite, "last weights"),
    ],
)
def test_a_policy_that_does_not_fit_says_so(nothing: Policy, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        weigh([0.0, 0.0], nothing=nothing)


def test_scores_are_shaped_by_the_steps_that_the_designer_names() -> None:
    weights = weigh([1.0, 2.0, 3.0], nothing=Refuse(), shape=lambda scores: clip_share(power(scores, 2.0), 0.5))
    np.testing.assert_allclose(weights, [0.1, 0.4, 0.5])
    with pytest.raises(WrongShape, match="shaped scores"):
        weigh([1.0, 2.0], nothing=Refuse(), shape=lambda scores: scores[:1])
