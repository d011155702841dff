# SPDX-License-Identifier: Apache-2.0
"""The tracker tells copiers from honest miners, by hotkey, whoever comes and goes."""

from __future__ import annotations

import json

import numpy as np
import pytest

from incentive.arrays import Array
from incentive.attention import Attention, SimilarityTracker, attention_reward
from incentive.attention.draws import across, directions, toward
from protocols.errors import NotFinite, OutOfRange, WrongShape

HOTKEYS = ["original", "copier", *(f"honest {i}" for i in range(6))]


def answered(rng: np.random.Generator, tasks: int = 32) -> tuple[Array, Array]:
    """References (T, d), and answers (T, 8, d) at cosine .866, of which the second paraphrases the first at .85."""
    references = directions(rng, tasks, 64)
    x = toward(references[:, None], across(rng, references, 8), np.sqrt(0.75))
    x[:, 1] = toward(x[:, 0], across(rng, x[:, 0], 1)[:, 0], 0.85)
    return references, x


@pytest.fixture
def seen() -> SimilarityTracker:
    tracker = SimilarityTracker()
    for reference, x in zip(*answered(np.random.default_rng(0)), strict=True):
        tracker.update(HOTKEYS, x, reference)
    return tracker


def test_a_paraphraser_stands_out_from_honest_miners(seen: SimilarityTracker) -> None:
    s = seen.matrix(HOTKEYS)
    honest = s[2:, 2:][~np.eye(6, dtype=bool)]
    assert s[0, 1] > 0.3
    assert np.abs(honest).max() < 0.1
    assert np.array_equal(s, s.T)
    assert np.all(np.diagonal(s) == 1.0)


def test_a_window_pays_the_paraphraser_and_its_victim_as_one(seen: SimilarityTracker) -> None:
    _, x = answered(np.random.default_rng(1), 1)
    alone = attention_reward(x[0], np.ones(8)).share
    window = attention_reward(x[0], np.ones(8), window=seen.matrix(HOTKEYS), rule=Attention.windowed()).share
    assert alone[0] > 0.9
    assert window[:2].sum() == pytest.approx(1.0, abs=0.05)
    assert window[2:] == pytest.approx(np.ones(6))


def test_miners_are_known_by_hotkey_and_not_by_place(seen: SimilarityTracker) -> None:
    order = np.random.default_rng(2).permutation(8)
    assert np.array_equal(seen.matrix([HOTKEYS[i] for i in order]), seen.matrix(HOTKEYS)[np.ix_(order, order)])
    assert np.array_equal(seen.matrix(["newcomer", "original"]), np.eye(2))


def test_only_pairs_asked_together_learn_of_each_other() -> None:
    tracker = SimilarityTracker(n0=1.0)
    tracker.update(["a", "b"], [[1.0, 0.5, 0.0], [1.0, 0.5, 0.0]], [1.0, 0.0, 0.0])
    tracker.update(["b", "c"], [[1.0, 0.5, 0.0], [1.0, 0.0, 0.5]], [1.0, 0.0, 0.0])
    assert tracker.matrix(["a", "b", "c"]) == pytest.approx(np.array([[1.0, 0.5, 0.0], [0.5, 1.0, 0.0], [0, 0, 1]]))
    assert tracker.pairs(["a", "b", "c"]).tolist() == [[0, 1, 0], [1, 0, 1], [0, 1, 0]]


@pytest.mark.parametrize("n", [1, 4, 50])
def test_few_queries_prove_little(n: int) -> None:
    tracker = SimilarityTracker(n0=4.0)
    for _ in range(n):
        tracker.update(["a", "b"], [[1.0, 0.5], [1.0, 0.2]], [1.0, 0.0])
    assert tracker.matrix(["a", "b"])[0, 1] == pytest.approx(n / (n + 4.0))


def test_the_first_queries_are_averaged_and_later_ones_forgotten_slowly() -> None:
    tracker = SimilarityTracker(eta=0.25, n0=0.0)
    for sign in (1.0, 1.0, -1.0, -1.0, -1.0):
        tracker.update(["a", "b"], [[1.0, 0.5], [1.0, 0.5 * sign]], [1.0, 0.0])
    assert tracker.matrix(["a", "b"])[0, 1] == pytest.approx(0.75 * 0.0 + 0.25 * -1.0)


def test_being_right_proves_nothing() -> None:
    tracker = SimilarityTracker(n0=0.0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        reference = rng.normal(size=16)
        right = [reference, reference * (1.0 + 1e-15), reference + 0.5 * rng.normal(size=16)]
        tracker.update(["a", "b", "c"], right, reference)
    assert np.array_equal(tracker.matrix(["a", "b", "c"]), np.eye(3))
    assert tracker.pairs(["a", "b"]).tolist() == [[0, 0], [0, 0]]


def test_who_is_forgotten_starts_anew(seen: SimilarityTracker) -> None:
    seen.forget("copier")
    seen.forget("nobody")
    assert seen.matrix(["original", "copier"])[0, 1] == 0.0
    assert "copier" not in seen.hotkeys
    seen.update(["fresh"], [[1.0] + [0.0] * 63], [1.0] * 64)  # it takes the place that became free
    similar = seen.matrix(["fresh", *HOTKEYS[2:], "original"])
    assert not similar[0, 1:].any()
    assert not similar[1:, 0].any()


def test_memory_is_bounded_and_the_least_recently_asked_goes_first() -> None:
    tracker = SimilarityTracker(capacity=20, n0=0.0)
    rng = np.random.default_rng(0)
    for step in range(100):
        tracker.update([f"{step}", "always", "too"], rng.normal(size=(3, 4)), rng.normal(size=4))
    assert tracker.hotkeys == (*(f"{step}" for step in range(82, 99)), "always", "too", "99")
    assert tracker.pairs(["always", "too"])[0, 1] == 100
    assert len(tracker.to_dict()["pairs"]) == 20 * 19 // 2


def test_it_survives_json_and_goes_on_as_before(seen: SimilarityTracker) -> None:
    again = SimilarityTracker.from_dict(json.loads(json.dumps(seen.to_dict())))
    assert np.array_equal(again.matrix(HOTKEYS), seen.matrix(HOTKEYS))
    references, x = answered(np.random.default_rng(5), 3)
    for tracker in (seen, again):
        for reference, answers in zip(references, x, strict=True):
            tracker.update(HOTKEYS[::-1], answers, reference)
    assert np.array_equal(again.matrix(HOTKEYS), seen.matrix(HOTKEYS))
    assert again.hotkeys == seen.hotkeys
    assert again.to_dict() == seen.to_dict()


def test_what_does_not_fit_is_refused_before_anything_is_learnt() -> None:
    tracker = SimilarityTracker(capacity=2)
    with pytest.raises(WrongShape, match="do not fit"):
        tracker.update(["a"], [[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0])
    with pytest.raises(WrongShape, match="'a' is named 2 times"):
        tracker.update(["a", "a"], [[1.0, 0.0], [0.0, 1.0]], [1.0, 0.0])
    with pytest.raises(NotFinite):
        tracker.update(["a"], [[np.inf, 0.0]], [1.0, 0.0])
    with pytest.raises(OutOfRange, match="3 hotkeys exceed the capacity 2"):
        tracker.update(["a", "b", "c"], np.eye(3), np.ones(3))
    assert tracker.hotkeys == ()
    state = tracker.to_dict() | {"hotkeys": ["a", "b"], "similarity": [2.0], "pairs": [1]}
    with pytest.raises(OutOfRange):
        SimilarityTracker.from_dict(state)
    for wrong in ({"eta": 0.0}, {"n0": -1.0}, {"capacity": 0}):
        with pytest.raises(OutOfRange):
            SimilarityTracker.from_dict(state | wrong)
