# SPDX-License-Identifier: Apache-2.0
"""Measures of shared words: published examples, sums worked by hand, and scikit-learn's Jaccard."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics

from incentive.similarity import Exact, Jaccard, MinHash, Rouge, RougeL, Similarity, TokenF1
from incentive.similarity.words import squad_normal
from protocols.errors import OutOfRange

CAT = ("the cat sat on the mat", "the cat was on the mat")


@pytest.mark.parametrize(
    ("measure", "a", "b", "score"),
    [
        # Lin, "ROUGE: A Package for Automatic Evaluation of Summaries" (2004), section 3.1: S1 with S2 and S3.
        (RougeL(), "police killed the gunman", "police kill the gunman", 3 / 4),
        (RougeL(), "police killed the gunman", "the gunman kill police", 2 / 4),
        # google-research/google-research, rouge/rouge_scorer_test.py
        (Rouge(1), "testing", "testing one two", 1 / 2),
        (Rouge(2), "testing one", "testing one two", 2 / 3),
        (RougeL(), "testing one", "testing one two", 4 / 5),
        (Rouge(1), *CAT, 5 / 6),
        (Rouge(2), *CAT, 3 / 5),
        (RougeL(), *CAT, 5 / 6),
        (Rouge(1), "a a a b", "a a c", 4 / 7),
        (Rouge(2), "one", "one", 0.0),
        (Rouge(1), "", "", 0.0),
        (RougeL(), "", "", 0.0),
        # rajpurkar/SQuAD-explorer, evaluate-v2.0.py: 2 shared of 2 and 3 words; no answer agrees with no answer only.
        (TokenF1(), "The Eiffel Tower", "Eiffel tower, Paris", 4 / 5),
        (TokenF1(), "the", "", 1.0),
        (TokenF1(), "", "Paris", 0.0),
        (TokenF1(), "two two", "two", 2 / 3),
        (Exact(), "An apple.", "apple", 1.0),
        (Exact(), "apples", "apple", 0.0),
        (Exact(), "“Paris”", "paris!", 1.0),
        # shingles of three: 2 and 2, one shared
        (Jaccard(3), "a b c d", "z b c d", 1 / 3),
        (Jaccard(1), "a b", "b c a", 2 / 3),
        (Jaccard(3), "a b", "A, B", 1.0),
        (Jaccard(1), "", "", 0.0),
    ],
)
def test_scores_are_those_worked_by_hand(measure: Similarity[str], a: str, b: str, score: float) -> None:
    assert measure.sim(a, b) == pytest.approx(score, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("The  A an Theory", "theory"), ("U.S.A.", "usa"), ("it's $5", "its 5"), ("«Ça» va ?", "ça va"), ("a", "")],
)
def test_short_answers_are_normalised_as_squad_does(text: str, expected: str) -> None:
    assert squad_normal(text) == expected


def test_jaccard_is_scikit_learns() -> None:
    rng = np.random.default_rng(5)
    has = rng.random((12, 20)) < 0.4
    texts = [" ".join(f"w{k}" for k in np.flatnonzero(row)) for row in has]
    expected = [[metrics.jaccard_score(a, b) for b in has] for a in has]
    assert Jaccard(1).matrix(texts) == pytest.approx(np.array(expected), abs=1e-12)


def test_minhash_estimates_jaccard_within_its_error() -> None:
    rng = np.random.default_rng(6)
    texts = [" ".join(f"w{k}" for k in np.flatnonzero(rng.random(200) < p)) for p in (0.1, 0.3, 0.5, 0.7, 0.9)]
    error = MinHash(1, 1024).matrix(texts) - Jaccard(1).matrix(texts)
    assert np.abs(error).max() < 4 * np.sqrt(0.25 / 1024)
    assert abs(error[np.triu_indices(5, 1)].mean()) < 0.02


def test_minhash_knows_clones_and_silence() -> None:
    assert MinHash().matrix(["a b c d", "", "a b c d"], ["A b; c d", ""]).tolist() == [
        [1.0, 0.0],
        [0.0, 0.0],
        [1.0, 0.0],
    ]
    assert MinHash().matrix([], ["a"]).shape == (0, 1)


def test_signatures_never_change() -> None:
    # Validators of different versions would disagree if they did.
    expected = [6738612390813905048, 1770006799391242268, 5278582807819651745]
    assert MinHash().signatures(["one two three four"])[0, :3].tolist() == expected


def test_a_text_is_shingled_whole_however_long() -> None:
    long = " ".join(str(i) for i in range(20_000))
    assert MinHash(3, 8).sim(long, long + " end") > 0.8
    assert Jaccard().sim(long, long + " end") == pytest.approx(19_998 / 19_999)


@pytest.mark.parametrize("make", [lambda: Rouge(0), lambda: Jaccard(0), lambda: MinHash(0), lambda: MinHash(3, 0)])
def test_a_run_of_no_words_is_refused(make: type[Rouge]) -> None:
    with pytest.raises(OutOfRange, match="is 0, expected 1 or more"):
        make()
