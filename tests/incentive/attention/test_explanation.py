# SPDX-License-Identifier: Apache-2.0
"""An explanation adds up: its factors give the reward, and its neighbours the rest of the answer."""

from __future__ import annotations

import json

import numpy as np
import pytest

from incentive.attention import Attention, Rewards, attention_reward
from protocols.errors import OutOfRange, WrongShape


@pytest.fixture
def paid() -> Rewards:
    x = [[1.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.8, 0.6, 0.0], [0.0, 0.0, 1.0]]
    return attention_reward(x, [0.9, 0.9, 0.8, 0.5], prior=[3.0, 1.0, 1.0, 1.0])


def test_the_factors_multiply_to_the_reward(paid: Rewards) -> None:
    for miner in range(4):
        told = paid.explain(miner)
        assert told.reward == pytest.approx(told.value * told.share * told.attention**told.crowding)
        assert told.mass == pytest.approx(told.quality * told.share)


def test_what_neighbours_hold_and_the_own_share_are_the_whole_answer(paid: Rewards) -> None:
    told = paid.explain(1)
    assert told.share == pytest.approx(0.25)
    assert [one.miner for one in told.same] == [0]
    assert told.same[0].closeness == 1.0
    assert told.same[0].part == pytest.approx(0.75)
    assert told.same[0].mass == pytest.approx(3.0 * 0.9)
    assert told.share + sum(one.part for one in told.same) == pytest.approx(1.0)


def test_the_region_lists_those_near_by_the_mass_that_counts(paid: Rewards) -> None:
    near = paid.explain(0).near
    assert [one.miner for one in near] == [2, 1]
    assert near[0].closeness == pytest.approx(((0.8 - 0.5) / 0.5) ** 2)
    assert sum(one.mass for one in near) + paid.mass[0] == pytest.approx(paid.quality[0] / paid.attention[0])
    assert paid.explain(3).near == ()


def test_an_operator_can_read_it(paid: Rewards) -> None:
    text = str(paid.explain(1, names=["5Alice", "5Bob", "5Carol", "5Dave"]))
    assert text.startswith("5Bob: reward 0.")
    assert "5Alice holds 75.0%" in text
    assert "% of the pool" in text
    assert "nobody else gave it" in str(paid.explain(3))


def test_a_crowd_is_summed_up() -> None:
    text = str(attention_reward(np.ones((30, 2)), np.ones(30), rule=Attention(gamma=2.0)).explain(0))
    assert text.count("holds 3.3%") == 10
    assert "24 more hold 80.0%" in text
    assert "attention 1.0000 ^ 2" in text


def test_as_plain_values_it_is_json(paid: Rewards) -> None:
    plain = json.loads(json.dumps(paid.explain(1).to_dict()))
    assert plain["share"] == pytest.approx(0.25)
    assert plain["same"][0]["miner"] == 0


@pytest.mark.parametrize("miner", [-1, 4])
def test_who_was_not_asked_has_nothing_to_explain(paid: Rewards, miner: int) -> None:
    with pytest.raises(OutOfRange, match=f"miner is {miner}, expected 0 to 3"):
        paid.explain(miner)
    with pytest.raises(WrongShape, match="1 names for 4 miners"):
        paid.explain(0, names=["5Alice"])
