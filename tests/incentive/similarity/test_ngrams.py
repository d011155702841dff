# SPDX-License-Identifier: Apache-2.0
"""The text embedder: golden values that all validators must get, a second implementation, and scikit-learn's TF-IDF."""

from __future__ import annotations

import math
import time
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction import text as learn

from incentive.arrays import Array
from incentive.similarity import CharNgrams
from incentive.similarity.text import folded
from protocols.errors import OutOfRange, WrongShape

TEXTS = [
    "The capital is Paris.",
    "the capital of France is paris",
    "Reboot it, then read the logs",
    "banana banana ban",
]
CORPUS = [*TEXTS, "the logs", "Lyon is not the capital"]


def plain_embedding(text: str, low: int, high: int, width: int) -> Array:
    """The definition, one n-gram at a time in Python's own integers."""
    marked = f" {folded(text)} "
    counts: Counter[int] = Counter()
    for n in range(low, high + 1):
        for i in range(len(marked) - n + 1):
            gram = 0xCBF29CE484222325
            for character in marked[i : i + n]:
                gram = (gram ^ ord(character)) * 0x100000001B3 % 2**64
            gram = (gram ^ gram >> 33) * 0xFF51AFD7ED558CCD % 2**64
            gram = (gram ^ gram >> 33) * 0xC4CEB9FE1A85EC53 % 2**64
            counts[((gram ^ gram >> 33) >> 32) * 2 * width >> 32] += 1
    row = np.zeros(width)
    for feature, count in counts.items():
        row[feature // 2] += (-1) ** feature * (1.0 + math.log(count))
    return row / np.linalg.norm(row)


def test_the_embedding_of_a_text_never_changes() -> None:
    # Validators of different versions would disagree if it did: a change here is a change of protocol.
    row = CharNgrams().embed(["The capital is Paris."])[0]
    assert np.flatnonzero(row)[:8].tolist() == [40, 302, 318, 364, 389, 417, 428, 552]
    assert row[[40, 302, 318, 364]] == pytest.approx(1 / math.sqrt(58) * np.array([-1, -1, 1, 1]), abs=1e-12)
    other = CharNgrams().embed(["日本 🎉"])[0]
    assert np.flatnonzero(other).tolist() == [23, 1005, 1364, 1804, 1849, 1862, 2698, 3514, 3740]
    assert (3.0 * other[[23, 1005, 1364]]).tolist() == pytest.approx([-1.0, -1.0, 1.0])


@settings(deadline=None)
@given(st.text(st.sampled_from("abé日🎉\ud800\0 "), min_size=1, max_size=30).filter(lambda text: bool(text.strip())))
def test_the_embedding_is_its_definition(text: str) -> None:
    assert np.allclose(CharNgrams(1, 4, 999).embed([text])[0], plain_embedding(text, 1, 4, 999), atol=1e-12)


@pytest.mark.parametrize("fitted", [False, True])
def test_without_collisions_it_is_the_cosine_of_tf_idf(fitted: bool) -> None:
    oracle = learn.TfidfVectorizer(analyzer="char", ngram_range=(3, 5), sublinear_tf=True, use_idf=fitted)
    oracle.fit([f" {folded(text)} " for text in CORPUS])
    rows = oracle.transform([f" {folded(text)} " for text in TEXTS]).toarray()
    wide = CharNgrams(width=1 << 20)
    measure = wide.fit(CORPUS) if fitted else wide
    assert measure.matrix(TEXTS) == pytest.approx(rows @ rows.T, abs=1e-9)


def test_hashing_to_few_places_keeps_similarities_nearly() -> None:
    assert CharNgrams().matrix(TEXTS) == pytest.approx(CharNgrams(width=1 << 20).matrix(TEXTS), abs=0.05)


def test_a_row_depends_on_its_own_text_alone() -> None:
    answers = [f"{text} {i}" for i in range(20) for text in TEXTS] + ["", "x" * 100_000]
    rows = CharNgrams().embed(answers)
    for i in (0, 15, 16, 79, 80, 81):
        assert np.array_equal(CharNgrams().embed([answers[i]])[0], rows[i])


def test_rows_have_length_one_or_none() -> None:
    rows = CharNgrams().embed(["", "  \n", "a", "\0", "some words"])
    assert np.linalg.norm(rows, axis=1) == pytest.approx([0, 0, 1, 1, 1])
    assert CharNgrams().embed([]).shape == (0, 4096)


def test_case_width_and_white_space_make_no_difference_but_order_does() -> None:
    assert CharNgrams().sim("The  CAPITAL\nis \uff30aris ", "the capital is paris") == pytest.approx(1.0)
    assert CharNgrams().sim("man bites dog", "dog bites man") < 0.9


def test_a_paraphrase_is_nearer_than_another_answer() -> None:
    answer = "Water boils at 100 degrees Celsius at sea level."
    paraphrase, other = "At sea level, water boils at 100 °C.", "Reinstall the package from scratch."
    assert CharNgrams().sim(answer, paraphrase) > 0.5 > 0.1 > CharNgrams().sim(answer, other)


def test_a_window_edge_loses_and_doubles_nothing() -> None:
    # 65,536 code points are hashed at a time; a text longer than that has each n-gram once.
    text = "".join(chr(0x4E00 + i * 7919 % 20000) for i in range(70_000))
    assert np.allclose(CharNgrams(1, 3, 512).embed([text])[0], plain_embedding(text, 1, 3, 512), atol=1e-12)


def test_a_text_shorter_than_every_ngram_is_one_ngram() -> None:
    long = CharNgrams(low=6, high=8)
    assert long.sim("ab", "ab") == pytest.approx(1.0)
    assert long.sim("ab", "cd") == 0.0


def test_fitting_gives_a_new_embedder_that_weighs_the_rare_more() -> None:
    common = ["the answer is yes", "the answer is no", "the answer is maybe"]
    before = CharNgrams()
    after = before.fit(common)
    assert before.idf is None
    assert after.sim("the answer is yes", "the answer is no") < before.sim("the answer is yes", "the answer is no")
    assert after.idf is not None
    with pytest.raises(ValueError, match="read-only"):
        after.idf[0] = 0.0


@pytest.mark.parametrize(("low", "high", "width"), [(0, 5, 10), (4, 3, 10), (3, 5, 0), (3, 5, 1 << 25)])
def test_an_impossible_embedder_is_refused(low: int, high: int, width: int) -> None:
    with pytest.raises(OutOfRange):
        CharNgrams(low, high, width)


def test_weights_must_fit_the_features() -> None:
    with pytest.raises(WrongShape, match=r"\(5,\), expected \(8192,\)"):
        CharNgrams(idf=np.ones(5))
    with pytest.raises(OutOfRange, match="0 texts"):
        CharNgrams().fit([])


@pytest.mark.serial
def test_a_full_network_of_answers_is_embedded_at_once() -> None:
    rng = np.random.default_rng(0)
    letters = np.array(list("abcdefghijklmnop      "))
    answers = ["".join(rng.choice(letters, 500)) for _ in range(256)]
    CharNgrams().embed(answers[:2])
    begun = time.perf_counter()
    CharNgrams().embed(answers)
    assert time.perf_counter() - begun < 0.5
