# SPDX-License-Identifier: Apache-2.0
"""The protocol: what a measure gets for stating `sim` alone or `embed` alone, and what chance is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.arrays import Array
from incentive.similarity import Baseline, Embedded, Rouge, RougeL, Similarity, Subtracted, TokenF1, baseline
from incentive.similarity.measure import distinct, pairwise, spectral
from protocols.errors import NotFinite, OutOfRange, RewardError, WrongShape


class Near(Similarity[float]):
    """States `sim` alone; counts how often it is asked."""

    name = "near"

    def __init__(self) -> None:
        self.asked = 0

    def sim(self, a: float, b: float) -> float:
        self.asked += 1
        return 1.0 / (1.0 + abs(a - b))


class Direction(Embedded[float]):
    """States `embed` alone: an angle in turns."""

    name = "direction"
    lowest = -1.0

    def embed(self, items: Sequence[float]) -> Array:
        angle = 2.0 * np.pi * np.asarray(items, dtype=np.float64).reshape(-1, 1)
        return np.hstack([np.cos(angle), np.sin(angle)])


class Rows(Embedded[float]):
    """Gives back the rows it was made with."""

    name = "rows"

    def __init__(self, rows: Array) -> None:
        self.rows = rows

    def embed(self, items: Sequence[float]) -> Array:
        return self.rows


items = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0, 3.0, 10.0]), max_size=8)


@given(items, items)
def test_a_matrix_holds_the_similarity_of_every_pair(a: list[float], b: list[float]) -> None:
    expected = np.array([[Near().sim(x, y) for y in b] for x in a]).reshape(len(a), len(b))
    assert np.array_equal(Near().matrix(a, b), expected)


def test_clones_are_compared_once_and_have_one_row() -> None:
    near = Near()
    square = near.matrix([1.0, 5.0, 1.0, 1.0])
    assert near.asked == 3  # 1-1, 1-5, 5-5
    assert np.array_equal(square[0], square[2])
    assert np.array_equal(square, square.T)


@settings(deadline=None)
@given(items)
def test_a_measure_without_vectors_gets_rows_whose_inner_products_are_its_similarities(values: list[float]) -> None:
    rows = Near().embed(values)
    assert rows.shape[0] == len(values)
    assert rows @ rows.T == pytest.approx(Near().matrix(values), abs=1e-9)


def test_rows_of_clones_are_equal_to_the_last_bit() -> None:
    rows = Near().embed([3.0, 1.0, 3.0, 10.0, 3.0])
    assert np.array_equal(rows[0], rows[2])
    assert np.array_equal(rows[0], rows[4])


def test_similarities_that_no_vectors_have_keep_their_diagonal_and_stay_within_one() -> None:
    impossible = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.9], [0.0, 0.9, 1.0]])
    inner = spectral(impossible) @ spectral(impossible).T
    assert np.diagonal(inner) == pytest.approx(1.0)
    assert np.abs(inner).max() <= 1.0 + 1e-12
    assert inner == pytest.approx(impossible, abs=0.2)


@pytest.mark.parametrize("square", [np.zeros((0, 0)), np.zeros((3, 3)), -np.eye(2)])
def test_similarity_to_nothing_embeds_as_zeros(square: Array) -> None:
    assert not spectral(square).any()
    assert len(spectral(square)) == len(square)


def test_a_measure_with_vectors_gets_its_similarities_from_them() -> None:
    assert Direction().sim(0.0, 0.5) == pytest.approx(-1.0)
    assert Direction().matrix([0.0, 0.25], [0.0, 0.5, 0.25]) == pytest.approx(
        np.array([[1, -1, 0], [0, 0, 1]]), abs=1e-9
    )
    assert Direction().matrix([], [0.5]).shape == (0, 1)
    assert Direction().matrix([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("rows", "error"),
    [(np.array([[np.nan]]), NotFinite), (np.zeros(1), WrongShape), (np.zeros((2, 1)), WrongShape)],
)
def test_an_embedder_that_gives_no_rows_is_refused(rows: Array, error: type[RewardError]) -> None:
    with pytest.raises(error, match="rows embedding"):
        Rows(rows).matrix([1.0])


def test_rows_of_two_lengths_are_refused() -> None:
    class Wider(Embedded[int]):
        name = "wider"

        def embed(self, items: Sequence[int]) -> Array:
            return np.ones((len(items), items[0]))

    with pytest.raises(WrongShape, match="of 2 with vectors of 3"):
        Wider().sim(2, 3)


@pytest.mark.parametrize(
    "values",
    [
        [np.array([1.0, 2.0]), np.array([3.0]), np.array([1.0, 2.0])],
        [[1.0, [2.0]], [3.0], [1.0, [2.0]]],
        ["a", "b", "a"],
    ],
)
def test_repeated_items_of_any_kind_are_found(values: Sequence[object]) -> None:
    kept, at = distinct(values)
    assert len(kept) == 2
    assert at.tolist() == [0, 1, 0]


def test_what_python_calls_equal_but_is_of_another_type_is_kept_apart() -> None:
    assert len(distinct([1, 1.0, True])[0]) == 3


def test_a_comparison_against_others_keeps_which_is_the_answer_and_which_the_reference() -> None:
    assert pairwise(lambda a, b: a - b, [1.0], [3.0, 4.0]).tolist() == [[-2.0, -3.0]]


def test_the_baseline_is_what_silence_and_noise_earn() -> None:
    rng = np.random.default_rng(1)
    # Rouge-1 does not see the order, rouge-2 sees nothing in "b a" of "a b".
    assert Rouge(1).baseline(["a b", "c d e"], rng) == Baseline(empty=0.0, shuffled=1.0)
    measured = baseline(Rouge(2), ["a b", "a b"], empty="a b", shuffle=lambda text, _: text[::-1], rng=rng)
    assert measured == Baseline(empty=1.0, shuffled=0.0)
    assert measured.chance == 1.0


def test_a_baseline_is_the_same_for_the_same_generator() -> None:
    texts = ["one two three four five six", "seven eight nine ten eleven"]
    first, second = (RougeL().baseline(texts, np.random.default_rng(7)) for _ in range(2))
    assert first == second
    assert 0.0 < first.shuffled < 1.0


def test_a_baseline_needs_references_and_a_known_empty_answer() -> None:
    with pytest.raises(OutOfRange, match="0 references"):
        Rouge().baseline([], np.random.default_rng(0))
    with pytest.raises(RewardError, match="near does not say what an empty answer is"):
        Near().baseline([1.0], np.random.default_rng(0))
    with pytest.raises(OutOfRange, match="empty baseline is nan"):
        Baseline(empty=float("nan"), shuffled=0.0)


def test_less_chance_a_noise_answer_earns_nothing_and_a_full_one_all() -> None:
    honest = Subtracted(Near(), Baseline(empty=0.1, shuffled=0.5))
    assert honest.name == "near-less-chance"
    # near gives 1, 1/2, 1/3 and 4/5
    assert honest.matrix([0.0], [0.0, 1.0, 2.0, 0.25]).tolist() == [pytest.approx([1.0, 0.0, 0.0, 0.6])]
    assert honest.sim(0.0, 0.25) == pytest.approx(0.6)
    words = Subtracted(Rouge(2), Baseline(empty=0.0, shuffled=0.2))
    assert words.empty() == ""
    assert sorted(words.shuffled("a b c", np.random.default_rng(0)).split()) == ["a", "b", "c"]


def test_a_measure_that_gives_noise_full_marks_cannot_be_subtracted() -> None:
    measured = TokenF1().baseline(["Paris in France"], np.random.default_rng(0))
    with pytest.raises(OutOfRange, match=r"token-f1 gives 1\.0") as caught:
        Subtracted(TokenF1(), measured)
    assert "blind to order" in caught.value.help
