# SPDX-License-Identifier: Apache-2.0
"""The kernels: equal rows are equal to the last bit, any scale is taken, and what is no similarity is refused."""

from __future__ import annotations

import numpy as np
import pytest

from incentive.arrays import Array
from incentive.attention import Attention, attention_reward
from incentive.attention.kernels import broad_kernel, cosines, directions, sharp_kernel, unit_rows
from protocols.errors import NotFinite, OutOfRange, WrongShape


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("d", [1, 3, 33, 384])
def test_clones_have_the_same_kernel_rows_to_the_last_bit(dtype: type[np.floating], d: int) -> None:
    rng = np.random.default_rng(d)
    x = np.asarray(rng.normal(size=(60, d)), dtype=dtype)
    clones = np.arange(0, 60, 3)
    x[clones] = x[0]
    near = attention_reward(np.asfortranarray(x), np.ones(60)).kernels
    for kernel in (near.sharp, near.broad):
        rows = np.array([near.row(kernel, int(i)) for i in clones])
        assert np.array_equal(rows, np.repeat(rows[:1], len(clones), 0))
        assert np.all(rows[:, clones] == 1.0)


def test_a_negative_zero_and_another_power_of_two_make_no_other_answer() -> None:
    rows, group = directions("x", [[0.0, 3.0], [-0.0, 3.0], [0.0, 12.0], [0.0, -3.0], [0.0, 0.0], [-0.0, 0.0]])
    assert len(rows) == 3
    assert group[0] == group[1] == group[2]
    assert group[4] == group[5]


def test_rows_whose_bits_have_one_sum_are_still_told_apart() -> None:
    rows, group = directions("x", [[1.0, 0.5], [0.5, 1.0], [1.0, 0.5]])
    assert len(rows) == 2
    assert group[0] == group[2] != group[1]


@pytest.mark.parametrize("scale", [1e-320, 1e-300, 1.0, 1e300])
def test_unit_rows_have_length_one_at_any_scale(scale: float) -> None:
    rows = unit_rows("x", np.array([[3.0, 4.0], [0.0, 0.0]]) * scale)
    assert rows == pytest.approx(np.array([[0.6, 0.8], [0.0, 0.0]]), abs=1e-3 if scale < 1e-300 else 1e-15)


def test_rows_of_length_one_are_taken_as_they_are_and_give_what_any_scale_gives() -> None:
    x = unit_rows("x", np.random.default_rng(5).normal(size=(40, 384)) + 1.0)
    x[7], x[9], x[11] = x[3], 0.0, -0.0
    assert np.shares_memory(unit_rows("x", x), x)
    taken, scaled = (attention_reward(rows, np.linspace(0.0, 1.0, 40)) for rows in (x, 3.0 * x))
    assert len(taken.kernels.sharp) == len(scaled.kernels.sharp) == 38
    assert taken.kernels.same == pytest.approx(scaled.kernels.same, abs=1e-12)
    assert taken.reward == pytest.approx(scaled.reward, abs=1e-12)


def test_a_row_too_small_to_be_squared_is_not_taken_for_an_empty_one() -> None:
    rows = unit_rows("x", np.array([[0.6, 0.8], [1e-200, 0.0], [0.0, 0.0]]))
    assert rows == pytest.approx(np.array([[0.6, 0.8], [1.0, 0.0], [0.0, 0.0]]))


def test_kernels_that_were_asked_for_before_pay_as_the_answers_do() -> None:
    x, q = np.random.default_rng(6).normal(size=(30, 16)) + 1.0, np.linspace(0.0, 1.0, 30)
    x[4] = x[2]
    rule = Attention(tau0=0.5, tau1=0.9)
    near = rule.kernels(x)
    assert np.array_equal(attention_reward(near, q, rule=rule).reward, attention_reward(x, q, rule=rule).reward)
    assert near.same.shape == (30, 30)
    assert near.same[4, 2] == near.same[2, 4] == 1.0
    assert np.array_equal(near.same[4], near.same[2])


def test_the_matrix_product_stays_in_single_precision_and_the_cosines_do_not() -> None:
    rows = unit_rows("x", np.eye(3, dtype=np.float32))
    assert rows.dtype == np.float32
    assert cosines(rows).dtype == np.float64


def test_the_sharp_kernel_rises_smoothly_from_nought_to_one() -> None:
    s = np.full((5, 5), 0.0)
    s[0] = [0.0, 0.85, 0.90, 0.95, 1.0]
    assert sharp_kernel(s, 0.85, 0.95)[0, 1:] == pytest.approx([0.0, 0.5, 1.0, 1.0])
    assert np.all(np.diagonal(sharp_kernel(s, 0.85, 0.95)) == 1.0)


def test_the_broad_kernel_is_never_below_the_sharp_one() -> None:
    sharp = np.array([[1.0, 0.9, 0.0]])
    assert broad_kernel(np.array([[1.0, 0.75, 0.4]]), sharp, 0.5, 2.0) == pytest.approx(np.array([[1.0, 0.9, 0.0]]))
    assert broad_kernel(np.array([[0.75]]), np.zeros((1, 1)), 0.5, 2.0) == pytest.approx(0.25)


def test_a_window_takes_the_place_of_the_cosine_in_the_sharp_kernel_only() -> None:
    x, apart = [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.eye(3)
    paid = attention_reward(x, [1.0, 1.0, 1.0], window=apart)
    assert paid.share.tolist() == [1.0, 1.0, 1.0]
    assert paid.attention.tolist() == [0.5, 0.5, 1.0]  # still one region
    apart[0, 2] = apart[2, 0] = 0.97
    assert attention_reward(x, [1.0, 1.0, 1.0], window=apart).share.tolist() == [0.5, 1.0, 0.5]


def test_equal_answers_of_different_histories_still_share_a_region_exactly() -> None:
    x = np.repeat(np.random.default_rng(0).normal(size=(2, 33)) * [[1.0], [0.0]], 3, 0)
    near = attention_reward(x, np.ones(6), window=np.eye(6)).kernels
    assert np.array_equal(near.broad, np.kron(np.eye(2), np.ones((3, 3))))
    assert np.array_equal(near.sharp, np.eye(6))


@pytest.mark.parametrize("prior", [5e-324, 1e-300, 1.0, 1.7e308])
def test_priors_of_any_size_divide_an_answer(prior: float) -> None:
    paid = attention_reward(np.ones((3, 2)), np.full(3, 0.3), prior=[prior, prior, 0.0])
    assert paid.share == pytest.approx([0.5, 0.5, 0.0])


def test_inputs_stay_as_they_were() -> None:
    x, q, window = np.array([[3.0, 4.0], [1.0, 0.0]]), np.array([0.5, 1.0]), np.eye(2)
    before = [array.copy() for array in (x, q, window)]
    attention_reward(x, q, window=window).quality[0] = 0.0
    assert all(np.array_equal(a, b) for a, b in zip((x, q, window), before, strict=True))


def test_nobody_asked_is_nobody_paid() -> None:
    assert attention_reward(np.zeros((0, 3)), []).weights.shape == (0,)


@pytest.mark.parametrize(
    ("x", "q", "window", "error", "said"),
    [
        ([[1.0, np.nan]], [1.0], None, NotFinite, "embeddings[0, 1] is nan"),
        ([1.0, 2.0], [1.0], None, WrongShape, "(2,)"),
        ([[], []], [1.0, 1.0], None, WrongShape, "(2, 0)"),
        ([[1.0]], [1.0, 1.0], None, WrongShape, "(2,), expected (1,)"),
        ([[1.0]], [1.1], None, OutOfRange, "1.1, expected 0 to 1"),
        ([[1.0], [2.0]], [1.0, 1.0], [[1.0]], WrongShape, "(1, 1), expected (2, 2)"),
        ([[1.0], [2.0]], [1.0, 1.0], [[1.0, 0.0], [-1.5, 1.0]], OutOfRange, "window[1, 0] is -1.5"),
    ],
)
def test_what_is_no_answer_no_quality_or_no_similarity_is_refused_by_name(
    x: Array, q: Array, window: Array | None, error: type[Exception], said: str
) -> None:
    with pytest.raises(error) as caught:
        attention_reward(x, q, window=window)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "parameters",
    [
        {"tau0": 0.95, "tau1": 0.85},
        {"tau0": 0.9, "tau1": 0.9},
        {"tau1": 1.1},
        {"c0": 1.0},
        {"p": 0.0},
        {"gamma": -1.0},
        {"beta": -0.1},
    ],
)
def test_parameters_that_mean_nothing_are_refused(parameters: dict[str, float]) -> None:
    with pytest.raises(OutOfRange):
        Attention(**parameters)
    with pytest.raises(NotFinite):
        Attention(gamma=float("nan"))


def test_a_steep_value_is_exponential_and_cannot_overflow() -> None:
    q = np.array([0.0, 0.5, 1.0])
    assert Attention(beta=5.0).value(q) == pytest.approx(np.expm1(5.0 * q) / np.expm1(5.0))
    assert Attention(beta=1e5).value(q).tolist() == [0.0, 0.0, 1.0]
    assert Attention(beta=1e-12).value(q) == pytest.approx(q)
    assert Attention(beta=5e-324).value(q).tolist() == q.tolist()
