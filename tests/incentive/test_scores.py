# SPDX-License-Identifier: Apache-2.0
"""Scores follow identities: nobody inherits, nobody loses by not being asked, and a stored book is read with care."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from incentive.arrays import Array
from incentive.scores import MovingScores, ScoreBook, WindowScores, moving_average
from incentive.weights import power
from protocols.errors import NotFinite, OutOfRange, RewardError, UnreadableCase, WrongShape

UNIT = st.floats(0, 1)
WORDS = st.sampled_from(["format", "rule", "settings", "latest", "entries", ""])
ROUNDS = st.lists(st.dictionaries(st.sampled_from("abcdef"), UNIT), max_size=8)
BOOKS: list[Callable[[], ScoreBook]] = [
    lambda: MovingScores(0.3, half_life=5, grace=2),
    lambda: WindowScores(3, half_life=5.0),
]
books = pytest.mark.parametrize("make", BOOKS, ids=["moving", "window"])


def played(book: ScoreBook, rounds: list[dict[str, float]]) -> ScoreBook:
    for at, earned in enumerate(rounds):
        book.update(list(earned), list(earned.values()), at=at)
    return book


@given(npst.arrays(np.float64, (2, 5), elements=UNIT), npst.arrays(np.bool_, 5), st.floats(0.001, 1))
@settings(deadline=None, max_examples=40)
def test_only_those_asked_move_and_never_past_their_reward(pair: Array, asked: Any, alpha: float) -> None:
    scores, rewards = pair
    moved = moving_average(scores, rewards, asked, alpha)
    np.testing.assert_array_equal(moved[~asked], scores[~asked])
    slack = 1e-15
    assert (moved >= np.minimum(scores, rewards) - slack).all()
    assert (moved <= np.maximum(scores, rewards) + slack).all()
    assert ((moved >= 0.0) & (moved <= 1.0)).all()


def test_a_newcomer_starts_at_zero_and_moves_by_alpha() -> None:
    book = MovingScores(0.1)
    book.update(["a"], [1.0], at=1)
    assert book.scores(["a", "nobody"]).tolist() == [0.1, 0.0]
    assert book.counts(["a", "nobody"]).tolist() == [1, 0]


def test_a_window_is_the_mean_of_the_last_rewards() -> None:
    book = played(WindowScores(3), [{"a": 1.0}, {"a": 0.2}, {"a": 0.4}, {"a": 0.6}])
    assert book.scores(["a"])[0] == pytest.approx(0.4)
    assert played(WindowScores(4), [{"a": 1.0}]).scores(["a"]).tolist() == [0.25]


@books
@given(rounds=ROUNDS, order=st.permutations("abcdef"))
@settings(deadline=None, max_examples=40)
def test_scores_do_not_depend_on_places(make: Callable[[], ScoreBook], rounds: Any, order: list[str]) -> None:
    book = played(make(), rounds)
    shuffled = played(make(), [{key: earned[key] for key in order if key in earned} for earned in rounds])
    np.testing.assert_array_equal(book.scores(order), shuffled.scores(order))
    by_name = dict(zip("abcdef", book.scores(list("abcdef")), strict=True))
    assert book.scores(order).tolist() == [by_name[key] for key in order]
    assert ((book.scores(order) >= 0.0) & (book.scores(order) <= 1.0)).all()


@books
@given(rounds=ROUNDS)
@settings(deadline=None, max_examples=40)
def test_a_book_survives_json_to_the_last_bit(make: Callable[[], ScoreBook], rounds: Any) -> None:
    book = played(make(), rounds)
    book.register("b", 7)
    again = type(book).from_dict(json.loads(json.dumps(book.to_dict())))
    assert again.to_dict() == book.to_dict()
    for both in (book, again):
        both.update(["b", "new"], [0.5, 0.25], at=20)
    assert again.to_dict() == book.to_dict()


@books
def test_whoever_takes_the_place_of_another_inherits_nothing(make: Callable[[], ScoreBook]) -> None:
    book = make()
    book.sync(["a", "b"], [1, 1])
    book.update(["a", "b"], [1.0, 1.0], at=2)
    book.sync(["sniper", "b"], np.array([3, 1]))
    assert book.hotkeys == ("b", "sniper")
    assert book.scores(["sniper", "a"]).tolist() == [0.0, 0.0]
    assert book.scores(["b"])[0] > 0.0


@books
def test_a_hotkey_that_registers_anew_starts_anew(make: Callable[[], ScoreBook]) -> None:
    book = make()
    book.register("a", 1)
    book.update(["a"], [1.0], at=2)
    book.register("a", 1)
    assert book.counts(["a"]).tolist() == [1]
    book.register("a", 3)
    assert (book.scores(["a"]).tolist(), book.counts(["a"]).tolist()) == ([0.0], [0])


def test_a_score_from_before_any_registration_was_known_is_kept() -> None:
    book = played(MovingScores(1.0), [{"a": 1.0}])
    book.sync(["a"], [0])
    assert book.scores(["a"]).tolist() == [1.0]


def test_a_score_halves_with_each_half_life_after_its_grace() -> None:
    book = played(MovingScores(1.0, half_life=10, grace=5), [{"a": 1.0}])
    ages = [0, 5, 10, 15, 25]
    assert [book.scores(["a"], at=age)[0] for age in ages] == pytest.approx([1, 1, math.sqrt(0.5), 0.5, 0.25])


def test_who_was_not_asked_loses_nothing_within_the_grace_and_nothing_ever_without_a_half_life() -> None:
    rounds: list[dict[str, float]] = [{"a": 1.0}, *[{"b": 1.0}] * 50]
    assert played(MovingScores(0.5, half_life=1, grace=50), rounds).scores(["a"]).tolist() == [0.5]
    assert played(MovingScores(0.5), rounds).scores(["a"], at=10**6).tolist() == [0.5]


def test_one_answer_does_not_bring_back_what_had_faded() -> None:
    book = played(MovingScores(0.1, half_life=1), [{"a": 1.0}] * 100)
    faded = book.scores(["a"], at=109)[0]
    book.update(["a"], [0.0], at=109)
    assert book.scores(["a"])[0] == pytest.approx(0.9 * faded)


def test_a_tiny_half_life_leaves_zero_and_no_warning() -> None:
    assert played(MovingScores(1.0, half_life=5e-324), [{"a": 1.0}]).scores(["a"], at=9).tolist() == [0.0]


@pytest.mark.parametrize("alpha", [0.05, 0.1, 0.3])
def test_a_miner_that_is_good_half_of_the_time_earns_no_more_per_duty_than_one_that_always_is(alpha: float) -> None:
    book, weights = MovingScores(alpha), []
    for at in range(800):
        book.update(["steady", "swings"], [1.0, float(at // 100 % 2 == 0)], at=at)
        weights.append([power(book.scores(["steady", "swings"]), exponent) for exponent in (1.0, 8.0)])
    # Of weights, those of the other miner left out: what the swinging one has beside a steady one.
    plain, sharp = np.mean([[share[1] / share[0] for share in pair] for pair in weights[400:]], axis=0) / 0.5
    assert plain <= 1.02
    assert sharp < plain


@books
@pytest.mark.parametrize(
    ("hotkeys", "rewards", "at", "error", "message"),
    [
        (["a"], [math.nan], 9, NotFinite, r"rewards\[0\] is nan"),
        (["a"], [1.5], 9, OutOfRange, r"rewards\[0\] is 1\.5"),
        (["a"], [0.5, 0.5], 9, WrongShape, r"shape \(2,\), expected \(1,\)"),
        (["a", "a"], [0.5, 0.5], 9, WrongShape, "'a' is named 2 times"),
        ([""], [0.5], 9, WrongShape, "empty"),
        (["a"], [0.5], 4, OutOfRange, "at is 4, and the scores are of 5"),
        (["a"], [0.5], -1, OutOfRange, "at is -1"),
    ],
)
def test_a_refused_round_changes_nothing(
    make: Callable[[], ScoreBook],
    hotkeys: list[str],
    rewards: list[float],
    at: int,
    error: type[Exception],
    message: str,
) -> None:
    book = make()
    book.update(["a", "b"], [0.5, 0.25], at=5)
    before = book.to_dict()
    with pytest.raises(error, match=message):
        book.update(hotkeys, rewards, at=at)
    assert book.to_dict() == before


@pytest.mark.parametrize(
    ("path", "value", "error"),
    [
        (("format",), 2, UnreadableCase),
        (("format",), True, UnreadableCase),
        (("rule",), "window", UnreadableCase),
        (("latest",), -1, OutOfRange),
        (("latest",), "5", WrongShape),
        (("entries",), [], UnreadableCase),
        (("entries", ""), {}, WrongShape),
        (("entries", "b"), None, UnreadableCase),
        (("entries", "b"), {"marks": [0.5]}, UnreadableCase),
        (("entries", "a", "marks"), [math.nan], NotFinite),
        (("entries", "a", "marks"), [math.inf], NotFinite),
        (("entries", "a", "marks"), [10**400], OutOfRange),
        (("entries", "a", "marks"), [1.5], OutOfRange),
        (("entries", "a", "marks"), [True], WrongShape),
        (("entries", "a", "marks"), ["0.5"], WrongShape),
        (("entries", "a", "marks"), [0.5, 0.5], WrongShape),
        (("entries", "a", "marks"), "0", WrongShape),
        (("entries", "a", "last"), 6, OutOfRange),
        (("entries", "a", "last"), 0.5, WrongShape),
        (("entries", "a", "count"), 2**63, OutOfRange),
        (("entries", "a", "registered_at"), -1, OutOfRange),
        (("entries", "a", "extra"), 1, UnreadableCase),
        (("settings", "alpha"), 0.0, OutOfRange),
        (("settings", "alpha"), math.nan, NotFinite),
        (("settings", "alpha"), None, WrongShape),
        (("settings", "half_life"), "1", WrongShape),
        (("settings", "extra"), 1, UnreadableCase),
    ],
)
def test_a_stored_book_that_was_tampered_with_is_refused(
    path: tuple[str, ...], value: Any, error: type[Exception]
) -> None:
    book = MovingScores()
    book.update(["a"], [0.5], at=5)
    content: Any = book.to_dict()
    inner = content
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(error):
        MovingScores.from_dict(content)


@given(st.recursive(st.none() | st.booleans() | st.floats() | WORDS, lambda x: st.lists(x) | st.dictionaries(WORDS, x)))
@settings(deadline=None, max_examples=40)
def test_what_is_no_book_is_refused_by_a_typed_error(content: object) -> None:
    with pytest.raises(RewardError):
        MovingScores.from_dict(content)


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: MovingScores(0.0), OutOfRange),
        (lambda: MovingScores(1.1), OutOfRange),
        (lambda: MovingScores(math.nan), NotFinite),
        (lambda: MovingScores(half_life=0), OutOfRange),
        (lambda: MovingScores(half_life=math.inf), NotFinite),
        (lambda: MovingScores(grace=-1), OutOfRange),
        (lambda: WindowScores(0), OutOfRange),
        (lambda: WindowScores(10**9), OutOfRange),
        (lambda: MovingScores().register("a", -1), OutOfRange),
        (lambda: MovingScores().sync(["a"], []), WrongShape),
    ],
)
def test_settings_that_cannot_work_are_refused(make: Callable[[], object], error: type[Exception]) -> None:
    with pytest.raises(error):
        make()
