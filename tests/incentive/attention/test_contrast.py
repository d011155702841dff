# SPDX-License-Identifier: Apache-2.0
"""Contrast pays for reading the question, and the crowd's reference is moved neither by clones nor by oneself."""

from __future__ import annotations

import numpy as np
import pytest

from incentive.arrays import Array
from incentive.attention import (
    contrast,
    contrast_gate,
    contrast_quality,
    crowd_reference,
    moving_contrast,
    others_reference,
)
from incentive.attention.kernels import unit_rows
from protocols.errors import OutOfRange, WrongShape


@pytest.fixture
def answers() -> Array:
    rng = np.random.default_rng(3)
    return np.asarray(unit_rows("x", rng.normal(size=(6, 32)) + 0.5))


def test_the_contrast_is_agreement_less_agreement_with_other_tasks() -> None:
    a = contrast([[3.0, 4.0], [0.0, 0.0]], [0.0, 2.0], [[5.0, 0.0], [0.0, -1.0]])
    assert a == pytest.approx([0.8 - (0.6 - 0.8) / 2, 0.0])
    assert contrast_quality([[1.0, 0.0]], [0.0, 1.0], [[1.0, 0.0]]).tolist() == [0.0]


def test_of_several_sets_of_others_the_one_that_leaves_least_counts(answers: Array) -> None:
    reference, one, other = answers[0], answers[1:3], answers[3:]
    first, second = (contrast_quality(answers, reference, others) for others in (one, other))
    assert not np.array_equal(first, second)
    assert np.array_equal(contrast_quality(answers, reference, one, other), np.minimum(first, second))
    with pytest.raises(WrongShape):
        contrast_quality(answers, reference, one, np.zeros((0, answers.shape[1])))


@pytest.mark.parametrize("seed", range(5))
def test_answers_that_ignore_the_question_earn_exactly_nothing_over_all_tasks(seed: int) -> None:
    rng = np.random.default_rng(seed)
    references = rng.normal(size=(17, 12)) + 1.0  # with much in common
    constant = rng.normal(size=(4, 12)) + 1.0
    earned = [contrast(constant, e, np.delete(references, t, 0)) for t, e in enumerate(references)]
    assert np.mean(earned, axis=0) == pytest.approx(np.zeros(4), abs=1e-12)


def test_the_gate_closes_for_whoever_is_not_better_than_chance_on_average() -> None:
    history = [[0.5, 0.3, -0.2], [0.5, -0.3, 0.1]]
    average = moving_contrast(history, 0.5)
    assert average == pytest.approx([0.375, -0.075, 0.0])
    assert contrast_gate(average) == pytest.approx([1.0, 0.0, 0.0])
    assert contrast_gate([-1.0, 0.0]).tolist() == [0.0, 0.0]


def test_clones_do_not_move_the_crowd(answers: Array) -> None:
    cloned = np.concatenate([answers, np.repeat(answers[:1], 50, 0)])
    assert crowd_reference(cloned) == pytest.approx(crowd_reference(answers), abs=1e-12)
    assert others_reference(cloned)[:6] == pytest.approx(others_reference(answers), abs=1e-12)


def test_nobody_vouches_for_itself_nor_its_clones_for_it(answers: Array) -> None:
    twins = np.concatenate([answers, answers[:1]])
    rest = unit_rows("rest", answers[1:].sum(axis=0, keepdims=True))[0]
    seen = others_reference(twins)
    assert seen[0] == pytest.approx(rest)
    assert np.array_equal(seen[0], seen[-1])


def test_a_near_copy_cannot_vouch_either(answers: Array) -> None:
    near = answers[:1] + 0.01 * answers[1:2]  # well within the sharp band
    seen = others_reference(np.concatenate([answers, near]))
    assert seen[0] == pytest.approx(unit_rows("rest", answers[1:].sum(axis=0, keepdims=True))[0])


def test_a_voice_weighs_its_prior(answers: Array) -> None:
    prior = np.array([9.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    assert crowd_reference(answers, prior=prior) == pytest.approx(
        unit_rows("sum", (prior[:, None] * answers).sum(axis=0, keepdims=True))[0]
    )


@pytest.mark.parametrize("x", [[[1.0, 0.0]], [[1.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 0.0]]])
def test_without_another_answer_there_is_no_reference(x: list[list[float]]) -> None:
    assert np.array_equal(others_reference(x)[-1], [0.0, 0.0])


def test_answers_that_cancel_leave_no_direction() -> None:
    turns = 2.0 * np.pi * np.arange(3) / 3.0 + 0.1
    assert np.array_equal(crowd_reference(np.column_stack([np.cos(turns), np.sin(turns)])), [0.0, 0.0])


def test_contrast_needs_another_task_and_matching_shapes() -> None:
    with pytest.raises(WrongShape, match="expected 1 or more"):
        contrast([[1.0, 0.0]], [1.0, 0.0], np.zeros((0, 2)))
    with pytest.raises(WrongShape, match=r"\(1, 2\), \(1, 3\)"):
        contrast([[1.0, 0.0]], [1.0, 0.0, 0.0], [[1.0, 0.0]])
    with pytest.raises(WrongShape):
        moving_contrast([0.1, 0.2], 0.1)
    with pytest.raises(OutOfRange):
        moving_contrast([[0.1, 0.2]], 0.0)
