# SPDX-License-Identifier: Apache-2.0
"""Similarity by an encoder: what is asked of it, what is remembered, and what of its answers is refused."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.arrays import Array
from incentive.similarity.sentence import Sentences
from protocols.errors import NotFinite, OutOfRange, WrongShape

TEXTS = ["the cat sat", "a dog ran", "", "the cat sat", " \n"]


class Hashing:
    """A text's vector is the sum of its words' vectors, each drawn by a hash of the word."""

    name = "hashing"

    def __init__(self, width: int = 16, scale: float = 1.0) -> None:
        self.width = width
        self.scale = scale
        self.asked: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> Array:
        self.asked.append(list(texts))
        return self.scale * np.array([sum(map(self._word, text.split()), np.zeros(self.width)) for text in texts])

    def _word(self, word: str) -> Array:
        seed = int.from_bytes(blake2b(word.encode("utf-8", "surrogatepass")).digest()[:8], "big")
        return np.random.default_rng(seed).normal(size=self.width).astype(np.float32).astype(np.float64)


def test_texts_that_share_words_are_nearer() -> None:
    same, near, far = Sentences(Hashing(64)).matrix(["the cat sat"], ["sat the cat", "the cat ran", "a dog ran"])[0]
    assert same == pytest.approx(1.0)
    assert same > near > 0.3 > far


def test_rows_have_length_one_whatever_the_encoder_gives() -> None:
    lengths = [np.linalg.norm(Sentences(Hashing(scale=scale)).embed(["a b"])) for scale in (1e-200, 1.0, 1e200)]
    assert lengths == pytest.approx([1.0, 1.0, 1.0], abs=1e-15)


def test_a_text_without_content_is_like_nothing_and_is_never_encoded() -> None:
    encoder = Hashing()
    measure = Sentences(encoder)
    assert measure.sim("", "") == measure.sim(measure.empty(), "a dog") == measure.sim(" \t", "a dog") == 0.0
    assert not measure.embed(TEXTS)[[2, 4]].any()
    assert all(text.strip() for asked in encoder.asked for text in asked)


def test_a_text_is_encoded_once_in_a_batch_and_not_again_in_the_next() -> None:
    encoder = Hashing()
    measure = Sentences(encoder)
    first = measure.embed(TEXTS)
    assert encoder.asked == [["the cat sat", "a dog ran"]]
    assert measure.embed(["a bird", *TEXTS])[1:].tolist() == first.tolist()
    assert encoder.asked[1:] == [["a bird"]]


def test_the_texts_used_last_are_the_ones_kept() -> None:
    encoder = Hashing()
    measure = Sentences(encoder, capacity=2)
    for text in ("a", "b", "a", "c", "a", "b"):
        measure.embed([text])
    assert encoder.asked == [["a"], ["b"], ["c"], ["b"]]


@pytest.mark.parametrize("capacity", [0, 3])
def test_a_batch_larger_than_the_memory_is_still_answered_whole(capacity: int) -> None:
    texts = [f"word{i} of {i}" for i in range(10)]
    small = Sentences(Hashing(), capacity=capacity)
    for _ in range(2):
        assert small.embed(texts).tolist() == Sentences(Hashing()).embed(texts).tolist()


def test_a_caller_who_changes_the_rows_changes_no_later_ones() -> None:
    measure = Sentences(Hashing())
    rows = measure.embed(TEXTS)
    kept = rows.copy()
    rows[:] = 7.0
    assert measure.embed(TEXTS).tolist() == kept.tolist()


@settings(deadline=None)
@given(st.lists(st.text(max_size=8), max_size=8))
def test_similarities_stay_within_their_range_for_any_texts(texts: list[str]) -> None:
    measure = Sentences(Hashing(), capacity=4)
    s = measure.matrix([*texts, "\ud800 half"])
    assert s.shape == (len(texts) + 1, len(texts) + 1)
    assert np.all((measure.lowest <= s) & (s <= 1.0))
    assert s == pytest.approx(s.T, abs=1e-12)


def test_no_texts_have_no_similarities() -> None:
    measure = Sentences(Hashing())
    assert measure.matrix([]).shape == (0, 0)
    assert measure.matrix([""], ["a dog"]).tolist() == [[0.0]]


class Broken(Hashing):
    """Gives what it was told to give."""

    def __init__(self, rows: list[list[float]]) -> None:
        super().__init__()
        self.rows = rows

    def encode(self, texts: Sequence[str]) -> Array:
        return np.array(self.rows)


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_refused_by_its_text_and_not_kept(number: float) -> None:
    encoder = Broken([[1.0, 0.0], [0.0, number]])
    measure = Sentences(encoder)
    with pytest.raises(NotFinite, match=rf"hashing gave {number} at \[1\] for the text 'a dog', expected a finite"):
        measure.embed(["a cat", "a dog"])
    encoder.rows = [[3.0, 4.0], [0.0, 1.0]]
    assert measure.embed(["a cat", "a dog"]).tolist() == [[0.6, 0.8], [0.0, 1.0]]


@pytest.mark.parametrize("rows", [[[1.0, 0.0]], [[1.0], [1.0], [1.0]], []])
def test_a_wrong_number_of_vectors_is_refused(rows: list[list[float]]) -> None:
    with pytest.raises(WrongShape, match="hashing gave rows of shape"):
        Sentences(Broken(rows)).embed(["a cat", "a dog"])


def test_an_encoder_that_changes_its_width_is_refused() -> None:
    encoder = Hashing(16)
    measure = Sentences(encoder)
    measure.embed(["a cat"])
    encoder.width = 8
    with pytest.raises(WrongShape, match=r"shape \(1, 8\), expected \(1, 16\)"):
        measure.embed(["a dog"])


def test_a_negative_capacity_is_refused() -> None:
    with pytest.raises(OutOfRange, match="capacity is -1"):
        Sentences(Hashing(), capacity=-1)


def test_the_measure_is_named_for_its_encoder() -> None:
    assert Sentences(Hashing()).name == "sentence-hashing"
