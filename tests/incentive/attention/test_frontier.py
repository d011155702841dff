# SPDX-License-Identifier: Apache-2.0
"""The tables of the documentation are the ones that the code computes, and the rivals are as their sources say."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from incentive.arrays import Array
from incentive.attention import RIVALS, Attention, constant_spam, sybil_frontier
from incentive.attention.rivals import diversity_mask, fitness_sharing, replication_penalty, ridge_leverage
from protocols.errors import OutOfRange

PAGE = Path(__file__).parents[3] / "docs/explanation/attention.md"


def test_the_page_shows_the_frontier_that_is_computed_today() -> None:
    frontier = sybil_frontier(np.random.default_rng(0), windowed=Attention.windowed(), rivals=RIVALS)
    assert str(frontier) in PAGE.read_text(encoding="utf-8"), f"put this table into the page:\n{frontier}"


def test_the_page_shows_the_spam_that_is_computed_today() -> None:
    report = constant_spam(np.random.default_rng(0))
    assert str(report) in PAGE.read_text(encoding="utf-8"), f"put this table into the page:\n{report}"


def test_a_window_sees_through_paraphrases_that_one_answer_does_not_betray() -> None:
    frontier = sybil_frontier(np.random.default_rng(1), windowed=Attention.windowed(), cosines=(1.0, 0.85))
    assert frontier["attention"].gains[1] > 5.0
    assert frontier["attention + window"].gains[1] < 2.0
    assert [row.name for row in frontier.rows] == ["attention", "attention + window"]
    with pytest.raises(OutOfRange, match="no rule is called 'yuma'"):
        frontier["yuma"]


def test_a_world_without_copies_is_none() -> None:
    with pytest.raises(OutOfRange):
        sybil_frontier(np.random.default_rng(0), copies=0)
    with pytest.raises(OutOfRange):
        sybil_frontier(np.random.default_rng(0), cosines=(1.2,))
    with pytest.raises(OutOfRange):
        constant_spam(np.random.default_rng(0), spammers=0)


@pytest.fixture
def pair() -> Array:
    return np.array([[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])


def test_the_mask_cuts_the_copy_and_the_original_alike(pair: Array) -> None:
    masked = diversity_mask(pair, np.ones(4))
    assert masked[:2] == pytest.approx([0.0179862, 0.0179862], abs=1e-7)
    assert masked[2:] == pytest.approx([1.0, 1.0])
    assert diversity_mask(pair[:1], np.ones(1)) == pytest.approx(1 / (1 + np.exp(4.0)))  # alone, it is nearest itself


def test_sharing_halves_a_pair_and_the_penalty_quarters_it(pair: Array) -> None:
    assert fitness_sharing(pair, np.ones(4)).tolist() == [0.5, 0.5, 1.0, 1.0]
    assert replication_penalty(pair, np.ones(4)).tolist() == [0.25, 0.25, 0.5, 0.5]


def test_the_leverage_of_all_answers_is_the_rank_as_the_ridge_vanishes(pair: Array) -> None:
    assert ridge_leverage(pair, np.ones(4), ridge=1e-9).sum() == pytest.approx(3.0, abs=1e-6)


@pytest.mark.parametrize("name", RIVALS)
def test_every_rival_pays_in_proportion_to_quality_and_leaves_its_input_alone(name: str) -> None:
    rng = np.random.default_rng(0)
    x, q = rng.normal(size=(9, 5)), rng.random(9)
    before = x.copy(), q.copy()
    assert RIVALS[name](x, q / 2) == pytest.approx(RIVALS[name](x, q) / 2)
    assert np.array_equal(x, before[0])
    assert np.array_equal(q, before[1])


def test_each_guarantee_of_the_page_has_its_test() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE.read_text(encoding="utf-8")))
    tests = "\n".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert len(named) >= 10
    assert {name for name in named if f"def {name}(" not in tests} == set()
