# SPDX-License-Identifier: Apache-2.0
"""What every measure of texts keeps: range, symmetry, identity, clones, strange texts, and one value everywhere."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incentive.similarity import (
    CharNgrams,
    Damerau,
    Exact,
    Jaccard,
    Levenshtein,
    MinHash,
    Rouge,
    RougeL,
    Similarity,
    TokenF1,
)
from incentive.similarity.text import folded, mixed, shuffled_words, words

MEASURES: list[Similarity[str]] = [
    CharNgrams(width=256),
    Rouge(1),
    Rouge(2),
    RougeL(),
    TokenF1(),
    Exact(),
    Jaccard(),
    MinHash(permutations=16),
    Levenshtein(),
    Levenshtein(limit=3),
    Damerau(),
]
every_measure = pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: str(measure.name))
STRANGE = ["", " \t\n", "\0", "\ud800", "🎉👩‍👩‍👧", "ﷺ", "é", "e\u0301", "the", "...", "İ", "日本語 です", "a" * 3000]
texts = st.text(st.sampled_from("ab AB.é日\ud800\0"), max_size=12)


@every_measure
@settings(deadline=None, max_examples=40)
@given(st.lists(texts, max_size=5), st.lists(texts, max_size=4))
def test_similarity_is_symmetric_in_range_and_the_same_one_by_one(
    measure: Similarity[str], a: list[str], b: list[str]
) -> None:
    table = measure.matrix(a, b)
    assert table.shape == (len(a), len(b))
    assert np.all((table >= measure.lowest) & (table <= 1.0))
    assert np.allclose(measure.matrix(b, a).T, table, atol=1e-12)
    assert np.allclose(measure.matrix(a), measure.matrix(a, a), atol=1e-12)
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            assert measure.sim(x, y) == pytest.approx(table[i, j], abs=1e-12)


@every_measure
def test_a_text_with_words_enough_is_one_with_itself(measure: Similarity[str]) -> None:
    assert measure.sim("one two three", "one two three") == pytest.approx(1.0)


@every_measure
def test_a_text_has_nothing_in_common_with_silence(measure: Similarity[str]) -> None:
    assert measure.sim(measure.empty(), "one two three") == 0.0


@every_measure
def test_clones_have_the_same_rows_to_the_last_bit(measure: Similarity[str]) -> None:
    answers = ["one two three", "two four", "one two three", "five", "one two three", "two two one three"]
    table = measure.matrix(answers)
    rows = measure.embed(answers)
    for clone in (2, 4):
        assert np.array_equal(table[0], table[clone])
        assert np.array_equal(table[:, 0], table[:, clone])
        assert np.array_equal(rows[0], rows[clone])


@every_measure
def test_strange_texts_are_read_without_complaint(measure: Similarity[str]) -> None:
    table = measure.matrix(STRANGE)
    assert np.isfinite(table).all()
    assert np.isfinite(measure.embed(STRANGE)).all()


@every_measure
def test_a_shuffled_text_holds_the_same_words(measure: Similarity[str]) -> None:
    shuffled = measure.shuffled("a b\0  c\ud800 d", np.random.default_rng(3))
    assert sorted(shuffled.split(" ")) == ["a", "b\0", "c\ud800", "d"]


def test_similarities_are_the_same_in_every_process() -> None:
    program = """
import sys
from incentive.similarity import CharNgrams, Jaccard, MinHash, Rouge
texts = ["The capital is Paris.", "the capital of France", "日本 🎉 \\ud800"]
print(CharNgrams().embed(texts).tobytes().hex()[:4096], [m.matrix(texts).tolist() for m in
      (CharNgrams().fit(texts), MinHash(1), Jaccard(1), Rouge(1))])
"""
    outputs = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat's 2 hats, don't!", ("the", "cat", "s", "2", "hats", "don", "t")),
        ("snake_case", ("snake", "case")),
        ("Über ЖЮЩ", ("über", "жющ")),
        ("東京は2020", ("東", "京", "は", "2020")),
        ("\0\ud800🎉", ()),
    ],
)
def test_words_are_runs_of_letters_and_digits_of_any_script(text: str, expected: tuple[str, ...]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  A \t B\n", "a b"),
        ("\uff26\uff35\uff2c\uff2c", "full"),
        ("e\u0301", "é"),
        ("Straße", "strasse"),
        ("ﬁt\u00a0x", "fit x"),
        ("", ""),
    ],
)
def test_folding_removes_what_does_not_change_the_meaning(text: str, expected: str) -> None:
    assert folded(text) == expected


@given(st.text(st.sampled_from("aE\u0301\u0323 \u00a0ﬁ가ᄀ"), max_size=30))
def test_a_long_text_is_folded_like_a_short_one(text: str) -> None:
    filler = "x" * 1000 + " " + "y" * 1000
    assert folded(f"{text} {filler}") == f"{folded(text)} {filler}".strip()


def test_a_megabyte_of_combining_marks_takes_no_quadratic_time() -> None:
    assert len(folded("\u0301\u0323" * 250_000)) == 500_000


def test_shuffling_keeps_a_single_word() -> None:
    assert shuffled_words("word", np.random.default_rng(0)) == "word"


def test_mixing_is_the_finaliser_of_murmurhash3() -> None:
    assert mixed(np.array([0, 1], dtype=np.uint64)).tolist() == [0, 0xB456BCFC34C2CB2C]
