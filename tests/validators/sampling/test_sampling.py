# SPDX-License-Identifier: Apache-2.0
"""Whom a round asks: nobody twice, nobody too rarely, and those together who may copy each other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import chain, combinations
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocols.errors import InvalidSubnet, OutOfRange
from protocols.metagraph import Metagraph
from protocols.types import Hotkey
from subnet.templates.text.text import Text
from tests.validators.sampling.town import ME, chances, miner, rounds, sampler, town
from validators.sampling import Past, Sampler, SamplingOptions
from validators.sampling.sampler import Strategy

STRATEGIES = get_args(Strategy)


@given(
    miners=st.integers(0, 40),
    size=st.integers(1, 45),
    strategy=st.sampled_from(STRATEGIES),
    explore=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    owners=st.lists(st.integers(0, 3), max_size=40),
    number=st.integers(0, 99),
    asked=st.dictionaries(st.integers(0, 60), st.integers(0, 98)),
    together=st.booleans(),
)
def test_a_round_asks_others_that_can_be_reached_each_once_and_groups_whole(
    miners: int,
    size: int,
    strategy: Strategy,
    explore: float,
    owners: list[int],
    number: int,
    asked: dict[int, int],
    together: bool,
) -> None:
    options = SamplingOptions(size=size, strategy=strategy, explore=explore, together=together)
    metagraph = town(miners, owned={at: f"several {owner}" for at, owner in enumerate(owners)}, away=[1])
    past = Past(number=number, asked_in={miner(at): when for at, when in asked.items()})
    picked = sampler(options).pick(metagraph, chances(number), past)
    assert picked == sampler(options).pick(metagraph, chances(number), past)
    reachable = {miner(at) for at in range(miners) if at != 1}
    assert set(picked) <= reachable
    assert len(set(picked)) == len(picked) <= size
    if len(reachable) <= size:
        assert set(picked) == reachable
    for owner in set(owners) if together else ():
        group = {miner(at) for at, one in enumerate(owners) if one == owner} & reachable
        met = len(group & set(picked))
        # A group larger than a round comes in parts of a round's size, and what is left over.
        assert met in ({0, len(group)} if len(group) <= size else {0, size, len(group) % size})


@pytest.mark.parametrize("strategy", ["definition", "uniform"])
def test_by_default_each_miner_is_asked_as_often_as_the_next(strategy: Strategy) -> None:
    options = SamplingOptions(size=8, strategy=strategy, explore=0.0)
    asked = Counter(chain(*rounds(options, town(32), 400)))
    assert len(asked) == 32
    assert 60 < min(asked.values()) <= max(asked.values()) < 140  # 100 each, give or take


def test_a_group_is_asked_as_often_as_a_miner_that_is_alone() -> None:
    metagraph = town(64, owned=dict.fromkeys(range(6), "one"))
    asked = Counter(chain(*rounds(SamplingOptions(size=16, explore=0.0), metagraph, 400)))
    others = np.mean([asked[miner(at)] for at in range(6, 64)])
    assert {asked[miner(at)] for at in range(6)} == {asked[miner(0)]}
    assert 0.7 * others < asked[miner(0)] < 1.3 * others


def test_a_group_larger_than_a_round_comes_in_parts_that_chance_puts_together() -> None:
    metagraph = town(24, owned=dict.fromkeys(range(10), "one"))
    group = {miner(at) for at in range(10)}
    met = set()
    for picked in rounds(SamplingOptions(size=4), metagraph, 300):
        members = group & set(picked)
        assert len(members) in (0, 2, 4)
        met |= set(combinations(sorted(members), 2))
    assert len(met) == 45  # any two of the ten were asked together at some time


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_newcomer_is_asked_within_a_few_rounds_whatever_the_strategy(strategy: Strategy) -> None:
    stakes = [10**12] * 63 + [0]
    asked_in = {miner(at): 0 for at in range(63)}
    waits = []
    for number in range(1, 60):
        past = Past(number=number, asked_in=asked_in)
        picked = sampler(SamplingOptions(size=16, strategy=strategy)).pick(
            town(64, stakes=stakes), chances(number), past
        )
        if miner(63) in picked:
            waits.append(number)
    assert waits[0] <= 4
    if strategy != "phases":  # by which its turn comes like everybody's
        assert len(waits) == 59  # 1.6 places of 16 are kept, and it is the only one that was never asked


def test_without_exploration_stake_alone_may_leave_a_newcomer_out() -> None:
    stakes = [10**12] * 63 + [0]
    options = SamplingOptions(size=16, strategy="stake", explore=0.0)
    assert miner(63) not in set(chain(*rounds(options, town(64, stakes=stakes), 40)))


def test_stale_asks_whoever_waited_longest() -> None:
    picks = rounds(SamplingOptions(size=8, strategy="stale"), town(32), 12)
    for cycle in range(3):
        assert len(set(chain(*picks[4 * cycle : 4 * cycle + 4]))) == 32


def test_stake_asks_in_proportion_and_each_at_most_once_a_round() -> None:
    stakes = [1, 2, 4, 8] * 4
    options = SamplingOptions(size=1, strategy="stake", explore=0.0)
    asked = Counter(chain(*rounds(options, town(16, stakes=stakes), 1500)))
    parts = [sum(asked[miner(at)] for at in range(kind, 16, 4)) / 1500 for kind in range(4)]
    assert parts == pytest.approx([1 / 15, 2 / 15, 4 / 15, 8 / 15], abs=0.04)


@given(miners=st.integers(1, 60), size=st.integers(1, 20), cycle=st.integers(0, 5))
def test_by_phases_every_miner_is_asked_exactly_once_in_each_turn(miners: int, size: int, cycle: int) -> None:
    turns = -(-miners // size)
    options, metagraph = SamplingOptions(size=size, strategy="phases"), town(miners)
    picks = [sampler(options).pick(metagraph, chances(0), Past(number=cycle * turns + place)) for place in range(turns)]
    assert Counter(chain(*picks)) == Counter(miner(at) for at in range(miners))


def test_by_phases_validators_that_keep_step_never_ask_a_miner_at_the_same_time() -> None:
    options, metagraph = SamplingOptions(size=8, strategy="phases"), town(32, validators=4)
    picks = [rounds(options, metagraph, 8, me=Hotkey(f"validator {at}")) for at in range(4)]
    for at_once in zip(*picks, strict=True):
        assert len(set(chain(*at_once))) == 32


def test_by_phases_any_two_are_asked_together_at_some_time() -> None:
    met = set()
    for picked in rounds(SamplingOptions(size=8, strategy="phases"), town(16), 80):
        met |= set(combinations(sorted(picked), 2))
    assert len(met) == 16 * 15 // 2


@pytest.mark.parametrize("strategy", [one for one in STRATEGIES if one != "stake"])
def test_likely_copies_are_asked_together_and_those_that_one_of_them_links(strategy: Strategy) -> None:
    likely = [frozenset({miner(1), miner(9)}), frozenset({miner(9), miner(20)}), frozenset({miner(2), Hotkey("left")})]
    group = {miner(1), miner(9), miner(20)}
    picks = rounds(SamplingOptions(size=8, strategy=strategy), town(32), 60, likely=likely)
    assert {len(group & set(picked)) for picked in picks} == {0, 3}
    apart = rounds(SamplingOptions(size=8, strategy=strategy, together=False), town(32), 60, likely=likely)
    assert {len(group & set(picked)) for picked in apart} & {1, 2}


class Chosen(Text):
    """Picks by itself, by chance of its own making."""

    name = "chosen"

    def sample(self, metagraph: Metagraph, rng: np.random.Generator, k: int, me: Hotkey) -> Sequence[Hotkey]:
        """The first and the last."""
        return [miner(0), miner(31)]


def test_a_definition_with_a_sample_of_its_own_is_obeyed_to_the_letter() -> None:
    metagraph = town(32, owned={0: "one", 1: "one"})
    asked = Sampler(definition=Chosen(), me=ME, options=SamplingOptions(size=4)).pick(metagraph, chances(1), Past())
    assert asked == (miner(0), miner(31))
    other = Sampler(definition=Chosen(), me=ME, options=SamplingOptions(size=4, strategy="uniform"))
    assert len(other.pick(metagraph, chances(1), Past())) == 4


def test_a_definition_with_a_sample_of_its_own_is_held_to_its_promise() -> None:
    class TooMany(Chosen):
        def sample(self, *_: Any) -> Sequence[Hotkey]:
            return [miner(at) for at in range(5)]

    with pytest.raises(InvalidSubnet, match="sample picked 5 hotkeys, 5 of them different, expected at most 4"):
        Sampler(definition=TooMany(), me=ME, options=SamplingOptions(size=4)).pick(town(8), chances(1), Past())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 0}, "size is 0, expected 1 or more"),
        ({"explore": 1.5}, "explore is 1.5, expected 0 to 1"),
        ({"explore": float("nan")}, "explore is nan"),
        ({"strategy": "newest"}, "strategy is 'newest', expected one of definition, uniform"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(OutOfRange, match=words):
        SamplingOptions(**options)
