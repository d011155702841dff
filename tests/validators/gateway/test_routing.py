# SPDX-License-Identifier: Apache-2.0
"""Whom to ask: the best and the quick, none of them flooded, newcomers a little, and who fails not for a while."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest

from protocols.types import Coldkey, Hotkey
from tests.validators.gateway.town import chance
from validators.gateway.options import GatewayOptions
from validators.gateway.paces import Paces
from validators.gateway.routing import Candidate, Condition, pick

BASE = 10


def candidates(*scores: float, owner: str = "") -> list[Candidate]:
    """Miners a, b, c and so on with these scores, each its own owner's unless one is named."""
    names = [chr(ord("a") + at) for at in range(len(scores))]
    return [
        Candidate(Hotkey(name), Coldkey(owner or f"of {name}"), score)
        for name, score in zip(names, scores, strict=True)
    ]


def drawn(
    miners: Sequence[Candidate],
    conditions: Mapping[str, Condition] | None = None,
    tried: Sequence[str] = (),
    explore: float = 0.0,
    draws: int = 2000,
) -> Counter[str | None]:
    """How often each is picked."""
    rng, known = chance(1), conditions or {}
    asked = [Hotkey(name) for name in tried]
    return Counter(pick(miners, lambda one: known.get(one, Condition()), asked, explore, rng) for _ in range(draws))


def test_only_those_near_the_best_are_asked_and_all_of_them() -> None:
    found = drawn(candidates(1.0, 0.9, 0.6, 0.3, 0.1))
    assert set(found) == {"a", "b", "c"}
    assert min(found.values()) > 200


def test_there_are_always_two_to_choose_from() -> None:
    assert set(drawn(candidates(1.0, 0.1))) == {"a", "b"}
    assert set(drawn(candidates(1.0))) == {"a"}
    assert set(drawn([])) == {None}


def test_of_two_the_one_that_answers_sooner_is_asked() -> None:
    slow = {"a": Condition(typical_s=2.0)}
    assert drawn(candidates(1.0, 0.9, 0.8), slow)["a"] == 0
    flooded = {"a": Condition(under_way=9), "b": Condition(under_way=1)}
    found = drawn(candidates(1.0, 0.9, 0.8), flooded)
    assert found["a"] == 0
    assert found["c"] > found["b"] > 0


def test_who_rests_is_asked_only_where_nobody_else_is_left() -> None:
    resting = {"a": Condition(rests_s=5.0), "b": Condition(rests_s=1.0)}
    assert set(drawn(candidates(1.0, 0.9, 0.1), resting)) == {"c"}
    assert set(drawn(candidates(1.0, 0.9, 0.1), resting, tried=["c"])) == {"b"}
    assert set(drawn(candidates(1.0, 0.9, 0.1), resting, tried=["c", "b"])) == {"a"}
    assert set(drawn(candidates(1.0, 0.9, 0.1), resting, tried=["c", "b", "a"])) == {None}


def test_who_has_enough_of_our_questions_is_passed_over_while_others_have_room() -> None:
    busy = {"a": Condition(is_free=False)}
    assert set(drawn(candidates(1.0, 0.9, 0.8), busy)) == {"b", "c"}
    assert set(drawn(candidates(1.0), busy)) == {"a"}


def test_newcomers_get_their_share_and_no_more_for_having_many_hotkeys() -> None:
    known, crowd = candidates(1.0, 0.9), [Candidate(Hotkey(f"n{at}"), Coldkey("crowd"), 0.0) for at in range(9)]
    alone = Candidate(Hotkey("alone"), Coldkey("one"), 0.0)
    found = drawn([*known, *crowd, alone], explore=0.1, draws=10_000)
    new = sum(count for name, count in found.items() if name not in ("a", "b"))
    assert new == pytest.approx(1000, rel=0.15)
    assert found["alone"] == pytest.approx(new / 2, rel=0.15)
    # Whoever waits for a second miner has waited enough.
    assert set(drawn([*known, *crowd], tried=["a"], explore=1.0)) == {"b"}


def test_the_same_draws_choose_the_same() -> None:
    miners = candidates(1.0, 0.9, 0.8, 0.0)
    first = [pick(miners, lambda _: Condition(), (), 0.1, chance(seed)) for seed in range(50)]
    assert first == [pick(miners, lambda _: Condition(), (), 0.1, chance(seed)) for seed in range(50)]


def test_patience_is_a_quantile_of_what_a_miner_took_within_bounds() -> None:
    paces, a = Paces(GatewayOptions(hedge=0.9, least_hedge_s=0.05, most_hedge_s=2.0)), Hotkey("a")
    assert paces.patience_s(a) == 2.0
    for at in range(BASE):
        paces.answered(a, 0.1 * (at + 1))
    assert paces.patience_s(a) == pytest.approx(1.0)
    assert paces.typical_s(a) == pytest.approx(0.6)
    for _ in range(64):
        paces.answered(a, 0.001)
    assert paces.patience_s(a) == 0.05
    for _ in range(64):
        paces.overtaken(a, 30.0)
    assert paces.patience_s(a) == 2.0
    assert paces.typical_s(a) == 30.0
    # One that was never asked is taken for as quick as others are.
    assert paces.typical_s(Hotkey("b")) == 30.0
    assert Paces(GatewayOptions(hedge=0.0)).patience_s(a) is None
    assert Paces(GatewayOptions(hedge=3.0)).patience_s(a) == 3.0


def test_who_fails_rests_twice_as_long_each_time_until_it_answers() -> None:
    paces, a = Paces(GatewayOptions(rest_s=5.0, most_rest_s=60.0)), Hotkey("a")
    rests = []
    for _ in range(6):
        paces.failed(a, 100.0)
        rests.append(paces.rests(a, 100.0))
    assert rests == [5.0, 10.0, 20.0, 40.0, 60.0, 60.0]
    assert paces.rests(a, 159.0) == 1.0
    assert paces.rests(a, 161.0) == 0.0
    paces.answered(a, 0.1)
    assert paces.rests(a, 100.0) == 0.0
    paces.failed(a, 200.0)
    assert paces.rests(a, 200.0) == 5.0
    paces.keep([])
    assert paces.rests(a, 200.0) == 0.0
