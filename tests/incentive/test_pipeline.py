# SPDX-License-Identifier: Apache-2.0
"""A reward made of several terms: right, bounded, the same for whoever stands where, and told stage by stage."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from incentive.arrays import Array
from incentive.pipeline import Combined, Pipeline
from protocols.errors import NotFinite, OutOfRange, WrongShape

PIPELINE = Pipeline(rewards={"quality": 0.7, "speed": 0.3}, masks=("format", "diversity"))
NAMES = ("quality", "speed", "format", "diversity")
TERMS = npst.arrays(np.float64, st.tuples(st.just(4), st.integers(1, 8)), elements=st.floats(0, 1))


def combined(terms: Array) -> Combined:
    return PIPELINE.combine(dict(zip(NAMES, terms, strict=True)))


@given(TERMS)
@settings(deadline=None, max_examples=50)
def test_a_reward_is_the_weighted_mean_times_every_mask(terms: Array) -> None:
    quality, speed, form, diversity = terms
    result = combined(terms)
    np.testing.assert_allclose(result.rewards, (0.7 * quality + 0.3 * speed) * form * diversity, atol=1e-15)
    assert ((result.rewards >= 0.0) & (result.rewards <= result.mean) & (result.mean <= 1.0)).all()


@given(TERMS, st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=50)
def test_miners_who_change_places_change_rewards(terms: Array, random: Random) -> None:
    order = random.sample(range(terms.shape[1]), terms.shape[1])
    np.testing.assert_array_equal(combined(terms[:, order]).rewards, combined(terms).rewards[order])


@given(st.dictionaries(st.sampled_from("abcdefg"), st.floats(1e-3, 1e3), min_size=1, max_size=9))
@settings(deadline=None, max_examples=50)
def test_only_the_proportions_of_weights_count_and_perfect_answers_get_at_most_one(weights: dict[str, float]) -> None:
    ones = {name: np.ones(2) for name in weights}
    once = Pipeline(weights).combine(ones).rewards
    twice = Pipeline({name: 2.0 * weight for name, weight in weights.items()}).combine(ones).rewards
    np.testing.assert_array_equal(once, twice)
    assert 1.0 - 1e-12 <= once[0] <= 1.0


def test_the_best_of_a_bad_batch_is_not_paid_in_full() -> None:
    assert Pipeline({"quality": 1.0}).combine({"quality": [0.01, 0.02]}).rewards.tolist() == [0.01, 0.02]


def test_a_miner_who_asks_is_told_every_stage() -> None:
    told = combined(np.array([[0.5, 1.0], [1.0, 1.0], [1.0, 1.0], [0.5, 1.0]])).explain(0)
    assert str(told) == "miner 0: (0.7 x quality 0.5 + 0.3 x speed 1 = 0.65) x format 1 x diversity 0.5 = 0.325"
    plain = told.to_dict()
    assert plain["reward"] == pytest.approx(0.325)
    assert [stage["name"] for stage in plain["stages"]] == list(NAMES)
    assert plain["stages"][3] == {"name": "diversity", "kind": "mask", "weight": 1.0, "value": 0.5}


def test_what_is_kept_does_not_change_with_the_callers_arrays() -> None:
    quality = np.array([0.5])
    result = Pipeline({"quality": 1.0}).combine({"quality": quality})
    quality[0] = 0.0
    assert result.stages[0].values.tolist() == result.rewards.tolist() == [0.5]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_term_that_is_no_number_is_refused_by_its_name_and_miner(name: str, bad: float) -> None:
    terms = {other: np.ones(3) for other in NAMES}
    terms[name][2] = bad
    with pytest.raises(NotFinite, match=rf"{name} of miner\[2\]"):
        PIPELINE.combine(terms)


def test_a_term_outside_of_zero_to_one_or_of_another_length_is_refused() -> None:
    with pytest.raises(OutOfRange, match=r"quality of miner\[1\] is 1\.5"):
        Pipeline({"quality": 1.0}).combine({"quality": [1.0, 1.5]})
    with pytest.raises(WrongShape, match=r"speed has shape \(3,\), expected \(2,\)"):
        Pipeline({"quality": 1.0, "speed": 1.0}).combine({"quality": [1.0, 1.0], "speed": [1.0, 1.0, 1.0]})


def test_a_misspelt_term_is_refused_with_the_one_that_was_meant() -> None:
    with pytest.raises(WrongShape, match="'qualty' is not one of") as refused:
        PIPELINE.combine({"qualty": [1.0]})
    assert refused.value.help == "did you mean 'quality'?"


def test_a_missing_term_is_refused_by_name() -> None:
    with pytest.raises(WrongShape, match="'diversity' is missing"):
        PIPELINE.combine({"quality": [1.0], "speed": [1.0], "format": [1.0]})


@pytest.mark.parametrize(
    ("rewards", "masks", "error", "message"),
    [
        ({}, (), OutOfRange, "sum to 0"),
        ({"quality": 0.0}, (), OutOfRange, "sum to 0"),
        ({"quality": -1.0}, (), OutOfRange, "is -1.0"),
        ({"quality": np.nan}, (), NotFinite, "is nan"),
        ({"quality": 1.0}, ("quality",), WrongShape, "named 2 times"),
        ({"quality": 1.0}, ("format", "format"), WrongShape, "named 2 times"),
    ],
)
def test_a_pipeline_that_cannot_work_is_refused_when_it_is_made(
    rewards: dict[str, float], masks: tuple[str, ...], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        Pipeline(rewards, masks)


@pytest.mark.parametrize("miner", [-1, 1])
def test_a_miner_that_did_not_answer_cannot_be_explained(miner: int) -> None:
    with pytest.raises(OutOfRange, match="not among 1"):
        Pipeline({"quality": 1.0}).combine({"quality": [1.0]}).explain(miner)
